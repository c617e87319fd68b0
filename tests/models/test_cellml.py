"""CellML of every version and in any units is one and the same cell; what could reach outside is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from handwritten_cellml import AMPLITUDE, DURATION, INITIAL, SYSTEMS, cell, truth

from ionwidgets.errors import ModelError
from ionwidgets.models import IonicModel, load_model

POINTS = [INITIAL, {"V": 20.0, "n": 0.8, "Ca_i": 1e-3}, {"V": -77.0, "n": 0.01, "Ca_i": 1e-4}]
CELL = cell("1.1", SYSTEMS["cell"])
HEAD, BODY = CELL.split("\n", 1)


def model_of(content: str | bytes, tmp_path: Path) -> IonicModel:
    path = tmp_path / "small.cellml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_model(path)


def refused(content: str | bytes, tmp_path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        model_of(content, tmp_path)
    message = str(caught.value)
    assert message.startswith("small.cellml") and "\n" not in message and len(message) < 300
    return message


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("version", ["1.0", "1.1", "2.0"])
def test_the_same_cell_in_every_version_and_unit(version: str, system: str, tmp_path: Path) -> None:
    model = model_of(cell(version, SYSTEMS[system]), tmp_path)
    assert set(model.states) == set(INITIAL)
    assert dict(zip(model.states, model.initial, strict=True)) == pytest.approx(INITIAL, rel=1e-14)
    assert (model.stimulus.amplitude, model.stimulus.duration) == pytest.approx(
        (AMPLITUDE, DURATION), rel=1e-12
    )
    assert [(c.name, c.conductance, c.gates) for c in model.currents] == [
        ("i_K", "g_K", ("n",)),
        ("I_1", None, ()),
    ]
    units = {name: model.units[name] for name in ("V", "Ca_i", "i_K", "I_1", "i_Stim", "stim_amplitude")}
    assert units == {
        "V": "mV", "Ca_i": "mM", "i_K": "A/F", "I_1": "A/F", "i_Stim": "A/F", "stim_amplitude": "A/F",
    }  # fmt: skip
    model.check_balance()
    for point in POINTS:
        right = truth(**point)
        off, on = model.derivatives(point), model.derivatives(point, pace=1.0)
        assert {name: float(off[name]) for name in point} == pytest.approx(
            {name: right[name] for name in point}, rel=1e-12
        )
        assert float(on["V"] - off["V"]) == pytest.approx(-AMPLITUDE, rel=1e-12)
        for name, value in model.values(["i_K", "I_1"], point).items():
            assert float(value) == pytest.approx(right[name], rel=1e-12)
        h_inf, tau = model.gate_curves(point["V"])["n"]
        assert (float(h_inf), float(tau)) == pytest.approx((right["n_inf"], right["tau_n"]), rel=1e-12)


DECLARATIONS = {
    "an external type": '<!DOCTYPE model SYSTEM "file:///etc/passwd">',
    "an internal entity": '<!DOCTYPE model [<!ENTITY lol "lol">]>',
    "a bomb": '<!DOCTYPE model [<!ENTITY a "aaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>',
    "an external entity": '<!DOCTYPE model [<!ENTITY passwd SYSTEM "file:///etc/passwd">]>',
    "a parameter entity": '<!DOCTYPE model [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd"> %p;]>',
}


@pytest.mark.parametrize("declaration", DECLARATIONS.values(), ids=DECLARATIONS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_declarations_are_refused(declaration: str, encoding: str, tmp_path: Path) -> None:
    text = "\n".join([HEAD.replace("utf-8", encoding), declaration, BODY])
    assert "entities" in refused(text.encode(encoding), tmp_path)


def test_another_encoding_is_read(tmp_path: Path) -> None:
    assert model_of(CELL.replace("utf-8", "utf-16").encode("utf-16"), tmp_path).states == ("V", "n", "Ca_i")


IMPORT = (
    '<import xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="http://127.0.0.1:1/x.cellml"/><component'
)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (CELL.replace("<component", IMPORT, 1), "Imports are not supported"),
        (CELL[:400], "no XML"),
        (CELL.encode() + b"\x00", "no XML"),
        ("", "no XML"),
        (b"\x89HDF\r\n\x1a\n\xff\xfe\x00", "no XML"),
        ("<html></html>", "not a CellML document"),
        ("<a>" * 10_000, "no XML"),
        (CELL.replace("<ci>g_K</ci>", "<ci>g_Kr</ci>"), "local component"),
        (CELL.replace("cellml/1.1#", "cellml/9.9#"), "CellML version"),
        (
            CELL.replace("<ci>g_K</ci>", "<apply><minus/>" * 999 + "<ci>g_K</ci>" + "</apply>" * 999),
            "depth",
        ),
    ],
)
def test_what_is_no_CellML_of_ours_is_refused_in_one_line(
    content: str | bytes, word: str, tmp_path: Path
) -> None:
    assert word in refused(content, tmp_path)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.cellml"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ModelError, match="no model file"):
        load_model(path)
