"""The page around the workbench: name and icon, the outline until the widgets are there, what it fetches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser.conftest import Watched
from browser.short_lived import Dashboard, dashboard
from playwright.sync_api import Browser, Page, Response, expect

SHIFTS = """
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted += one.value;
  }).observe({ type: 'layout-shift', buffered: true });
"""
# Every kind of widget that might want a font, an icon or a script from somewhere else.
OTHERS = """
import ipywidgets as w
from IPython.display import HTML, Latex, Markdown, display
display(w.VBox([
    w.Button(description="With an icon", icon="check"), w.HTMLMath("$\\\\sum_i x_i$"),
    w.Label("$h_\\\\infty$"),
    w.Tab([w.Text(description="inside")], titles=["A tab"]), w.Accordion([w.DatePicker(description="day")]),
    w.ColorPicker(description="colour"), w.Play(), w.FileUpload(), w.Valid(value=True, description="valid"),
    w.SelectionRangeSlider(options=[1, 2, 3], description="range"), w.TagsInput(value=["tag"]),
]))
display(Markdown("# Marked\\n$x^2$"), Latex("$y$"), HTML("<b>bold</b>"))
"""


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_moves_while_the_page_is_loaded(open_page: Callable[..., Any], width: int) -> None:
    page: Page = open_page(width=width, prepare=lambda page: page.add_init_script(SHIFTS)).page
    expect(page.locator("#loading")).to_have_count(0)
    page.locator(".ionw-figure .main-svg:visible").first.wait_for()
    assert page.evaluate("window.shifted") < 0.1


def test_it_has_a_name_and_an_icon_of_its_own(open_page: Callable[..., Any]) -> None:
    page: Page = open_page().page
    assert page.title() == "ionwidgets workbench"
    expect(page.get_by_role("heading", level=1)).to_have_text("ionwidgets workbench")
    address = page.locator("link[rel=icon]").get_attribute("href")
    icon = page.request.get(page.evaluate("address => new URL(address, location).href", address))
    assert icon.ok
    assert icon.headers["content-type"] == "image/svg+xml"


def test_the_outline_is_there_before_any_script_and_stands_still_if_asked(
    browser: Browser, address: str
) -> None:
    for motion, moving in (("reduce", 0), ("no-preference", 11)):
        context = browser.new_context(reduced_motion=motion, java_script_enabled=False)
        page = context.new_page()
        page.goto(address, wait_until="commit")
        expect(page.get_by_text("Opening the workbench…")).to_be_visible()
        expect(page.locator("#loading i")).to_have_count(11)
        assert len(page.locator("#loading").evaluate("one => one.getAnimations({ subtree: true })")) == moving
        context.close()


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    path: Path = tmp_path_factory.mktemp("others") / "others.ipynb"
    cell = nbformat.v4.new_code_cell(OTHERS)
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = nbformat.v4.new_notebook(cells=[cell], metadata={"title": "others", "kernelspec": spec})
    nbformat.write(book, path)
    with dashboard(path) as served:
        yield served


def test_other_widgets_fetch_nothing_from_outside_either(browser: Browser, others: Dashboard) -> None:
    context = browser.new_context()
    watched = Watched(context.new_page())
    watched.watch()
    missing: list[str] = []

    def look(answer: Response) -> None:
        if answer.status >= 400:
            missing.append(answer.url)

    watched.page.on("response", look)
    watched.page.goto(others.address)
    button = watched.page.get_by_role("button", name="With an icon")
    expect(button).to_be_visible()
    expect(watched.page.get_by_role("heading", name="Marked")).to_be_visible()
    expect(watched.page.get_by_text("ipywidgets as w")).to_have_count(0)
    font = button.locator("i").evaluate(
        "async one => { await document.fonts.ready; return getComputedStyle(one, '::before').fontFamily }"
    )
    assert "Awesome" in font
    assert any("Awesome" in name for name in watched.page.evaluate(
        "[...document.fonts].filter(one => one.status === 'loaded').map(one => one.family)"
    ))  # fmt: skip
    context.close()
    assert watched.outside == []
    assert missing == []
