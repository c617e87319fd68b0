"""Finding, reading, refusing and saving models."""

from __future__ import annotations

from pathlib import Path

import pytest
from handwritten_models import HODGKIN_HUXLEY, one_gate_model
from reference_tables import VARIANTS

import ionwidgets as iw
from ionwidgets.errors import ModelError
from ionwidgets.models import list_models, load_model
from ionwidgets.models.ionic_model import DATASET_NAMES
from ionwidgets.simulation.sweep import BIOMARKERS


def refused(path: Path | str, variant: str | None = None) -> str:
    """The one line with which a model is refused."""
    with pytest.raises(ModelError) as caught:
        load_model(path, variant)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_library_lists_its_cards() -> None:
    card = next(card for card in list_models() if card.name == "tnnp2004")
    assert tuple(card.variants) == VARIANTS
    assert card.doi == "10.1152/ajpheart.00794.2003"
    assert all((card.title, card.species, card.tissue, card.publication))


def test_a_card_tells_what_is_in_the_default_variant() -> None:
    for card in list_models():
        model = load_model(card.name)
        assert (card.states, card.gates) == (model.states, model.gate_names)
        assert card.currents == tuple(current.name for current in model.currents)


def test_a_variant_follows_a_colon_or_a_keyword() -> None:
    assert load_model("tnnp2004").key == load_model("tnnp2004:M").key == "tnnp2004:M"
    assert load_model("tnnp2004:epi").hash == load_model("tnnp2004", "epi").hash
    assert len({load_model("tnnp2004", variant).hash for variant in VARIANTS}) == 3


def test_variants_differ_where_the_paper_says() -> None:
    M, epi, endo = (load_model("tnnp2004", variant) for variant in VARIANTS)
    assert (M.conductances["g_Ks"], epi.conductances["g_Ks"], endo.conductances["g_Ks"]) == (
        0.062,
        0.245,
        0.245,
    )
    assert (M.conductances["g_to"], endo.conductances["g_to"]) == (0.294, 0.073)
    assert endo.gate_curves(-67.0)["s"][1] > 1000 > epi.gate_curves(-67.0)["s"][1]


def test_unknown_names_list_the_near_ones() -> None:
    assert "tnnp2004" in refused("tnpp2004")
    assert "epi" in refused("tnnp2004:epu")
    assert "M, epi, endo" in refused("tnnp2004", "zzz")
    assert "twice" in refused("tnnp2004:epi", "M")


def test_unknown_conductances_list_the_near_ones() -> None:
    with pytest.raises(ModelError, match="g_Kr"):
        load_model("tnnp2004").scaled_by("g_kr")
    with pytest.raises(ModelError, match="g_Kr"):
        load_model("tnnp2004").equation("g_kr")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "nowhere.mmt")


