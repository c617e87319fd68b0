"""The page of a finding: what it says, that it needs nothing else, that it is whole."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ionwidgets.discovery import Result, example_result
from ionwidgets.discovery.report.page import report_html
from ionwidgets.errors import IonWidgetsError

NASTY = '<img src=x onerror="alert(1)">&.csv'
VOID = {"meta", "br", "link", "img", "hr"}


@pytest.fixture(scope="module")
def result() -> Result:
    return example_result()


def changed(result: Result, change: Callable[[dict[str, Any]], None]) -> Result:
    """`result` with another finding."""
    finding = copy.deepcopy(result.finding)
    change(finding)
    return replace(result, finding=finding)


class Read(HTMLParser):
    """Elements and the words between them; every element is closed in its order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def plots(self) -> list[str]:
        return [attrs["data-figure"] or "" for tag, attrs in self.elements if "data-figure" in attrs]


def test_it_says_what_was_found_with_numbers_and_units(result: Result) -> None:
    def known(finding: dict[str, Any]) -> None:  # sizes, whatever the stored finding has
        finding["currents"][0] |= {"scale": 0.2488, "ci95": [0.2356, 0.2627]}
        gate = next(entry for entry in finding["gates"] if entry["gate"] == "Xr1")
        gate |= {
            "v_half_shift_mV": -0.75, "v_half_shift_ci95": [-82.5, 81.0], "slope_ratio": 1.04,
            "slope_ratio_ci95": [0.9, 1.2], "tau_ratio": 1.22, "tau_ratio_ci95": [0.247, 6.07],
        }  # fmt: skip
        finding["fit"]["apd90_error_ms"]["400"] = 0.004
        finding["predictions"] = {"450": {"apd90_ms": 346.96}, "700": {"apd90_ms": 369.32}}

    read = Read(report_html(changed(result, known)))
    for words in (
        "I_Kr is down to 25 % of control (95 % interval 24–26 %).",
        "This alone explains 100 % of the observed difference.",
        "Control is the published model: ten Tusscher-Noble-Noble-Panfilov 2004, tnnp2004:M.",
        "1. I_Kr (g_Kr) found ×0.249 ×0.236 to 0.263 100 %",
        "gate Xr1 of I_Kr V½ −0.75 mV slope ×1.04 τ ×1.22 −82.5 to 81 mV ×0.9 to 1.2 ×0.247 to 6.07 0 %",
        "450 ms 347", "700 ms 369.3", "APD90 (ms)", "400 ms +0.004",
        "One beat at CL 800 ms", "drug.csv, V and Ca_i at CL 400, 600 and 800 ms",
        "fe0aad068d5020fc", "Decoder ode", "Hidden states clamp", "Seed 0", "myokit",
    ):  # fmt: skip
        assert words in read.text, words
    assert read.plots() == [
        "figure-beat", "figure-attribution", "figure-restitution", "figure-gates-0", "figure-gates-1",
        "figure-currents-0", "figure-currents-1",
    ]  # fmt: skip
    assert "nan" not in read.text.lower() and "None" not in read.text


def test_it_needs_nothing_from_outside(result: Result) -> None:
    read = Read(report_html(result))
    assert [tag for tag, _ in read.elements if tag in ("link", "img", "iframe", "a", "object", "form")] == []
    asked = [value for _, attrs in read.elements for name, value in attrs.items() if name in ("src", "href")]
    assert asked == []
    policy = next(attrs for tag, attrs in read.elements if "http-equiv" in attrs and tag == "meta")
    assert (policy["content"] or "").startswith("default-src 'none'")


def test_the_same_result_gives_the_same_bytes(result: Result, tmp_path: Path) -> None:
    result.report(tmp_path / "one.html")
    again = changed(example_result(), lambda finding: finding.update(elapsed_s=99.0))
    again.report(str(tmp_path / "other.html"))
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "other.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.html", "other.html"]


