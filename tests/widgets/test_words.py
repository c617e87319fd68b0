"""Numbers, sentences and HTML: units everywhere, nothing unescaped."""

from __future__ import annotations

import pytest

from ionwidgets.discovery.sentences import explanation, headline
from ionwidgets.widgets import html, words
from ionwidgets.widgets.formula import formula
from ionwidgets.widgets.interpret.findings_rows import findings_table
from ionwidgets.widgets.words import brief, quantity, unit_words


def _finding(**changes: object) -> dict[str, object]:
    base: dict[str, object] = {"verdict": "changed", "currents": [], "gates": [], "fit": {}}
    return base | changes


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (325.04, "ms", "325 ms"),
        (800.0, "ms", "800 ms"),
        (-86.2, "mV", "−86.2 mV"),
        (1.75e-4, "L/F/ms", "1.75×10⁻⁴ L/F/ms"),
        (0.0, "mV", "0 mV"),
        (float("nan"), "ms", "–"),
        (None, "ms", "–"),
    ],
)
def test_numbers_carry_their_unit(value: float | None, unit: str, text: str) -> None:
    assert words.number(value, unit) == text


def test_changes_carry_their_sign() -> None:
    assert words.tenths(16.83, "%") == "+16.8 %"
    assert words.tenths(-0.3, "mV") == "−0.3 mV"
    assert words.tenths(0.004, "mV") == "0 mV"
    assert words.signed(3.2, "mV") == "+3.2 mV"


def test_time_left_is_told_in_seconds_and_minutes() -> None:
    assert words.duration(4.4) == "4 s"
    assert words.duration(125) == "2 min 05 s"


def test_the_headline_names_the_change_in_one_sentence() -> None:
    kr = {"current": "I_Kr", "scale": 0.25, "ci95": [0.23, 0.27], "importance": 0.93, "rank": 1}
    assert headline(_finding(currents=[kr])) == "I_Kr is down to 25 % of control (95 % interval 23–27 %)."
    assert "up to 300 %" in headline(_finding(currents=[kr | {"scale": 3.0, "ci95": None}]))
    assert headline(_finding(currents=[kr | {"scale": 0.0}])) == "I_Kr is blocked."
    assert headline(_finding(currents=[kr | {"scale": None}])) == "I_Kr has changed."
    gate = {"gate": "f", "current": "I_CaL", "v_half_shift_mV": -5.0, "slope_ratio": 1.2, "rank": 1}
    gate |= {"tau_ratio": 1.5, "found_in": ["v_half_shift_mV"]}
    assert headline(_finding(gates=[gate])) == "Gate f of I_CaL: half-activation is shifted by −5 mV."
    steep = gate | {"found_in": ["slope_ratio"]}
    assert (
        headline(_finding(gates=[steep])) == "Gate f of I_CaL: slope at half-activation is 1.2 times control."
    )
    slow = gate | {"found_in": ["tau_ratio"]}
    assert "time constant is 1.5 times control" in headline(_finding(gates=[slow]))
    assert "stands out" in headline(_finding())


def test_no_change_and_no_explanation_are_said_plainly() -> None:
    assert "Nothing has changed" in headline(_finding(verdict="unchanged"))
    assert "No change of currents and gates" in headline(_finding(verdict="unexplained"))


def test_the_explanation_tells_how_well_it_fits() -> None:
    kr = {"current": "I_Kr", "scale": 0.25, "importance": 0.93, "rank": 1}
    fit = {"v_rmse_mV": 0.41, "apd90_error_ms": {"400": -0.5, "600": None}}
    text = explanation(_finding(currents=[kr], fit=fit))
    assert "93 %" in text and "0.41 mV" in text and "0.5 ms" in text
    assert explanation(_finding(fit=None)) == ""


def test_what_comes_from_outside_is_escaped() -> None:
    nasty = "<img src=x onerror=alert(1)>"
    for made in (
        html.table(nasty, [nasty], [[nasty]]),
        html.facts({nasty: nasty}),
        html.reasons([nasty]),
        html.problem(nasty),
        html.explain(nasty, ""),
        words.symbol(nasty),
        findings_table(
            {"currents": [{"current": nasty, "parameter": nasty, "scale": 1.0, "rank": 1}], "gates": []}
        ),
    ):
        assert "<img" not in made


def test_the_findings_table_is_in_order_of_rank_with_units() -> None:
    table = findings_table(
        {
            "currents": [
                {
                    "current": "I_Ks",
                    "parameter": None,
                    "scale": None,
                    "ci95": None,
                    "importance": None,
                    "rank": 2,
                },
                {
                    "current": "I_Kr",
                    "parameter": "g_Kr",
                    "scale": 0.253,
                    "ci95": [0.24, 0.26],
                    "importance": 0.9,
                    "rank": 1,
                },
            ],
            "gates": [
                {
                    "gate": "Xr2",
                    "current": "I_Kr",
                    "v_half_shift_mV": -3.2,
                    "v_half_shift_ci95": [-4.0, None],
                    "tau_ratio": 1.5,
                    "tau_ratio_ci95": [1.4, 1.6],
                    "importance": 0.1,
                    "rank": 3,
                }
            ],
        }
    )
    assert table.index("I_Kr") < table.index("I_Ks") < table.index("Xr2")
    for part in ("×0.253", "×0.24 to 0.26", "V½ −3.2&nbsp;mV", "τ ×1.5", "90 %"):
        assert part in table
    assert "nan" not in table.lower() and "None" not in table


def test_units_are_printed_as_the_field_prints_them() -> None:
    assert unit_words("mS/cm^2") == "mS/cm²" and unit_words("uA/cm^2") == "µA/cm²"
    assert unit_words("1") == "" and unit_words("s^-1*uL") == "s⁻¹·µL" and unit_words("A/F") == "A/F"
    assert quantity(120.0, "mS/cm^2") == "120 mS/cm²" and quantity(0.5, "1") == "0.5"


def test_a_long_title_is_cut_where_a_reader_would() -> None:
    assert brief("Noble 1962") == "Noble 1962"
    assert brief("Tomek-Bueno-Orovio-Passini-Zhou-Minchole-Britton-Rodriguez 2019 (ToR-ORd)") == (
        "Tomek et al. 2019 (ToR-ORd)"
    )
    assert len(brief("x" * 100)) <= 45 and brief("x" * 100).endswith("…")


def test_an_equation_is_set_from_the_line_that_one_would_write() -> None:
    relaxing = formula("{d h}/{d t} = {h_∞(V_m) - h}/{τ_h(V_m)}")
    assert relaxing.startswith('<math display="block">') and relaxing.count("<mfrac>") == 2
    assert "<mspace" not in relaxing
    assert "<msub><mi>h</mi><mi>∞</mi></msub>" in relaxing and "<mo>−</mo>" in relaxing
    assert "<msubsup><mi>x</mi><mn>1</mn><mn>2</mn></msubsup>" in formula("x_1^2")
    product = formula("g_{Kr} Xr1 Xr2")
    assert product.count("<mspace") == 2 and "<mi>Xr1</mi>" in product
    assert "&lt;b&gt;" in formula('"<b>"') and "&lt;" in formula("a < b")


def test_what_one_looks_at_opens_a_paragraph() -> None:
    opened = html.explain("Gates & their speed", f"<p>It relaxes.</p>{formula('τ')}")
    assert opened.startswith("<details") and "<summary>Gates &amp; their speed</summary>" in opened
    assert "<p>It relaxes.</p><math" in opened
