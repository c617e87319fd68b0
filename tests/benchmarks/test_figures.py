"""`make bench ARGS="-k figures"`: four figures on a page of Voila, beside plotly's own FigureWidget.

The pages take turns, each in a browser that has kept nothing, on a kernel that has run the notebook already.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

import pytest
from browser.serving import free_port, notebook, served
from playwright.sync_api import Browser, sync_playwright

pytestmark = [pytest.mark.slow, pytest.mark.bench, pytest.mark.timeout(1200)]

PAGES = 3
UPDATES = 30
FOUR = """
import threading, time
from pathlib import Path
from IPython.display import display
import ipywidgets
import numpy as np
import plotly.graph_objects as go
from ionwidgets import figures
from ionwidgets.widgets.elements import FigureView

t = np.linspace(0, 2000, 2000)
def V(shift):
    return -80 + 120 * np.exp(-(((t - 900 - shift) / 300) ** 2))

shown = [WIDGET(figures.action_potential([figures.Trace("control", t, V(0), None)])) for _ in range(4)]
start = ipywidgets.Button(description="Start")
display(start, *shown)

def update():
    for turn in range(UPDATES):
        time.sleep(0.4)
        with shown[0].batch_update():
            shown[0].data[0].y = V(turn)
            shown[0].data[0].name = f"{time.time() * 1000:.3f}"

start.on_click(lambda _: threading.Thread(target=update).start())
with Path(READY).open("a") as file:
    file.write(".")
"""
WATCH = """
const look = () => {
  const plots = [...document.querySelectorAll('.js-plotly-plot')];
  if (plots.filter(plot => plot.querySelector('.scatterlayer .trace .js-line')).length < 4) {
    return requestAnimationFrame(look);
  }
  requestAnimationFrame(() => setTimeout(() => { window.painted = performance.now(); }));
  window.late = [];
  plots[0].on('plotly_afterplot', () => {
    const told = Number(plots[0].data[0].name);
    if (!told || told === window.told) return;
    window.told = told;
    window.late.push(performance.timeOrigin + performance.now() - told);
  });
};
requestAnimationFrame(look);
"""
WIDGETS = {
    "FigureWidget": "go.FigureWidget",
    "FigureView": "(lambda figure: FigureView(figure, 'V against time'))",
}
SERVE = (
    "import sys; from pathlib import Path; from ionwidgets.server.dashboard import run; "
    "from ionwidgets.server.kernels import Culling; "
    "run(Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2]), False, Culling())"
)


@dataclass
class Taken:
    """What the pages of one widget took: seconds, bytes, milliseconds."""

    painted: list[float] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    late: list[float] = field(default_factory=list)


@contextmanager
def _page_server(folder: Path, widget: str) -> Iterator[tuple[str, Path]]:
    """Address, and a file that grows by a byte with each kernel that has run the notebook."""
    ready = folder / "ready"
    source = (
        FOUR.replace("WIDGET", widget).replace("UPDATES", str(UPDATES)).replace("READY", repr(str(ready)))
    )
    file = folder / "four.ipynb"
    file.write_text(notebook(source), encoding="utf-8")
    command = [sys.executable, "-c", SERVE, str(file), str(free_port())]
    with served(command, r"http://127\.0\.0\.1:\d+/\?token=\S+") as address:
        yield address, ready


def _wait_for_kernel(ready: Path, number: int) -> None:
    end = time.monotonic() + 120
    while not ready.exists() or ready.stat().st_size < number:
        assert time.monotonic() < end, "no kernel has run the notebook"
        time.sleep(0.1)
    time.sleep(3)  # Voila renders what came of it


def _open(browser: Browser, address: str, taken: Taken) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    frames: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(len(frame))))
    page.add_init_script(WATCH)
    page.goto(address, wait_until="commit")
    page.wait_for_function("window.painted", timeout=120_000)
    taken.painted.append(page.evaluate("window.painted") / 1000)
    taken.received.append(sum(frames))
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_function(f"window.late.length >= {UPDATES - 1}", timeout=60_000)
    taken.late += page.evaluate("window.late")
    context.close()


def test_four_figures_beside_figure_widgets(
    browser_path: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    taken = {name: Taken() for name in WIDGETS}
    with ExitStack() as stack:
        playwright = stack.enter_context(sync_playwright())
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=browser_path, args=flags)
        stack.callback(browser.close)
        servers = {
            name: stack.enter_context(_page_server(tmp_path_factory.mktemp(name), widget))
            for name, widget in WIDGETS.items()
        }
        for turn in range(1, PAGES + 1):
            for name, (address, ready) in servers.items():
                _wait_for_kernel(ready, turn)
                _open(browser, address, taken[name])
    print(f"\nfour figures on a page of Voila, {PAGES} pages each, medians")
    print(f"{'':14}{'websocket, MB':>15}{'first paint, s':>16}{'update, ms: median':>20}{'95 %':>8}")
    for name, figures in taken.items():
        worst = quantiles(figures.late, n=20)[-1]
        print(
            f"{name:14}{median(figures.received) / 1e6:15.2f}{median(figures.painted):16.2f}"
            f"{median(figures.late):20.0f}{worst:8.0f}"
        )
    plain, ours = taken.values()
    print(f"first paint: {median(ours.painted) / median(plain.painted):.2f} of FigureWidget's")
    assert median(ours.received) < 1e6
    assert median(ours.painted) < median(plain.painted) / 2
