"""`make bench ARGS="-k first_paint"`: how long until the step that is shown is there with all its figures.

The page measures itself, from the start of its navigation to the first frame in which nothing is waited for.
A new browser profile each time, so that nothing is cached, and Chromium on the same cores as the server.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import pytest
from browser.conftest import FLAGS
from browser.short_lived import Dashboard, dashboard
from playwright.sync_api import Browser, Page, sync_playwright

from ionwidgets.server import dashboard_path

pytestmark = [pytest.mark.slow, pytest.mark.bench, pytest.mark.timeout(1800)]

RUNS = 3
WATCH = """
  window.shifted = 0;
  new PerformanceObserver((list) => { for (const one of list.getEntries()) window.shifted += one.value; })
    .observe({ type: 'layout-shift', buffered: true });
  const whole = () => {
    const all = [...document.querySelectorAll('.ionw-figure')].filter((one) => one.checkVisibility());
    return !document.getElementById('loading') && all.length && all.every((one) =>
      one.querySelector('.main-svg') && getComputedStyle(one).visibility === 'visible');
  };
  const done = () => (window.whole = performance.now());
  const look = () => whole() ? setTimeout(done) : requestAnimationFrame(look);
  requestAnimationFrame(look);
"""


@pytest.fixture(scope="module")
def chromium(browser_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        yield made
        made.close()


def _load(browser: Browser, served: Dashboard, again: bool = False) -> dict[str, Any]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(WATCH)
    page.goto(served.address, wait_until="commit")
    page.wait_for_function("() => window.whole")
    if again:
        served.settle()
        page.reload(wait_until="commit")
        page.wait_for_function("() => window.whole")
    found = _figures(page)
    context.close()
    return found


def _figures(page: Page) -> dict[str, Any]:
    return page.evaluate(
        """() => {
          const [page] = performance.getEntriesByType('navigation');
          const fetched = performance.getEntriesByType('resource').map((one) => one.transferSize);
          return {
            outline: performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000,
            answer: page.responseEnd / 1000, bundle: page.loadEventEnd / 1000, whole: window.whole / 1000,
            shifted: window.shifted, fetched: fetched.reduce((sum, one) => sum + one, 0) / 1e6,
          };
        }"""
    )


def test_first_paint(chromium: Browser) -> None:
    path: Path = dashboard_path("workbench")
    kinds: dict[str, list[dict[str, Any]]] = {"cold": [], "preheated": [], "reloaded": []}
    busy = psutil.getloadavg()[0]
    for _ in range(RUNS):
        with dashboard(path) as served:
            kinds["cold"].append(_load(chromium, served))
    with dashboard(path) as served:
        for _ in range(RUNS):
            served.settle()
            kinds["preheated"].append(_load(chromium, served))
        for _ in range(2):
            served.settle()
            kinds["reloaded"].append(_load(chromium, served, again=True))
        served.settle()
        heavy = max(psutil.Process(kernel).memory_info().rss for kernel in served.kernels)
    print(f"\nPython {sys.version.split()[0]}, {psutil.cpu_count()} cores, load {busy:.1f} before")
    print(f"s, medians of {RUNS}; whole: best and worst; shifted: the worst; fetched in MB")
    for kind, runs in kinds.items():
        one = {name: median(run[name] for run in runs) for name in runs[0]}
        whole = sorted(run["whole"] for run in runs)
        print(
            f"{kind:10}", *(f"{name} {one[name]:.2f}," for name in ("outline", "answer", "bundle")), end=" "
        )
        print(f"whole {one['whole']:.2f} ({whole[0]:.2f}, {whole[-1]:.2f}),", end=" ")
        print(f"shifted {max(run['shifted'] for run in runs):.3f}, fetched {one['fetched']:.1f}")
    print(f"a kernel that is ready holds {heavy / 1e6:.0f} MB")
    assert max(run["shifted"] for runs in kinds.values() for run in runs) < 0.1
