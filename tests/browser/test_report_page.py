"""The page of a finding in a browser: it asks nobody, complains of nothing, and fits."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from ionwidgets.discovery import example_result


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    example_result().report(path)
    return path


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
def test_it_is_drawn_and_fits(report: Path, browser: Browser, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None,
    )
    try:
        page.goto(report.as_uri())
        page.wait_for_selector("body[data-drawn]", timeout=60_000)
        seen = page.evaluate(
            """() => ({
              wide: document.documentElement.scrollWidth,
              cut: [...document.querySelectorAll(".wide")].filter(
                (table) => table.scrollWidth > table.clientWidth).length,
              empty: [...document.querySelectorAll(".plot")].filter(
                (plot) => !plot.querySelector(".trace path, .point path")).length,
              spilled: [...document.querySelectorAll(".plot")].filter((plot) => {
                const box = plot.getBoundingClientRect();
                return [...plot.querySelectorAll(".legendtext, .annotation-text, .xtitle, .ytitle")].some(
                  (text) => {
                    const own = text.getBoundingClientRect();
                    return own.left < box.left - 1 || own.right > box.right + 1 || own.top < box.top - 1
                      || own.bottom > box.bottom + 1;
                  });
              }).length,
              paper: getComputedStyle(document.body).backgroundColor,
            })"""
        )
    finally:
        context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [report.as_uri()]
    assert (seen["wide"], seen["cut"], seen["empty"], seen["spilled"]) == (width, 0, 0, 0)
    assert (seen["paper"] == "rgb(255, 255, 255)") == (scheme == "light")