def test_a_syntax_error_has_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.mmt"
    lines = HODGKIN_HUXLEY.splitlines()
    number = lines.index("g_Na = 120")
    lines[number] = "g_Na = 120 +* 2"
    path.write_text("\n".join(lines))
    assert refused(path).startswith(f"broken.mmt:{number + 1}: ")


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("g_Na * m^3", "g_Nb * m^3", "g_Nb"),
        ("E_Na = 50", "E_Na = E_Na + 1", "E_Na"),
        ("membrane.V = -65\n", "", "V"),
        ("[[model]]", "[[modle]]", "odel"),
    ],
)
def test_an_invalid_model_is_refused_in_one_line(old: str, new: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.mmt"
    assert old in HODGKIN_HUXLEY
    path.write_text(HODGKIN_HUXLEY.replace(old, new))
    message = refused(path)
    assert message.startswith("broken.mmt") and word in message


def test_a_model_without_currents_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.mmt"
    path.write_text(one_gate_model("(inf - x) / tau", dvdt="-stimulus.I_stim"))
    assert "currents" in refused(path)


def test_a_script_in_a_file_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    path = tmp_path / "scripted.mmt"
    path.write_text(f"{HODGKIN_HUXLEY}\n[[script]]\nopen({str(mark)!r}, 'w').close()\n")
    model = load_model(path)
    model.derivatives(dict(zip(model.states, model.initial, strict=True)))
    model.save(tmp_path / "saved.mmt")
    assert not mark.exists()
    assert "script" not in (tmp_path / "saved.mmt").read_text()


@pytest.mark.parametrize("content", [b"\x89HDF\r\n\x1a\n\xff\xfe\x00", b"\x00" * 100, b"", b"\xff" * 10_000])
def test_a_binary_or_empty_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "binary.mmt"
    path.write_bytes(content)
    assert refused(path).startswith("binary.mmt")


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.mmt"
    with path.open("wb") as file:
        file.truncate(2**40)
    assert "no model file" in refused(path)


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.mmt"
    path.write_text(HODGKIN_HUXLEY.replace("g_Na = 120", "g_Na = " + "(" * 5000 + "120" + ")" * 5000))
    assert "deep.mmt" in refused(path)


@pytest.mark.parametrize("encoding", ["utf-7", "shift_jis", "no-such-encoding"])
def test_an_encoding_that_cannot_be_read_is_refused(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "coded.cellml"
    path.write_text(f'<?xml version="1.0" encoding="{encoding}"?><model/>')
    assert refused(path).startswith("coded.cellml: ")


def test_a_path_with_a_nul_is_refused() -> None:
    for path in ("a\0b", "a\0b.mmt", "a\0b.cellml"):
        assert "\0" not in refused(path)


def test_names_that_a_dataset_uses_are_given_with_their_component(tmp_path: Path) -> None:
    """A state called beat and a current called peak stand beside the beats and their peaks."""
    text = one_gate_model("(inf - x) / tau", dvdt="-(k.I_K + k.peak + stimulus.I_stim)")
    text = text.replace("k.x = 0.1\n", "k.x = 0.1\nk.beat = 0.5\nk.cycle_length = 2\n")
    text += "peak = 0.01 * beat * (V + 80)\ndot(beat) = (inf - beat) / tau\n"
    text += "dot(cycle_length) = -cycle_length / 1000\n"
    path = tmp_path / "named.mmt"
    path.write_text(text)
    model = load_model(path)
    assert model.states == ("V", "x", "k_beat", "k_cycle_length", "Ca_i")
    assert [current.name for current in model.currents] == ["I_K", "k_peak"]
    assert model.equation("time") and {"beat", "peak"}.isdisjoint(model.variables)
    data = iw.simulate(model, [400, 500], 1000.0, scale={"k_peak": [1.0, 2.0]})
    assert data["k_beat"].dims == data["k_peak"].dims == ("cell", "time")
    assert data["peak"].dims == ("cell", "beat") and data["cycle_length"].values.tolist() == [
        400,
        400,
        500,
        500,
    ]
    assert len(iw.biomarkers(data)) == 10


def test_every_name_of_a_dataset_is_kept_from_variables() -> None:
    assert set(BIOMARKERS) <= DATASET_NAMES
    model = load_model("tnnp2004")
    steady = iw.Pacing([900, 1000], 1000.0, until_steady=True, most_beats=3)
    drug = iw.Drug({"g_Kr": 1.0}, [0.0, 1.0])
    for protocol in (
        steady,
        iw.S1S2(1000, 1, [400, 500]),
        iw.CurrentClamp([([0, 1], 5)]),
        iw.VoltageClamp([([0, 1], 5)], held=0),
    ):
        data = iw.simulate(model, protocol=protocol, drug=drug, variables=[])
        assert {*data.variables, *data.dims} <= DATASET_NAMES


def test_a_folder_and_an_endless_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.mmt").mkdir()
    assert "folder.mmt: is a folder" in refused(tmp_path / "folder.mmt")
    assert ".: is a folder" in refused(".")
    assert "unknown model" in refused("x" * 5000)


def test_a_file_has_no_variants(tmp_path: Path) -> None:
    path = tmp_path / "hh.mmt"
    path.write_text(HODGKIN_HUXLEY)
    assert "variant" in refused(path, "M")


def test_names_that_a_model_does_not_have_are_told() -> None:
    model = load_model("hh1952")
    for ask in (
        lambda: model.equation("I_Nb"),
        lambda: model.values(["I_Nb"], {}),
        lambda: model.values(["I_Na"], {"I_Nb": 0.0}),
    ):
        with pytest.raises(ModelError, match="unknown variable of hh1952 'I_Nb'; did you mean"):
            ask()
    with pytest.raises(ModelError, match="unknown variant of tnnp2004 '3'"):
        load_model("tnnp2004", 3)  # type: ignore[arg-type]


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    """Some editors write one at the head of a file."""
    path = tmp_path / "marked.mmt"
    path.write_text(HODGKIN_HUXLEY, encoding="utf-8-sig")
    assert load_model(path).gate_names


def test_calcium_is_not_the_membrane_potential(tmp_path: Path) -> None:
    path = tmp_path / "cell.mmt"
    path.write_text(one_gate_model("(inf - x) / tau"))
    with pytest.raises(ModelError, match=r"membrane\.V is the membrane potential, not calcium"):
        load_model(path, calcium="V")
