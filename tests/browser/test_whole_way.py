"""From a model to a finding and back from a file, in Voila and in JupyterLab, as a user goes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import ionwidgets as iw

CELLS = "import ionwidgets as iw\nbench = iw.workbench()\nbench"


@pytest.fixture(params=["Voila", "JupyterLab"])
def page(request: pytest.FixtureRequest) -> Page:
    """A workbench on the bundled example, with room for all of it."""
    if request.param == "Voila":
        return request.getfixturevalue("open_page")().page
    lab: Callable[..., Any] = request.getfixturevalue("lab")
    page: Page = lab(CELLS).page
    page.get_by_role("navigation", name="Steps", exact=True).wait_for()
    return page


def _step(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    _is_at(page, name)


def _is_at(page: Page, name: str, timeout: float = 30_000) -> None:
    step = page.get_by_role("button", name=name, exact=True)
    expect(step).to_have_attribute("aria-current", "step", timeout=timeout)


@pytest.mark.slow
def test_from_a_model_to_a_finding_and_back_from_its_file(page: Page, tmp_path: Path) -> None:
    workbench = page.locator(".ionw")
    status = workbench.get_by_role("status").first
    # The model, and what a slider does to it.
    _step(page, "1 Model")
    page.get_by_label("Model", exact=True).select_option(label="ten Tusscher-Noble-Noble-Panfilov 2004")
    _step(page, "2 Experiment")
    slider = page.get_by_role("slider", name="g_Kr", exact=True)
    slider.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "×0, blocked")
    expect(page.get_by_role("row", name=re.compile("^APD90"))).to_contain_text(re.compile(r"\+\d"))
    # A recording of a cell that has a quarter of its g_Kr.
    cell = iw.simulate(iw.load_model("tnnp2004"), [500, 700], 4000, scale={"g_Kr": 0.25}, sample=1.0)
    path = tmp_path / "cell7.csv"
    iw.write_recording(cell.sel(time=slice(1400, None)), path)
    page.get_by_label("Recording", exact=True).set_input_files(path)
    expect(status).to_contain_text("cell7.csv is loaded")
    # A training that is stopped: the network that was there stays.
    _step(page, "3 Learn")
    expect(page.get_by_text("The shipped network is in use.")).to_be_visible()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(status).to_contain_text(re.compile(r"Training \d+ %"))
    page.get_by_role("button", name="Stop", exact=True).locator("visible=true").click()
    expect(page.get_by_text(re.compile("The training was stopped")).first).to_be_visible()
    # The finding.
    _step(page, "4 Retrain")
    page.get_by_role("button", name="Retrain", exact=True).click()
    _is_at(page, "5 Interpret", timeout=240_000)
    finding = page.get_by_role("heading", name=re.compile(r"I_Kr is down to \d+ % of control"))
    expect(finding).to_be_visible()
    found = finding.inner_text()
    # A file to take home, and the session, which opens again on what was there.
    with page.expect_download() as download:
        page.get_by_role("button", name="Download .mmt", exact=True).click()
    download.value.save_as(tmp_path / "edited.mmt")
    assert "g_Kr" in iw.load_model(tmp_path / "edited.mmt").scalable
    page.get_by_role("button", name="Session", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save session", exact=True).click()
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    _step(page, "1 Model")
    page.get_by_label("Model", exact=True).select_option(label="Hodgkin-Huxley 1952")
    expect(status).to_contain_text("Hodgkin")
    page.get_by_role("button", name="Session", exact=True).click()
    page.get_by_label("Open session", exact=True).set_input_files(saved)
    _is_at(page, "5 Interpret")
    expect(page.get_by_role("heading", name=found, exact=True)).to_be_visible()
    _step(page, "2 Experiment")
    expect(slider).to_have_attribute("aria-valuetext", "×0, blocked")
