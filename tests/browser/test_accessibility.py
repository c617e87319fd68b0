"""What a reader without a mouse, with large text or with a screen reader meets, on every step."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from browser.test_look import CUT, STEPS, show
from playwright.sync_api import Page

# The focused element: is it seen to have the focus, where in the document is it, is it on screen.
FOCUSED = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const style = getComputedStyle(element);
  const drawn = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  const box = element.getBoundingClientRect();
  const order = [...document.querySelectorAll('*')].indexOf(element);
  const inside = box.width > 0 && box.top >= -1 && box.bottom <= innerHeight + 1 || box.height > innerHeight;
  return { what: element.outerHTML.slice(0, 90), drawn, order, inside };
}"""

FOCUSABLE = """() => [...document.querySelectorAll(
    '.ionw :is(button, input, select, textarea, a[href], summary, [tabindex="0"])')]
  .filter(element => element.checkVisibility() && !element.disabled && element.tabIndex >= 0).length"""

# Things to press that are smaller than 24 px either way; a label counts with what it names.
SMALL = """() => [...document.querySelectorAll('.ionw :is(button, input, select, summary, a[href])')]
  .filter(element => element.checkVisibility() && getComputedStyle(element).display !== 'inline')
  .map(element => [element, (element.closest('label') ?? element).getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24)
  .map(([element, box]) => `${element.outerHTML.slice(0, 90)}: ${box.width} x ${box.height}`)"""

HEADINGS = """() => [...document.querySelectorAll('h1, h2, h3, h4')]
  .filter(element => element.checkVisibility()).map(element => Number(element.tagName[1]))"""


@pytest.mark.parametrize("step", STEPS)
def test_every_step_is_walked_by_keyboard_in_reading_order(looked_at: Callable[..., Page], step: str) -> None:
    page = looked_at()
    show(page, step)
    page.get_by_role("button", name=STEPS[0], exact=True).focus()
    page.keyboard.press("Shift+Tab")
    met: list[dict[str, Any]] = []
    for _ in range(page.evaluate(FOCUSABLE)):
        page.keyboard.press("Tab")
        now = page.evaluate(FOCUSED)
        assert now is not None, f"the focus is lost after {met[-1]['what'] if met else 'the start'}"
        assert now["drawn"], f"no outline: {now['what']}"
        assert now["inside"], f"not scrolled to: {now['what']}"
        met.append(now)
    orders = [one["order"] for one in met]
    assert orders == sorted(orders)
    assert len(set(orders)) == len(orders), "the focus is held"
    assert page.evaluate(SMALL) == []
    headings = page.evaluate(HEADINGS)
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(headings))


SPACED = ".ionw * { line-height: 1.5 !important; letter-spacing: 0.12em; word-spacing: 0.16em; }"


@pytest.mark.parametrize(
    ("width", "style"), [(720, " "), (768, " "), (1440, SPACED)], ids=["zoomed", "tablet", "spaced"]
)
def test_larger_text_is_not_cut(looked_at: Callable[..., Page], width: int, style: str) -> None:
    """A window of 1440 px zoomed to 200 % has 720; letters and lines further apart, as WCAG 1.4.12 has it."""
    page = looked_at(width=width, height=450)
    added = page.add_style_tag(content=style)
    try:
        for step in (STEPS[4], *STEPS[:4]):
            show(page, step)
            assert page.evaluate(CUT) == [], step
            assert page.evaluate("document.documentElement.scrollWidth") <= width, step
    finally:
        added.evaluate("style => style.remove()")


def test_colours_that_are_forced_and_motion_that_is_not_wanted(looked_at: Callable[..., Page]) -> None:
    page = looked_at(forced_colors="active", reduced_motion="reduce")
    for step in (STEPS[4], STEPS[1], STEPS[2]):
        show(page, step)
        moving = page.evaluate("document.getAnimations().filter(one => one.playState === 'running').length")
        assert moving == 0, step
    page.get_by_role("button", name="Train", exact=True).focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED)["drawn"]
    edges = page.get_by_role("button", name="Train", exact=True).evaluate(
        "element => getComputedStyle(element).borderStyle"
    )
    assert edges != "none", "a button's ground is not drawn in forced colours: its edge is all there is"
