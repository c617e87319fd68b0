"""Step 2 in a browser: undo, presets, a drug, S1S2, currents as shares; and how fast a slider is answered."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

ANSWER = "V and intracellular calcium of the altered cell against control"
SHARES = "Share of each current along the beat"
RESTITUTION = "APD90 against the diastolic interval, of the altered cell and of control"


@pytest.fixture
def page(open_page: Callable[..., Any]) -> Page:
    page: Page = open_page().page
    page.get_by_role("button", name="2 Experiment", exact=True).click()
    expect(_slider(page, "g_Kr")).to_have_attribute("aria-valuetext", "×1, control")
    page.wait_for_function(
        "name => document.querySelector(`[aria-label='${name}']`)?.data?.[1]?.y?.length > 0", arg=ANSWER
    )
    return page


def _slider(page: Page, name: str) -> Any:
    return page.get_by_role("slider", name=name, exact=True)


def _sum(page: Page, figure: str, index: int) -> float:
    """A number that tells whether a line has moved."""
    return float(
        page.get_by_role("img", name=figure, exact=True).evaluate(
            "(plot, index) => Array.from(plot.data[index].y).reduce((a, b) => a + b, 0)", index
        )
    )


def _moves(page: Page, figure: str, index: int, before: float) -> None:
    page.wait_for_function(
        "([name, index, before]) => Math.abs(Array.from(document.querySelector(`[aria-label='${name}']`)"
        ".data[index].y).reduce((a, b) => a + b, 0) - before) > 1e-6",
        arg=[figure, index, before],
    )


def test_undo_and_redo_by_button_and_keys(page: Page) -> None:
    slider, undo = _slider(page, "g_Kr"), page.get_by_role("button", name="Undo", exact=True)
    expect(undo).to_have_attribute("aria-disabled", "true")
    before = _sum(page, ANSWER, 1)
    slider.focus()
    for _ in range(16):
        slider.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", "×0.5")
    _moves(page, ANSWER, 1, before)
    expect(undo).to_have_attribute("aria-disabled", "false")
    undo.click()
    expect(slider).to_have_attribute("aria-valuetext", "×1, control")
    expect(undo).to_be_focused()  # one drag was one step, and the keyboard stays where it was
    page.keyboard.press("Control+Shift+Z")
    expect(slider).to_have_attribute("aria-valuetext", "×0.5")
    slider.focus()
    page.keyboard.press("Control+z")
    expect(slider).to_have_attribute("aria-valuetext", "×1, control")
    page.get_by_role("button", name="Redo", exact=True).click()
    expect(slider).to_have_attribute("aria-valuetext", "×0.5")
    # In a field of text the keys are the field's own.
    page.get_by_label("Cycle length (ms)", exact=True).focus()
    page.keyboard.press("Control+z")
    page.wait_for_timeout(300)
    expect(slider).to_have_attribute("aria-valuetext", "×0.5")


def test_a_preset_sets_the_sliders_and_names_its_source(page: Page) -> None:
    preset = page.get_by_label("Preset", exact=True)
    preset.select_option(label="Brugada-like (I_Na × 0.4, I_to × 3)")
    expect(_slider(page, "g_Na")).to_have_attribute("aria-valuetext", re.compile("×0.4"))
    expect(_slider(page, "g_to")).to_have_attribute("aria-valuetext", re.compile("×3"))
    expect(page.get_by_text("Boyle et al.", exact=False)).to_be_visible()
    slider = _slider(page, "g_Na")
    slider.focus()
    slider.press("ArrowLeft")
    expect(preset).to_have_value("Own setting")
    page.get_by_role("button", name="Reset", exact=True).click()
    expect(preset).to_have_value("Control")
    page.get_by_text("Presets that this model cannot express").click()
    expect(page.get_by_text("LQT3 (I_NaL)", exact=False)).to_be_visible()


def test_a_drug_blocks_and_says_how_much(page: Page) -> None:
    before = _sum(page, ANSWER, 1)
    page.get_by_role("button", name="Drug block", exact=True).click()
    page.get_by_label("Blocks", exact=True).select_option(label="g_Kr")
    page.get_by_role("button", name="Add", exact=True).click()
    ic50 = page.get_by_label("IC50 of g_Kr (µM)", exact=True)
    ic50.fill("2")
    ic50.press("Enter")
    concentration = page.get_by_label("Concentration (µM)", exact=True)
    concentration.fill("6")
    concentration.press("Enter")
    expect(page.get_by_text("g_Kr ×0.25", exact=True)).to_be_visible()
    _moves(page, ANSWER, 1, before)
    expect(_slider(page, "g_Kr")).to_have_attribute("aria-valuetext", "×1, control")
    page.get_by_label("Unit", exact=True).select_option(label="nM")
    expect(page.get_by_label("Concentration (nM)", exact=True)).to_have_value("6000")
    expect(page.get_by_label("IC50 of g_Kr (nM)", exact=True)).to_have_value("2000")
    page.get_by_label("IC50 of g_Kr (nM)", exact=True).fill("-1")
    page.get_by_label("IC50 of g_Kr (nM)", exact=True).press("Enter")
    expect(page.get_by_role("alert").filter(has_text="IC50 of g_Kr must be positive")).to_be_visible()
    page.get_by_role("button", name="Remove g_Kr", exact=True).click()
    expect(page.get_by_text("g_Kr ×0.25", exact=True)).to_have_count(0)


def test_s1s2_gives_a_restitution_curve_and_its_numbers(page: Page) -> None:
    page.get_by_label("Protocol", exact=True).select_option(label="S1S2 restitution")
    s2 = page.get_by_label("S2 intervals (ms)", exact=True)
    s2.fill("400:600:100, 1000")
    s2.press("Enter")
    table = page.get_by_role("region", name=re.compile("^Restitution in ms after 8 S1 of 1000 ms"))
    expect(table.get_by_role("row")).to_have_count(5)
    before = _sum(page, RESTITUTION, 1)
    page.get_by_label("Preset", exact=True).select_option(index=1)
    _moves(page, RESTITUTION, 1, before)
    expect(table.get_by_role("row").last).to_contain_text("+")
    s2.fill("soon")
    s2.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="S2 intervals are numbers in ms")).to_be_visible()
    page.get_by_label("Protocol", exact=True).select_option(label="Pacing")
    expect(page.get_by_role("img", name=RESTITUTION, exact=True)).to_have_count(0)


def test_currents_are_stacked_as_shares_and_follow_the_sliders(page: Page) -> None:
    page.get_by_role("button", name="Currents along the beat", exact=True).click()
    plot = page.get_by_role("img", name=SHARES, exact=True)
    plot.locator(".main-svg").first.wait_for()
    whole = plot.evaluate(
        "plot => { const y = plot.data.map(line => Array.from(line.y));"
        " return y[0].map((_, i) => y.reduce((sum, line) => sum + Math.abs(line[i]), 0)); }"
    )
    assert max(whole) < 100.01
    assert sorted(whole)[len(whole) // 2] > 90  # less where what is taken together cancels
    table = page.get_by_role("region", name=re.compile("^Currents of beat 5"))
    expect(table.get_by_role("row", name=re.compile("Kr"))).to_contain_text("0 %")
    page.get_by_label("Preset", exact=True).select_option(index=1)
    expect(table.get_by_role("row", name=re.compile("Kr"))).to_contain_text("−")
    page.get_by_label("Currents by themselves", exact=True).select_option(["I_Kr", "I_Ks"])
    page.get_by_role("img", name="Currents of control and altered cell: I_Kr, I_Ks").wait_for()


def test_a_slider_is_answered_on_screen(page: Page) -> None:
    """`make bench ARGS=-k test_slider` measures all models; here, loosely, that it is live at all."""
    from benchmarks.slider_latency import latencies

    took = latencies(page, "g_Kr", moves=8)
    assert sorted(took)[len(took) // 2] < 1000, took
