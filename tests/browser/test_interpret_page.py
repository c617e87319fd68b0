"""Step 5 in a browser: what is looked at, what is joined by a bracket, and every file that is taken home."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from finding_schema import check, parsed
from playwright.sync_api import Page, expect
from safetensors import safe_open

import ionwidgets as iw
from ionwidgets.widgets.html import text
from ionwidgets.widgets.interpret.findings_rows import findings_table

OpenPage = Callable[..., Any]


def _figure(page: Page, name: str) -> Any:
    """The figure of this name, when it has drawn."""
    figure = page.get_by_role("img", name=name, exact=True)
    figure.locator(".main-svg").first.wait_for()
    return figure


def _saved(page: Page, button: str) -> tuple[str, Path]:
    with page.expect_download(timeout=120_000) as download:
        page.get_by_role("button", name=button, exact=True).click()
    return download.value.suggested_filename, Path(download.value.path())


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page().page


def test_gates_currents_and_cycle_lengths_are_chosen(page: Page) -> None:
    first = "Gate curves before and after: Xr1, Xr2, f"
    _figure(page, first)
    gates, currents = (page.get_by_role("group", name=name, exact=True) for name in ("Gates", "Currents"))
    expect(gates.get_by_role("checkbox", checked=True)).to_have_count(6)
    gates.get_by_role("checkbox", name="Xr2", exact=True).uncheck()
    _figure(page, "Gate curves before and after: Xr1, f, d")
    expect(page.get_by_role("img", name=first, exact=True)).to_have_count(0)
    numbers = page.get_by_role("region", name="Gates in numbers, control → altered", exact=True)
    expect(numbers.get_by_role("row")).to_have_count(6)
    expect(numbers).to_contain_text(re.compile(r"Xr1 of IKr\s*−26.0 → −25.7\s*6.9 → 7.0"))
    page.get_by_label("Read τ at (mV)").fill("0")
    page.keyboard.press("Tab")
    expect(numbers.get_by_role("columnheader").nth(3)).to_have_text("τ at 0 mV (ms)")
    expect(page.get_by_text("never went below −86 mV or above 36 mV")).to_be_visible()

    currents.get_by_role("button", name="All", exact=True).click()
    expect(currents.get_by_role("checkbox", checked=True)).to_have_count(12)
    table = page.get_by_role("region", name="The same currents in numbers, control → altered", exact=True)
    expect(table.get_by_role("row")).to_have_count(13)
    page.get_by_label("Recorded beat").select_option(label="at a cycle length of 400 ms")
    expect(table.get_by_role("row").nth(1)).not_to_contain_text("0.526")

    beats = page.get_by_role("region", name=re.compile("^The same beats in numbers"))
    expect(beats.get_by_role("row").nth(3)).to_contain_text(
        re.compile(r"found change\s*371\.\d ms.*mV\s*1:1")
    )
    page.get_by_label("Cycle length", exact=True).select_option(label="400 ms, recorded")
    expect(page.get_by_role("heading", name=re.compile("cycle length of 400 ms"))).to_be_visible()
    expect(beats.get_by_role("row").nth(1)).to_contain_text(re.compile(r"recording\s*333\.\d ms"))
    page.get_by_label("Predict at (ms)").fill("550")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("cycle length of 550 ms"))).to_be_visible()
    expect(beats.get_by_role("row")).to_have_count(4)
    page.get_by_role("button", name="Show restitution", exact=True).click()
    _figure(page, "APD90 against cycle length, recorded and of the models")

    findings = page.get_by_role("region", name="Findings, the one that explains most first", exact=True)
    expect(findings.get_by_role("row")).to_have_count(11)
    page.get_by_role("button", name="Show all", exact=True).click()
    expect(findings.get_by_role("row")).to_have_count(23)
    opened = page.locator("details.ionw-explain").filter(has_text="How far each gate opens")
    opened.locator("summary").click()
    expect(opened.locator("math").first).to_be_visible()


def test_every_file_is_taken_home(page: Page, tmp_path: Path) -> None:
    name, path = _saved(page, "Download JSON")
    assert name == "finding.json"
    check(parsed(path.read_text()), iw.load_model("tnnp2004:M"))
    for button, file in (("Download .mmt", "edited.mmt"), ("Download CellML", "edited.cellml")):
        name, path = _saved(page, button)
        assert name == file
        (tmp_path / file).write_bytes(path.read_bytes())
        assert iw.load_model(tmp_path / file).conductances
    name, path = _saved(page, "Download EasyML")
    assert name == "edited.model" and "I_Kr (g_Kr) x0.25" in path.read_text()
    name, path = _saved(page, "Download CSV")
    with zipfile.ZipFile(path) as archive:
        table = pd.read_csv(archive.open("finding/findings.csv"))
    assert name == "finding-csv.zip" and table["parameter"][0] == "g_Kr"
    name, path = _saved(page, "Download network")
    with safe_open(str(path), framework="numpy") as network:
        assert name == "network.safetensors" and '"tnnp2004"' in network.metadata()["card"]
    name, path = _saved(page, "Make report")
    assert name == "report.html" and path.stat().st_size > 2e6
    report = path.read_text()
    assert report.startswith("<!doctype html>") and report.rstrip().endswith("</html>")
    assert "I_Kr is down to 25" in report
    expect(page.get_by_role("status")).to_contain_text("report.html is made.")


def test_a_bracket_joins_what_cannot_be_told_apart(page: Page) -> None:
    finding = {
        "verdict": "changed",
        "currents": [
            {"current": f"I_{name}", "parameter": f"g_{name}", "scale": 0.5, "importance": 0.9, "rank": rank}
            for rank, name in ((1, "Ks"), (2, "Kr"))
        ],
        "gates": [{"gate": "Xs", "current": "I_Ks", "tau_ratio": 1.4, "importance": 0.8, "rank": 3}],
        "confounded": [["g_Ks", "gate:Xs"]],
    }
    table = page.get_by_role("region", name="Findings, the one that explains most first", exact=True)
    expect(table).to_be_visible()
    page.evaluate(
        "(html) => { document.querySelector('.ionw-findings').outerHTML = html; }", findings_table(finding)
    )
    rows = table.get_by_role("row")
    expect(rows.nth(1)).to_contain_text("I_Ks")
    expect(rows.nth(2)).to_contain_text("gate Xs")
    expect(rows.get_by_text(text("cannot be told apart from gate Xs"))).to_be_visible()
    edges = page.evaluate(
        """() => [...document.querySelectorAll('tr.is-bracket > th')].map((cell) => {
          const line = getComputedStyle(cell, '::before');
          const box = cell.getBoundingClientRect();
          return [line.borderLeftWidth, box.top + parseFloat(line.top), box.bottom - parseFloat(line.bottom)];
        })"""
    )
    (wide, _, end), (also, start, _) = edges
    assert wide == also == "2px" and end >= start - 1, "one line down both rows"


def test_a_models_gates_and_equations_are_shown_in_step_1(page: Page) -> None:
    page.get_by_role("button", name="1 Model", exact=True).click()
    page.get_by_role("button", name="Show gate curves", exact=True).click()
    _figure(page, "Gate curves: Xr1, Xr2, Xs")
    page.get_by_role("button", name="Hide gate curves", exact=True).click()
    expect(page.get_by_role("img", name="Gate curves: Xr1, Xr2, Xs", exact=True)).to_have_count(0)
    link = page.get_by_role("link", name="10.1152/ajpheart.00794.2003", exact=True)
    expect(link).to_have_attribute("href", "https://doi.org/10.1152/ajpheart.00794.2003")
    assert "noopener" in (link.get_attribute("rel") or "")
    page.get_by_text(re.compile(r"^Equations \(\d+\)$")).click()
    equation = page.get_by_title(re.compile(r"^I_Kr = g_Kr"))
    expect(equation.locator("msqrt")).to_be_visible()
