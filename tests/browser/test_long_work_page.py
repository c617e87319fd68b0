"""Long work in the page: a training that is left and gone on with, seeds, a control recording."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

OpenPage = Callable[..., Any]
LONG = 180_000  # ms


def _step(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_role("button", name=name, exact=True)).to_have_attribute("aria-current", "step")


def _button(page: Page, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True).locator("visible=true")


def test_a_training_is_paused_stopped_left_and_gone_on_with(open_page: OpenPage) -> None:
    watched = open_page()
    page = watched.page
    _step(page, "3 Learn")
    _button(page, "Reset").click()
    _button(page, "Train").click()
    expect(_button(page, "Pause")).to_be_enabled(timeout=LONG)
    page.get_by_text("Updates", exact=True).wait_for(timeout=LONG)
    expect(page.get_by_role("img", name=re.compile("^Gate curves of the model")).first).to_be_visible()
    page.wait_for_function(
        "() => document.querySelector(`[aria-label='Loss of the training against update number']`)"
        "?.data?.[0]?.y?.length > 3",
        timeout=LONG,
    )
    _button(page, "Pause").click()
    expect(page.get_by_role("status").first).to_contain_text("paused at")
    _button(page, "Resume").click()
    expect(page.get_by_role("status").first).to_contain_text(re.compile(r"Training \d+ %"))
    _button(page, "Stop").click()
    expect(page.get_by_text(re.compile("was interrupted at [1-9]"))).to_be_visible()
    page.reload()
    page.get_by_role("button", name="3 Learn", exact=True).wait_for(timeout=LONG)
    _step(page, "3 Learn")
    expect(page.get_by_text(re.compile("was interrupted at [1-9]"))).to_be_visible()
    _button(page, "Continue").click()
    expect(page.get_by_role("status").first).to_contain_text(re.compile(r"Training [1-9]\d* %"), timeout=LONG)
    expect(page.get_by_text("The network has learnt the model and is in use.").first).to_be_visible(
        timeout=LONG
    )
    expect(_button(page, "Continue")).to_have_count(0)
    # Voila's farewell to the kernel of a page that is left is refused; its culling ends that kernel.
    watched.complaints[:] = [line for line in watched.complaints if "403" not in line]


@pytest.mark.slow
def test_two_seeds_and_a_sweep_over_eta(open_page: OpenPage) -> None:
    page = open_page().page
    _step(page, "4 Retrain")
    page.get_by_label("Seeds", exact=True).fill("0, 1")
    page.get_by_label("Seeds", exact=True).press("Enter")
    _button(page, "Retrain").click()
    expect(page.get_by_role("status").first).to_contain_text("Seed 0 (1 of 2)", timeout=LONG)
    expect(page.get_by_role("heading", name=re.compile("I_Kr is down to"))).to_be_visible(timeout=LONG)
    _step(page, "4 Retrain")
    expect(page.get_by_role("row", name=re.compile("^I_Kr 2 of 2"))).to_be_visible()
    page.get_by_label("Values of eta", exact=True).fill("1e-4, 1e-2")
    page.get_by_label("Values of eta", exact=True).press("Enter")
    _button(page, "Sweep eta").click()
    expect(page.get_by_role("row", name=re.compile(r"^0\.01"))).to_be_visible(timeout=LONG)
    expect(_button(page, "Sweep eta")).to_be_enabled(timeout=LONG)
    page.get_by_label("eta to use", exact=True).select_option("0.01")
    expect(page.get_by_role("row", name=re.compile(r"^0\.01, in use"))).to_be_visible()
    expect(page.get_by_label("eta", exact=True)).to_have_value("0.01")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A cell before and after."""
    time, made = np.arange(0.0, 3000.0), []
    for name, tau in (("before.csv", 60.0), ("after.csv", 80.0)):
        V = -85 + 120 * np.exp(-((time - 40) % 500.0) / tau)
        rows = (f"500,{t:g},{v:.4f}" for t, v in zip(time, V, strict=True))
        path = tmp_path / name
        path.write_text("\n".join(["cycle_length [ms],time [ms],V [mV]", *rows]), encoding="utf-8")
        made.append(path)
    return made[0], made[1]


def test_a_control_recording_is_brought_seen_and_removed(
    open_page: OpenPage, files: tuple[Path, Path]
) -> None:
    watched = open_page()
    page = watched.page
    _step(page, "2 Experiment")
    page.get_by_label("Recording", exact=True).set_input_files(files[1])
    expect(page.get_by_text("after.csv").first).to_be_visible(timeout=LONG)
    page.get_by_label("Control recording", exact=True).set_input_files(files[0])
    expect(page.get_by_text("before.csv").first).to_be_visible(timeout=LONG)
    zoom = page.get_by_label("To (s)", exact=True).locator("visible=true")
    expect(zoom).to_have_count(2)
    zoom.last.fill("1")
    zoom.last.press("Enter")
    page.wait_for_function(
        "() => [...document.querySelectorAll(`[aria-label^='V of the recording']`)]"
        ".some(plot => Math.abs(plot.layout?.xaxis?.range?.[1] - 1000) < 1)"
    )
    _step(page, "4 Retrain")
    expect(page.get_by_text(re.compile("The emulator is not at hand"))).to_be_visible()
    _step(page, "2 Experiment")
    _button(page, "Remove the control recording").click()
    expect(page.get_by_text("No control recording is loaded.")).to_be_visible()
    assert watched.complaints == [] and watched.outside == []
