"""The main job in a real browser: the finding without a click; sliders, training and retraining live."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect
from widgets.two_compartments import TWO_COMPARTMENTS

from ionwidgets.models import load_model
from ionwidgets.plotly_script import packed_script

OpenPage = Callable[..., Any]


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page().page


def _step(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_role("button", name=name, exact=True)).to_have_attribute("aria-current", "step")


def _line(page: Page, figure: str, index: int) -> np.ndarray:
    """y of one line of the figure with this accessible name, as the page has it."""
    values = page.get_by_role("img", name=figure, exact=True).evaluate(
        "(plot, index) => Array.from(plot.data[index].y ?? [])", index
    )
    return np.array(values, float)


def _above(page: Page, figure: str, index: int) -> float:
    """Time from the first to the last sample above -70 mV."""
    return float(
        page.get_by_role("img", name=figure, exact=True).evaluate(
            """(plot, index) => { const { x, y } = plot.data[index];
              const above = Array.from(x).filter((_, i) => y[i] > -70); return above.at(-1) - above[0]; }""",
            index,
        )
    )


def _drawn(page: Page, figure: str, index: int) -> None:
    page.get_by_role("img", name=figure, exact=True).wait_for()
    page.wait_for_function(
        "([name, index]) => document.querySelector(`[aria-label='${name}']`)?.data?.[index]?.y?.length > 0",
        arg=[figure, index],
    )


COMPARISON = "The recording, the control cell and the found cell"
ANSWER = "V and intracellular calcium of the altered cell against control"


def test_the_finding_is_seen_without_a_click(page: Page) -> None:
    expect(page.get_by_role("heading", name=re.compile(r"I_Kr is down to \d+ % of control"))).to_be_visible()
    row = page.get_by_role("row", name=re.compile("^I_Kr"))
    expect(row.first).to_contain_text("×0.")
    _drawn(page, COMPARISON, 0)
    recorded = _line(page, COMPARISON, 0)
    assert np.max(recorded) > 0 and np.min(recorded) < -70
    # APD90 from samples: the recording's is the found cell's, and not the control's.
    lengths = [_above(page, COMPARISON, index) for index in range(3)]  # ms
    assert abs(lengths[0] - lengths[2]) <= 10 < abs(lengths[0] - lengths[1])
    expect(page.get_by_role("status").first).not_to_be_empty()
    for name, file in (("Download JSON", "finding.json"), ("Download .mmt", "edited.mmt")):
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        assert download.value.suggested_filename == file
    expect(page.get_by_label("Python that redoes this session")).to_have_value(re.compile(r"iw\.discover"))
    assert "iw.workbench" not in page.content(), "the notebook's source is not shown"


def test_moving_g_kr_changes_the_curve(page: Page) -> None:
    assert _moved_by_g_kr(page) > 50


def _moved_by_g_kr(page: Page) -> int:
    """Milliseconds by which two beats last longer at a quarter of g_Kr; Reset takes them back."""
    _step(page, "2 Experiment")
    _drawn(page, ANSWER, 1)
    slider = page.get_by_role("slider", name="g_Kr", exact=True)
    expect(slider).to_have_attribute("aria-valuetext", "×1, control")
    before = _line(page, ANSWER, 1)
    slider.focus()
    for _ in range(32):
        slider.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", "×0.25")
    page.wait_for_function(
        "([name, last]) => document.querySelector(`[aria-label='${name}']`)"
        ".data[1].y.filter(v => v > -70).length > last + 50",
        arg=[ANSWER, int(np.count_nonzero(before > -70))],
    )
    longer = int(np.count_nonzero(_line(page, ANSWER, 1) > -70) - np.count_nonzero(before > -70))
    expect(page.get_by_role("row", name=re.compile("^APD90"))).to_contain_text("+")
    slider.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "×0, blocked")
    page.get_by_role("button", name="Reset", exact=True).click()
    expect(slider).to_have_attribute("aria-valuetext", "×1, control")
    page.wait_for_function(
        "([name, count]) => document.querySelector(`[aria-label='${name}']`)"
        ".data[1].y.filter(v => v > -70).length === count",
        arg=[ANSWER, int(np.count_nonzero(before > -70))],
    )
    return longer


SCRIPT = "**/ionwidgets/plotly-*.js"
STALL = """
const own = AbortSignal.timeout;
let stalls = 3;
AbortSignal.timeout = (ms) => {
  const signal = own.call(AbortSignal, ms);
  if (stalls-- > 0) {
    const start = performance.now();
    queueMicrotask(() => { while (performance.now() - start < 2500) {} });
  }
  return signal;
};
"""  # as anywidget begins to wait for a control's script
OTHER_SCRIPT = """new MutationObserver(() => {
  const configuration = document.getElementById('jupyter-config-data');
  if (!configuration?.textContent.includes('ionwidgets/plotly-')) return;
  configuration.textContent = configuration.textContent.replace('ionwidgets/plotly-', 'ionwidgets/older-');
}).observe(document, {childList: true, subtree: true})"""  # as where the server's plotly is not the kernel's


def test_figures_follow_the_kernel_however_late_plotly_comes(open_page: OpenPage) -> None:
    held: list[Route] = []
    page = open_page(prepare=lambda page: page.route(SCRIPT, lambda route: held.append(route))).page
    page.wait_for_timeout(3_000)  # anywidget gives up a model whose initialisation takes 2 s
    expect(page.locator(".main-svg")).to_have_count(0)
    for route in held:
        route.continue_()
    assert _moved_by_g_kr(page) > 50


def test_figures_ask_the_kernel_for_plotly_where_the_server_has_not_that_version(open_page: OpenPage) -> None:
    watched = open_page(prepare=lambda page: page.add_init_script(OTHER_SCRIPT))
    assert _moved_by_g_kr(watched.page) > 50
    assert "ionwidgets/older-" in watched.page.locator("#jupyter-config-data").inner_text()
    assert watched.received > len(packed_script())


@pytest.mark.slow
def test_a_slow_computer_shows_the_same(open_page: OpenPage) -> None:
    def slow(page: Page) -> None:
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 6})

    assert _moved_by_g_kr(open_page(prepare=slow).page) > 50


@pytest.mark.slow
def test_a_computer_that_stands_still_while_the_controls_load_shows_the_same(open_page: OpenPage) -> None:
    assert _moved_by_g_kr(open_page(prepare=lambda page: page.add_init_script(STALL)).page) > 50


def test_training_starts_and_stops_at_once(page: Page) -> None:
    _step(page, "3 Learn")
    expect(page.get_by_text("The shipped network is in use.")).to_be_visible()  # torch loads
    page.get_by_role("button", name="Train", exact=True).click()
    status = page.get_by_role("status").first
    expect(status).to_contain_text(re.compile(r"Training \d+ %"))
    _drawn(page, "Loss of the training against update number", 0)
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_role("button", name="Resume", exact=True)).to_be_enabled()
    expect(status).to_contain_text("paused")
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_enabled()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(
        page.get_by_text(re.compile("The training was stopped after .* stays in use")).first
    ).to_be_visible(timeout=5_000)
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()


@pytest.mark.slow  # test_whole_way goes this way too, with a recording of its own
def test_retraining_on_the_bundled_recording_finds_i_kr(page: Page) -> None:
    expect(page.get_by_role("heading", name=re.compile("I_Kr"))).to_be_visible()
    _step(page, "4 Retrain")
    page.get_by_role("button", name="Retrain", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Retraining")
    expect(page.get_by_role("button", name="5 Interpret", exact=True)).to_have_attribute(
        "aria-current", "step", timeout=180_000
    )
    expect(page.get_by_role("status").first).to_contain_text("I_Kr is down to")
    expect(
        page.get_by_role("region", name=re.compile("^Findings")).get_by_role("row").nth(1)
    ).to_contain_text("I_Kr")


def test_a_retraining_can_be_stopped_and_keeps_the_finding(page: Page) -> None:
    page.get_by_role("button", name="Run it live", exact=True).click()
    expect(page.get_by_role("button", name="4 Retrain", exact=True)).to_have_attribute("aria-current", "step")
    expect(page.get_by_role("status").first).to_contain_text("Retraining")
    page.get_by_role("button", name="Stop", exact=True).first.click()  # the sweep over eta has its own
    expect(page.get_by_text(re.compile("The retraining was stopped")).first).to_be_visible(timeout=10_000)
    _step(page, "5 Interpret")
    expect(page.get_by_role("heading", name=re.compile("I_Kr is down to"))).to_be_visible()


def test_a_recording_and_a_model_can_be_handed_in(page: Page, tmp_path: Any) -> None:
    _step(page, "2 Experiment")
    bad = tmp_path / "bad.csv"
    bad.write_text("time [ms],V [mV]\n0,-80\n1,oops\n")
    page.get_by_label("Recording", exact=True).set_input_files(bad)
    expect(page.get_by_role("alert").filter(has_text="bad.csv")).to_be_visible()
    good = tmp_path / "mine.csv"
    rows = (f"600,{t},{-80 + 100 * (50 <= t % 600 < 250)}\n" for t in range(1800))
    good.write_text("cycle_length [ms],time [ms],V [mV]\n" + "".join(rows))
    page.get_by_label("Recording", exact=True).set_input_files(good)
    expect(page.get_by_role("status").first).to_contain_text("mine.csv is loaded")
    expect(page.get_by_text("600 ms", exact=True)).to_be_visible()
    _step(page, "1 Model")
    broken = tmp_path / "broken.mmt"
    broken.write_text("[[model]]\nnothing here")
    page.get_by_label("Open model file").set_input_files(broken)
    expect(page.get_by_role("alert").filter(has_text="broken.mmt")).to_be_visible()
    page.get_by_label("Variant").select_option(label="epi: epicardial cell")
    expect(page.get_by_role("status").first).to_contain_text("is open")
    _step(page, "5 Interpret")
    expect(page.get_by_role("heading", name="No finding yet", exact=True)).to_be_visible()


def test_a_cellml_file_that_can_be_read_in_two_ways_is_asked_about(page: Page, tmp_path: Any) -> None:
    source = tmp_path / "two.mmt"
    source.write_text(TWO_COMPARTMENTS.replace(" + I_far", ""))
    file = tmp_path / "two.cellml"
    load_model(source, voltage="Vs").save(file)
    file.write_text(
        re.sub(r'(?<=["> ])V(?=["<])', "Vs", file.read_text())
    )  # two states in mV, neither called V
    _step(page, "1 Model")
    page.get_by_label("Open model file").set_input_files(file)
    question = page.get_by_label("Which state is the membrane potential?")
    expect(question).to_be_visible()
    expect(page.get_by_role("status").first).to_contain_text("two.cellml: Which state")
    expect(page.get_by_role("button", name="Continue", exact=True)).to_be_disabled()
    question.select_option("Vs")
    page.get_by_role("button", name="Continue", exact=True).click()
    expect(question).to_be_hidden()
    expect(page.get_by_label("Model", exact=True)).to_have_value(re.compile("two"))
    expect(page.get_by_text("3 states, 2 gates, 2 currents")).to_be_visible()
    expect(page.get_by_text("Control at a cycle length of", exact=False)).to_be_visible()
    calcium = "Action potential and calcium transient of the model as published"
    expect(page.get_by_role("img", name=calcium, exact=True)).to_have_count(0)
    _drawn(page, "Action potential of the model as published", 0)
    _step(page, "2 Experiment")
    expect(page.get_by_role("slider", name="g_K", exact=True)).to_be_visible()
    _step(page, "5 Interpret")
    expect(page.get_by_label("Python that redoes this session")).to_have_value(
        re.compile(r'iw\.load_model\("two\.cellml", voltage="Vs"\)')
    )
