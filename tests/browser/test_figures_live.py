"""A figure in a page, over its life: what the reader does to it stays; once closed, nothing of it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from browser.conftest import run_cell
from playwright.sync_api import CDPSession, Locator, Page, expect

Lab = Callable[..., Any]

BEATING = """
import asyncio
from IPython.display import display
import ipywidgets
import plotly.graph_objects as go
from ionwidgets import figures
from ionwidgets.widgets.elements import FigureView

def trace(shift):
    return figures.Trace("control", [0.0, 1.0, 2.0, 3.0], [-80.0, 30.0 + shift, 10.0 + shift, -70.0], None)

figure = figures.action_potential([trace(0)])
figure.update_layout(dragmode="zoom")
view = FigureView(figure, "Beating")
filling = FigureView(go.Figure(go.Scatter(x=[0, 1], y=[0, 1])), "Filling")
filling.layout.update({"height": None})
display(view, ipywidgets.HBox([filling], layout={"height": "320px"}))

async def beat():
    for shift in range(1, 400):
        await asyncio.sleep(0.25)
        figures.update_action_potential(view, [trace(shift / 10)])

beating = asyncio.ensure_future(beat())
"""


def _figure(page: Page, name: str) -> Locator:
    figure = page.get_by_role("img", name=name, exact=True)
    figure.locator(".scatterlayer .trace path.js-line").first.wait_for(state="attached")
    return figure


def _wait_for_a_change(page: Page, name: str) -> None:
    page.wait_for_function(
        """name => {
          const {data} = document.querySelector(`[aria-label="${name}"]`);
          const now = data[0].y[1];
          window.seen ??= now;
          if (now === window.seen) return false;
          delete window.seen;
          return true;
        }""",
        arg=name,
    )


def test_zoom_and_hover_stay_while_the_kernel_draws_and_the_size_is_that_of_the_box(lab: Lab) -> None:
    page = lab(BEATING).page
    figure = _figure(page, "Beating")
    box = figure.locator(".nsewdrag").bounding_box()
    assert box is not None
    x, y, width, height = (box[side] for side in ("x", "y", "width", "height"))

    page.mouse.move(x + 0.2 * width, y + 0.5 * height)
    page.mouse.down()
    page.mouse.move(x + 0.6 * width, y + 0.5 * height, steps=4)
    page.mouse.up()
    page.wait_for_function("document.querySelector('[aria-label=Beating]').layout.xaxis.autorange === false")
    ranges = "({_fullLayout: l}) => l.xaxis.range"
    zoomed = figure.evaluate(ranges)
    assert zoomed[1] - zoomed[0] < 2
    for _ in range(3):
        _wait_for_a_change(page, "Beating")
    assert figure.evaluate(ranges) == pytest.approx(zoomed)

    peak = figure.evaluate("plot => plot._fullLayout.xaxis.l2p(1)")
    page.mouse.move(x + peak, y + 0.5 * height)
    words = figure.locator(".hoverlayer")
    expect(words).to_contain_text("control")
    told = words.text_content()
    for _ in range(3):
        _wait_for_a_change(page, "Beating")
        assert "control" in (words.text_content() or "")
    assert words.text_content() != told, "the value under the pointer is the present one"

    size = "plot => [plot._fullLayout.width - plot.clientWidth, plot._fullLayout.height]"
    filling = _figure(page, "Filling")
    assert filling.evaluate(size) == [0, 320]
    page.set_viewport_size({"width": 900, "height": 800})
    filling.evaluate("plot => { plot.closest('.ionw-figure').parentElement.style.height = '250px' }")
    for name, high in (("Beating", 300), ("Filling", 250)):
        page.wait_for_function(
            f"""() => {{
              const plot = document.querySelector('[aria-label={name}]');
              return plot._fullLayout.width === plot.clientWidth && plot._fullLayout.height === {high};
            }}"""
        )


SHOWN_AGAIN = """
import asyncio
from IPython.display import display
import ipywidgets
from ionwidgets import figures
from ionwidgets.widgets.elements import FigureView

trace = figures.Trace("control", [0.0, 1.0, 2.0], [-80.0, 30.0, -70.0], None)
view = FigureView(figures.action_potential([trace]), "Shown again")
box = ipywidgets.VBox([view])
display(box)

async def show(times):
    for turn in range(times):
        box.children = []
        await asyncio.sleep(0.1)
        box.children = [view]
        await asyncio.sleep(0.2)
    box.children = [view, ipywidgets.Label(f"shown {times} times again")]
"""
CLOSE = """
view.close()
for word in ("closing", "closed"):  # a box keeps what it held before
    box.children = [ipywidgets.Label(word)]
