"""Every page has its own kernel, which lives as long as somebody may come back to it or its job runs."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.serving import notebook
from browser.short_lived import LEFT_S, Dashboard, dashboard
from playwright.sync_api import Browser, Page, expect

from ionwidgets.server import dashboard_path

READY = 1  # kernels that wait for the next page


@pytest.fixture(scope="module")
def served() -> Iterator[Dashboard]:
    with dashboard(dashboard_path("workbench")) as made:
        yield made


@pytest.fixture
def pages(browser: Browser, served: Dashboard) -> Iterator[Pages]:
    with Pages(browser, served) as made:
        yield made


class Pages:
    """Opens pages, each in a browser profile of its own, and closes them as a reader does."""

    def __init__(self, browser: Browser, served: Dashboard) -> None:
        self._browser, self._served = browser, served
        self._open: list[Page] = []

    def __enter__(self) -> Pages:
        return self

    def __exit__(self, *_: object) -> None:
        for page in list(self._open):
            self.close(page)

    def open(self) -> Page:
        page = self._browser.new_context().new_page()
        page.set_default_timeout(60_000)
        page.goto(self._served.address, wait_until="commit")
        page.get_by_role("navigation", name="Steps", exact=True).wait_for()
        self._open.append(page)
        return page

    def close(self, page: Page) -> None:
        page.on("dialog", lambda dialog: dialog.accept())
        page.close(run_before_unload=True)
        if not page.is_closed():
            page.wait_for_event("close")
        page.context.close()
        self._open.remove(page)


def step(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_role("button", name=name, exact=True)).to_have_attribute("aria-current", "step")


def test_two_readers_do_not_disturb_each_other(pages: Pages, served: Dashboard) -> None:
    first, second = pages.open(), pages.open()
    for page in (first, second):
        step(page, "2 Experiment")
    mine, theirs = (page.get_by_role("slider", name="g_Kr", exact=True) for page in (first, second))
    mine.press("Home")
    expect(first.get_by_role("row", name=re.compile("^APD90"))).to_contain_text("+")
    expect(mine).to_have_attribute("aria-valuetext", "×0, blocked")
    expect(theirs).to_have_attribute("aria-valuetext", "×1, control")
    theirs.press("ArrowRight")
    expect(theirs).to_have_attribute("aria-valuetext", "×1.04")
    expect(second.get_by_role("row", name=re.compile("^APD90"))).to_contain_text("−")
    expect(mine).to_have_attribute("aria-valuetext", "×0, blocked")
    served.wait_for(2 + READY)


@pytest.mark.slow
def test_pages_that_are_closed_leave_no_kernels_behind(pages: Pages, served: Dashboard) -> None:
    served.wait_for(READY)
    for _ in range(3):
        pages.close(pages.open())
    left = served.wait_for(READY, within=LEFT_S + 40)
    assert len(left) == READY


@pytest.mark.slow
def test_a_reload_comes_back_to_the_same_session(pages: Pages, served: Dashboard) -> None:
    served.wait_for(READY)
    page = pages.open()
    step(page, "2 Experiment")
    slider = page.get_by_role("slider", name="g_Kr", exact=True)
    slider.press("Home")
    expect(page.get_by_role("row", name=re.compile("^APD90"))).to_contain_text("+")
    for _ in range(2):
        served.wait_for(1 + READY)
        served.settle()  # a reload is answered with a kernel that is ready, though it is not needed then
        page.reload()
        expect(page.get_by_role("navigation", name="Steps", exact=True)).to_be_visible()
        expect(slider).to_have_attribute("aria-valuetext", "×0, blocked")
        expect(page.get_by_role("button", name="2 Experiment", exact=True)).to_have_attribute(
            "aria-current", "step"
        )
    slider.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "×4")
    expect(page.get_by_role("row", name=re.compile("^APD90"))).to_contain_text("−")
    served.wait_for(1 + READY, within=LEFT_S + 40)
    page.goto(served.address)
    expect(page.get_by_role("button", name="5 Interpret", exact=True)).to_have_attribute(
        "aria-current", "step"
    )


def leave_a_paused_training(pages: Pages) -> list[str]:
    """What the browser asks as the page goes."""
    page = pages.open()
    step(page, "3 Learn")
    expect(page.get_by_text("The shipped network is in use.")).to_be_visible()
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("paused")
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.type))
    pages.close(page)
    return asked


# On servers of their own: the others count the kernels that they leave.
@pytest.mark.slow
def test_a_page_with_a_paused_training_is_asked_about_and_its_kernel_spared(browser: Browser) -> None:
    with dashboard(dashboard_path("workbench")) as served, Pages(browser, served) as pages:
        before = served.settle()
        assert leave_a_paused_training(pages) == ["beforeunload"]
        end = time.monotonic() + 3 * LEFT_S
        while time.monotonic() < end:
            assert before <= served.kernels, "the kernel of a paused training was ended"
            time.sleep(0.5)
        kept = served.data / "ionwidgets" / "trainings"
        assert kept.is_dir(), "its checkpoint is not among what is the user's own here"


@pytest.mark.slow
def test_the_kernel_of_a_training_that_stays_paused_is_ended_at_last(
    browser: Browser, tmp_path: Path
) -> None:
    impatient = tmp_path / "impatient.ipynb"
    lines = ("from ionwidgets.widgets import heartbeat", "heartbeat.SPARED = 6.0", "import ionwidgets as iw")
    impatient.write_text(notebook("\n".join((*lines, "iw.workbench()"))), encoding="utf-8")
    with dashboard(impatient) as served, Pages(browser, served) as pages:
        before = served.settle()
        leave_a_paused_training(pages)
        end = time.monotonic() + 6 + LEFT_S + 40
        while before <= served.kernels:
            assert time.monotonic() < end, "the kernel of a training that was left is still there"
            time.sleep(0.5)


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong"])
@pytest.mark.parametrize("path", ["", "api/kernels/0f8fad5b-d9cb-469f-a165-70867728950e"])
def test_nothing_is_to_be_had_without_the_token(served: Dashboard, path: str, query: str) -> None:
    before = served.settle()
    address = served.address.partition("?")[0] + path + query
    try:
        with urllib.request.urlopen(address, timeout=20) as answer:
            assert "/login" in answer.url
            assert b"jupyter-config-data" not in answer.read()
    except urllib.error.HTTPError as error:
        assert error.code in (401, 403)
    assert served.kernels == before


def test_a_page_that_nobody_uses_is_told_that_its_kernel_was_ended(browser: Browser) -> None:
    with dashboard(dashboard_path("workbench"), idle=4) as served, Pages(browser, served) as pages:
        page = pages.open()
        used = served.kernels
        assert used
        note = page.get_by_role("alert").filter(has_text="Reload the page to begin anew")
        end = time.monotonic() + 60
        while not note.is_visible():
            assert time.monotonic() < end, "the kernel is still there, or nobody is told"
            page.evaluate(
                "document.dispatchEvent(new Event('visibilitychange'))"
            )  # else it looks once a minute
            time.sleep(0.5)
        assert used - served.kernels
        page.reload()
        expect(page.get_by_role("navigation", name="Steps", exact=True)).to_be_visible()
