"""Both colour schemes, four widths: nothing sideways, unnamed or cut, nothing that axe-core calls serious."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import kept_look
from playwright.sync_api import Page, expect

# What each step alone shows: the page follows the kernel's answer, a moment after the click.
SHOWN = {
    "1 Model": "Control at a cycle length of 1000 ms",
    "2 Experiment": "Alter the model by hand",
    "3 Learn": "How well the network knows the gates: RMS error",
    "4 Retrain": "Find what has changed",
    "5 Interpret": "Findings, the one that explains most first",
}
STEPS = ("1 Model", "2 Experiment", "3 Learn", "4 Retrain", "5 Interpret")

UNNAMED = """() => [...document.querySelectorAll('button, input, select, textarea, a[href], [role=slider]')]
  .filter(element => element.checkVisibility())
  .filter(element => !element.labels?.length && !element.textContent.trim())
  .map(element => element.outerHTML.slice(0, 120))"""

CUT = """() => [...document.querySelectorAll('.ionw :is(button, label, th, td, h2, p, .ionw-table)')]
  .filter(element => element.checkVisibility() && element.scrollWidth > element.clientWidth + 1
    && getComputedStyle(element).display !== 'inline')
  .map(element => element.outerHTML.slice(0, 120))"""

FIGURES_FIT = """() => [...document.querySelectorAll('.ionw-figure')]
  .filter(element => element.checkVisibility())
  .every(element => Math.abs((element.querySelector('.main-svg')?.getBoundingClientRect().width ?? -9)
    - element.clientWidth) <= 2)"""

SETTLED = """() => !document.querySelector('.ionw-status.is-busy')
  && ![...document.querySelectorAll('.ionw-skeleton')].some(element => element.checkVisibility())"""

SERIOUS = ("serious", "critical")
AXE_AT = (390, 1440)  # px wide
QUICK = ((390, "dark"), (1440, "light"))  # the other widths and schemes are slow


def show(page: Page, step: str) -> None:
    """Go to a step, and wait until it is drawn."""
    page.get_by_role("button", name=step, exact=True).click()
    expect(page.get_by_role("button", name=step, exact=True)).to_have_attribute("aria-current", "step")
    expect(page.get_by_text(SHOWN[step], exact=True)).to_be_visible()
    page.locator(".ionw-figure .main-svg:visible").first.wait_for()
    page.wait_for_function(FIGURES_FIT)
    page.wait_for_function(SETTLED)


def _looks_as_kept(page: Page, name: str) -> None:
    """A picture may be taken while a figure fits itself to its box: looked at again, for 10 s at most."""
    for _ in range(20):
        try:
            return kept_look.check(name, page.screenshot(full_page=True))
        except AssertionError:
            page.wait_for_timeout(500)
    kept_look.check(name, page.screenshot(full_page=True))


def serious_faults(page: Page) -> list[tuple[str, list[str]]]:
    """What axe-core finds that keeps somebody out: the rule, and where."""
    return [
        (fault["id"], [node["html"][:160] for node in fault["nodes"][:3]])
        for fault in Axe().run(page).response["violations"]
        if fault["impact"] in SERIOUS
    ]


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        pytest.param(width, scheme, marks=[] if (width, scheme) in QUICK else pytest.mark.slow)
        for width in (390, 768, 1440, 2560)
        for scheme in ("light", "dark")
    ],
)
def test_every_step_fits_is_open_to_everyone_and_looks_as_it_was_kept(
    looked_at: Callable[..., Page], width: int, scheme: str
) -> None:
    page = looked_at(width=width, scheme=scheme)
    for step in (STEPS[4], *STEPS[:4]):
        show(page, step)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, step
        assert page.evaluate(UNNAMED) == [], step
        assert page.evaluate(CUT) == [], step
        if width in AXE_AT:
            assert serious_faults(page) == [], step
        page.mouse.move(0, 0)
        page.evaluate("document.activeElement?.blur()")
        _looks_as_kept(page, f"{step[0]}-{width}-{scheme}")
    dark = page.evaluate("getComputedStyle(document.querySelector('.ionw')).backgroundColor")
    assert (sum(int(part) for part in dark[4:-1].split(",")) < 200) == (scheme == "dark")


def test_only_the_step_that_is_shown_is_in_the_accessibility_tree(looked_at: Callable[..., Page]) -> None:
    page = looked_at()
    page.get_by_role("button", name="2 Experiment", exact=True).click()
    expect(page.get_by_role("slider", name="g_Kr", exact=True)).to_be_visible()
    page.get_by_role("button", name="4 Retrain", exact=True).click()
    expect(page.get_by_label("eta", exact=True)).to_be_visible()
    expect(page.get_by_role("slider")).to_have_count(0)
    expect(page.get_by_role("heading", name="Alter the model by hand", exact=True)).to_have_count(0)


def test_the_steps_can_be_walked_with_the_keyboard_alone(open_page: Callable[..., Any]) -> None:
    page: Page = open_page().page
    page.get_by_role("button", name="1 Model", exact=True).focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="2 Experiment", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    slider = page.get_by_role("slider").first
    expect(slider).to_be_visible()
    for _ in range(20):  # protocol, preset, undo and redo come first
        page.keyboard.press("Tab")
        if slider.evaluate("element => element === document.activeElement"):
            break
    expect(slider).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "×1.04")


def test_the_address_needs_its_token(open_page: Callable[..., Any], address: str, browser: Any) -> None:
    open_page()
    context = browser.new_context()
    page = context.new_page()
    page.goto(address.partition("?")[0])
    assert "/login" in page.url
    context.close()