"""


class Heap:
    """What is alive in a page, after its garbage is gone."""

    def __init__(self, page: Page) -> None:
        self._cdp: CDPSession = page.context.new_cdp_session(page)
        self._cdp.send("Performance.enable")

    def count(self, prototype: str, which: str = "() => true") -> int:
        """How many objects with this prototype, and of these how many `which` chooses."""
        of = self._cdp.send("Runtime.evaluate", {"expression": prototype, "awaitPromise": True})["result"]
        found = self._cdp.send("Runtime.queryObjects", {"prototypeObjectId": of["objectId"]})["objects"]
        call = {
            "objectId": found["objectId"],
            "functionDeclaration": f"function () {{ return this.filter({which}).length }}",
            "returnByValue": True,
        }
        count = int(self._cdp.send("Runtime.callFunctionOn", call)["result"]["value"])
        self._cdp.send("Runtime.releaseObject", {"objectId": found["objectId"]})
        return count

    def figures(self) -> dict[str, int]:
        """Plots in the page and out of it, their views and models (each view has one before its model's)."""
        script = (
            "import(performance.getEntriesByType('resource').find(e => e.name.includes('/plotly-')).name)"
        )
        plot = "e => e.getAttribute('role') === 'img' && e.isConnected === "
        return {
            "plots": self.count("HTMLDivElement.prototype", plot + "true"),
            "detached": self.count("HTMLDivElement.prototype", plot + "false"),
            "views": self.count(f"{script}.then(s => s.FigureView.prototype)"),
            "models": self.count(f"{script}.then(s => s.FigureModel.prototype)"),
        }

    def listeners(self) -> dict[str, float]:
        """DOM nodes and listeners, and observers of sizes."""
        self._cdp.send("HeapProfiler.collectGarbage")
        metrics = {m["name"]: m["value"] for m in self._cdp.send("Performance.getMetrics")["metrics"]}
        observers = self.count("ResizeObserver.prototype")
        return {"nodes": metrics["Nodes"], "listeners": metrics["JSEventListeners"], "observers": observers}


@pytest.mark.slow
def test_nothing_is_left_of_a_figure_that_is_shown_again_and_closed(lab: Lab) -> None:
    page = lab(SHOWN_AGAIN, "await show(5)", "await show(50)", CLOSE, app="notebooks").page
    _figure(page, "Shown again")
    heap = Heap(page)
    run_cell(page, 1)
    page.get_by_text("shown 5 times again").wait_for()
    _figure(page, "Shown again")
    page.wait_for_timeout(500)
    once = {"plots": 1, "detached": 0, "views": 1, "models": 2}
    assert heap.figures() == once
    before = heap.listeners()
    run_cell(page, 2)
    page.get_by_text("shown 50 times again").wait_for()
    _figure(page, "Shown again")
    page.wait_for_timeout(500)  # plotly ends its drawing first
    assert heap.figures() == once
    after = heap.listeners()
    assert after["observers"] == before["observers"]
    # Running any cell adds some hundred of JupyterLab's own, once; fifty figures would add thousands.
    assert after["listeners"] - before["listeners"] < 1500
    assert after["nodes"] - before["nodes"] < 1000
    run_cell(page, 3)
    page.get_by_text("closed", exact=True).wait_for()
    expect(page.get_by_role("img", name="Shown again")).to_have_count(0)
    page.wait_for_timeout(500)
    left = heap.figures()
    assert left.pop("models") <= 1  # ipywidgets keeps the model that was closed last
    assert left == {"plots": 0, "detached": 0, "views": 0}


def _saved(page: Page, name: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=name, exact=True).press("Enter")
    kind = name.rsplit(" ", 1)[-1].lower()
    assert download.value.suggested_filename == (
        f"V-and-intracellular-calcium-of-the-altered-cell-against-control.{kind}"
    )
    return download.value.path().read_bytes()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_figure_is_saved_in_dark_ink_on_white(looked_at: Callable[..., Page], scheme: str) -> None:
    page = looked_at(scheme=scheme)
    page.get_by_role("button", name="2 Experiment", exact=True).click()
    name = "V and intracellular calcium of the altered cell against control"
    figure = _figure(page, name)
    buttons = page.get_by_role("button", name=f"Save {name} as SVG", exact=True).locator("..")
    page.mouse.move(0, 0)
    expect(buttons).to_have_css("opacity", "0")
    figure.hover()
    expect(buttons).to_have_css("opacity", "1")

    svg = _saved(page, f"Save {name} as SVG").decode()
    assert svg.startswith("<svg")
    drawing = ElementTree.fromstring(svg)
    lines = [line for line in drawing.iter(f"{SVG}path") if "js-line" in line.get("class", "")]
    assert any(len(line.get("d", "")) > 1000 for line in lines), "the trace, beside its key in the legend"
    texts = {_fill(text) for text in drawing.iter(f"{SVG}text") if text.text}
    assert texts == {"rgb(43, 48, 56)"}
    assert _fill(next(drawing.iter(f"{SVG}rect"))) == "rgb(255, 255, 255)"

    png = _saved(page, f"Save {name} as PNG")
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    shown = figure.evaluate("({_fullLayout: {width, height}}) => [3 * width, 3 * height]")
    assert [int.from_bytes(png[at : at + 4]) for at in (16, 20)] == shown
    expect(page.locator("body > .js-plotly-plot")).to_have_count(0)


SVG = "{http://www.w3.org/2000/svg}"


def _fill(element: ElementTree.Element) -> str:
    style = dict(part.split(":", 1) for part in element.get("style", "").split(";") if ":" in part)
    return {key.strip(): value.strip() for key, value in style.items()}.get("fill", "")