def test_what_comes_from_outside_is_escaped(result: Result) -> None:
    def hostile(finding: dict[str, Any]) -> None:
        finding["recording"]["file"] = NASTY
        finding["warnings"] = [f"{NASTY}: a note"]
        finding["confounded"] = [["g_Kr", f"gate:{NASTY}"]]
        finding["currents"][0]["current"] = NASTY
        finding["gates"][0]["gate"] = NASTY
        finding["versions"]["myokit"] = NASTY
        finding["control"] = {"file": NASTY, "cycle_lengths_ms": [400.0], "v_left_mV": 0.1, "currents": []}

    page = report_html(changed(result, hostile))
    assert NASTY not in page
    read = Read(page)
    assert [tag for tag, _ in read.elements if tag == "img"] == []
    assert read.text.count(NASTY) >= 8


def test_a_control_recording_and_what_cannot_be_told_apart(result: Result) -> None:
    def controlled(finding: dict[str, Any]) -> None:
        own = {"current": "I_CaL", "parameter": "g_CaL", "scale": 1.2, "ci95": [1.1, 1.31]}
        finding["control"] = {
            "file": "before.csv", "cycle_lengths_ms": [400.0, 600.0], "v_left_mV": 0.123, "currents": [own],
        }  # fmt: skip
        finding["confounded"] = [["g_Kr", "gate:Xr1"]]
        finding["warnings"] = [
            "g_Kr and gate:Xr1 cannot be told apart from this recording; a voltage clamp would", "take care",
        ]  # fmt: skip

    text = Read(report_html(changed(result, controlled))).text
    assert "this cell before the change, recorded in before.csv at CL 400 and 600 ms" in text
    assert (
        "leaves 0.123 mV RMS of V unexplained beyond noise" in text
        and "I_CaL (g_CaL) ×1.2 ×1.1 to 1.31" in text
    )
    assert text.count("cannot be told apart") == 1 and "g_Kr and gate Xr1 cannot" in text
    assert "take care" in text


def test_unchanged_has_no_found_change(result: Result) -> None:
    read = Read(report_html(changed(result, lambda finding: finding.update(verdict="unchanged"))))
    assert "Nothing has changed" in read.text and " found ×" not in read.text
    assert "figure-attribution" not in read.plots() and "figure-beat" in read.plots()
    assert "with the change" not in read.text


def test_unexplained_gives_no_size(result: Result) -> None:
    def unexplained(finding: dict[str, Any]) -> None:
        finding.update(verdict="unexplained", warnings=["the model cannot produce this recording"])
        for entry in finding["currents"]:
            entry.update(scale=None, ci95=None)
        for entry in finding["gates"]:
            entry |= dict.fromkeys(
                ("v_half_shift_mV", "v_half_shift_ci95", "slope_ratio", "slope_ratio_ci95", "tau_ratio",
                 "tau_ratio_ci95"), None,
            )  # fmt: skip
        finding["predictions"] = {"450": {"apd90_ms": None}}
        finding["fit"]["apd90_error_ms"] |= {"400": None, "800": 0.6}
        finding["fit"]["v_rmse_mV"] = 2.3

    read = Read(report_html(changed(result, unexplained)))
    assert "No change of currents and gates of this model explains the recording." in read.text
    assert "Nothing is predicted" in read.text and "the model cannot produce this recording" in read.text
    assert "2. I_bNa (g_bNa) 100 %" in read.text and "×" not in read.text and "V½" not in read.text
    assert "400 ms no action potential" in read.text
    assert "figure-attribution" in read.plots() and "APD90 is off by up to 0.6 ms" in read.text


def test_a_recording_that_was_no_file_has_no_name(result: Result) -> None:
    def unnamed(finding: dict[str, Any]) -> None:
        finding["recording"]["file"] = None
        finding["control"] = {"file": None, "cycle_lengths_ms": [400.0], "v_left_mV": 0.0, "currents": []}

    text = Read(report_html(changed(result, unnamed))).text
    assert "the recording: changed" in text and "None" not in text
    assert "before the change, recorded at CL 400 ms" in text and "leaves nothing of V unexplained" in text
    assert "Recording V and Ca_i at CL 400, 600 and 800 ms Control recording at CL 400 ms" in text


def test_what_cannot_be_written_is_said_in_one_line(result: Result, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere" / "report.html", tmp_path):
        with pytest.raises(IonWidgetsError) as refused:
            result.report(path)
        assert str(path) in str(refused.value) and "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []
