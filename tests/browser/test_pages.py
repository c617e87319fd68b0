"""Every page that a dashboard serves: listed with a picture, opened, its main control used."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from browser.conftest import PATIENCE_MS, Watched, close_all
from browser.test_look import CUT, UNNAMED, serious_faults
from playwright.sync_api import Browser, Page, expect

Open = Callable[..., Page]


@pytest.fixture
def open_at(browser: Browser, address: str) -> Iterator[Open]:
    """Open a page of the dashboard by its path, the token's cookie given; checked at the end."""
    opened: list[Watched] = []

    def open_one(path: str, **context: object) -> Page:
        made = browser.new_context(**context)
        watched = Watched(made.new_page())
        opened.append(watched)
        watched.page.set_default_timeout(PATIENCE_MS)
        made.request.get(address.replace("?", "ionwidgets/pages?"))
        watched.watch()
        watched.page.goto(address.partition("?")[0] + path, wait_until="commit")
        return watched.page

    yield open_one
    close_all(opened)


def _drawn(page: Page) -> None:
    page.locator(".ionw-figure .main-svg:visible").first.wait_for()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
def test_every_page_is_listed_with_its_picture(open_at: Open, width: int, scheme: str) -> None:
    page = open_at("ionwidgets/pages", viewport={"width": width, "height": 800}, color_scheme=scheme)
    expect(page.get_by_role("listitem")).to_have_count(4)
    page.wait_for_function(
        "[...document.images].every(image => image.complete && image.naturalWidth === 1280)"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious_faults(page) == []
    page.get_by_role("link", name=re.compile("Channel explorer")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Channel explorer")
    _drawn(page)
    page.get_by_role("link", name="All pages of ionwidgets").click()
    expect(page.get_by_role("listitem")).to_have_count(4)


def test_the_channel_explorer_answers_and_takes_a_link(open_at: Open) -> None:
    page = open_at("page/channels?model=lr1991&g_K=0.5")
    slider = page.get_by_role("slider", name="g_K", exact=True)
    expect(slider).to_have_attribute("aria-valuetext", "×0.5")
    expect(page.get_by_role("row", name=re.compile("^APD90"))).to_contain_text("+")
    expect(page.get_by_role("button", name="Train", exact=True)).to_have_count(0)


@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "light"), pytest.param(1440, "dark", marks=pytest.mark.slow)]
)
def test_the_story_is_told_step_by_step(open_at: Open, width: int, scheme: str) -> None:
    page = open_at("page/story", viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.get_by_label("Experiment", exact=True).select_option(label="Short QT")
    expect(page.get_by_role("row", name=re.compile("^APD90"))).to_contain_text("−")
    for step in ("2 Stage one", "3 Stage two", "5 Paper", "4 Change"):
        page.get_by_role("button", name=step, exact=True).click()
        _drawn(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, step
        assert page.evaluate(UNNAMED) == [], step
        assert page.evaluate(CUT) == [], step
        assert serious_faults(page) == [], step
    expect(page.get_by_role("heading", name=re.compile(r"I_CaL is down to 25 % of control"))).to_be_visible()
    expect(page.get_by_role("button", name="Run it live", exact=True)).to_be_enabled()


@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "dark"), pytest.param(1440, "light", marks=pytest.mark.slow)]
)
def test_the_papers_figures_are_chosen_and_made_again(open_at: Open, width: int, scheme: str) -> None:
    page = open_at("page/paper", viewport={"width": width, "height": 900}, color_scheme=scheme)
    _drawn(page)
    page.get_by_label("Figure", exact=True).select_option(label="Figure 5, ODE decoder")
    page.get_by_role("img", name="Figure 5, ODE decoder", exact=True).locator(".main-svg").first.wait_for()
    expect(page.get_by_role("region", name="Figure 5, ODE decoder in numbers")).to_contain_text("A/F")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(UNNAMED) == [] and page.evaluate(CUT) == []
    assert serious_faults(page) == []
    page.get_by_role("button", name="Reproduce", exact=True).click()
    status = page.get_by_role("status").first
    expect(status).to_contain_text(re.compile(r"Reproducing the paper \d+ %"))
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text(re.compile("The reproduction was stopped")).first).to_be_visible()


@pytest.mark.parametrize("path", ["ionwidgets/pages", "page/paper", "ionwidgets/pages/paper.jpg"])
def test_nothing_is_listed_without_the_token(address: str, path: str) -> None:
    try:
        with urlopen(address.partition("?")[0] + path, timeout=20) as answer:
            assert "/login" in answer.url
    except HTTPError as error:
        assert error.code in (401, 403)
