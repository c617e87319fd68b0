"""Recordings in the page: dropped, large, in the wrong unit, upside down."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from browser.conftest import Watched
from playwright.sync_api import Page, expect

TIME = np.arange(0.0, 2000.0)  # ms
V = -85 + 120 * np.exp(-((TIME - 40) % 500.0) / 60)
DROP = """
([name, text]) => {
  const files = new DataTransfer();
  files.items.add(new File([text], name));
  const where = document.querySelector("input[type=file][multiple]").closest(".ionw-upload");
  for (const kind of ["dragover", "drop"])
    where.dispatchEvent(new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }));
}
"""
# Longest time [ms] that the page took to draw a frame, from now on.
WATCH_FRAMES = """
() => {
  window.longest = 0;
  let last = performance.now();
  const look = (now) => {
    window.longest = Math.max(window.longest, now - last);
    last = now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
"""


def text(V: np.ndarray, title: str) -> str:
    return "\n".join([title, *(f"{t:g},{v:.5f}" for t, v in zip(TIME, V, strict=True))])


@pytest.fixture
def page(open_page: Callable[..., Watched]) -> Page:
    page = open_page().page
    page.get_by_role("button", name="2 Experiment", exact=True).click()
    expect(page.get_by_label("Recording", exact=True)).to_be_visible()
    return page


def test_a_dropped_file_is_asked_about_and_put_right(page: Page) -> None:
    page.evaluate(DROP, ["mine.csv", text(V / 1000, "time,V")])
    expect(page.get_by_role("alert").filter(has_text="its unit is not given")).to_be_visible()
    page.get_by_label("V unit", exact=True).first.select_option("V")
    expect(page.get_by_role("status").first).to_contain_text("mine.csv is loaded")
    expect(page.get_by_role("alert").filter(has_text="its unit is not given")).to_have_count(0)
    expect(page.get_by_role("definition").filter(has_text=re.compile("^4$"))).to_be_visible()
    marks = page.locator(".ionw-figure").filter(has=page.get_by_text("upstrokes")).locator(".points path")
    expect(marks).to_have_count(4)


def test_a_drag_looks_closer_and_a_double_click_shows_all(page: Page) -> None:
    page.evaluate(DROP, ["mine.csv", text(V, "time [ms],V [mV]")])
    expect(page.get_by_role("status").first).to_contain_text("mine.csv is loaded")
    figure = page.locator(".ionw-figure").filter(has=page.get_by_text("upstrokes"))
    expect(figure.locator(".points path")).to_have_count(4)
    figure.scroll_into_view_if_needed()
    for _ in range(2):
        area = figure.locator(".nsewdrag").bounding_box()
        assert area is not None
        page.mouse.move(area["x"] + area["width"] * 0.3, area["y"] + area["height"] / 2)
        page.mouse.down()
        page.mouse.move(area["x"] + area["width"] * 0.4, area["y"] + area["height"] / 2, steps=5)
        page.mouse.up()
        expect(figure.locator(".xtick").filter(has_text="700")).to_have_count(1)
        expect(figure.locator(".xtick").filter(has_text="1500")).to_have_count(0)
        figure.locator(".nsewdrag").dblclick()
        expect(figure.locator(".xtick").filter(has_text="1500")).to_have_count(1)


def test_a_trace_that_points_down_is_told_and_turned_over(page: Page) -> None:
    page.evaluate(DROP, ["dye.csv", text(3 - V / 1000, "time [ms],V [a.u.]")])
    expect(page.get_by_text("action potentials point down")).to_be_visible()
    flip = page.get_by_label("Turn it over").first
    flip.check()
    expect(page.get_by_text("action potentials point down")).to_have_count(0)
    expect(flip).to_be_checked()
    page.get_by_role("button", name="Use the bundled example", exact=True).click()
    expect(flip).to_be_hidden()


def test_a_hundred_megabytes_do_not_freeze_the_page(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    beat = "\n".join(f"{v:.6f}" for v in np.repeat(V[:500], 10)).split("\n")
    with path.open("w", encoding="ascii") as file:
        file.write("time [ms],V [mV]\n")
        start = 0
        while file.tell() < 100 * 2**20:
            file.write("".join(f"{(start + i) / 10:.1f},{v}\n" for i, v in enumerate(beat)))
            start += len(beat)
    page.evaluate(WATCH_FRAMES)
    page.get_by_label("Recording", exact=True).set_input_files(path)
    expect(page.get_by_role("progressbar", name="Uploading long.csv")).to_be_visible()
    expect(page.get_by_role("status").first).to_contain_text(re.compile("long.csv"), timeout=120_000)
    expect(page.get_by_text(f"{start / 10_000:.4g} s", exact=True)).to_be_visible(timeout=120_000)
    # A frame is 16 ms; the page had 100 MB to read, to send, and a thinned trace to draw.
    longest = page.evaluate("() => window.longest")
    print(f"longest frame {longest:.0f} ms")
    assert longest < 1000
