"""A saved model, loaded again, is the same cell: as .mmt and CellML 2.0, every variant of the library."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from xml.etree import ElementTree

import numpy as np
import pytest
from handwritten_cellml import SYSTEMS, cell
from handwritten_models import HODGKIN_HUXLEY

from ionwidgets.errors import ModelError
from ionwidgets.models import IonicModel, list_models, load_model

KEYS = [key for card in list_models() for key in card.keys]
SUFFIXES = (".mmt", ".cellml")


def again(model: IonicModel, suffix: str, folder: Path) -> IonicModel:
    model.save(folder / f"saved{suffix}")
    return load_model(folder / f"saved{suffix}")


def assert_same(model: IonicModel, other: IonicModel) -> None:
    assert set(other.states) == set(model.states) and other.observables == model.observables
    assert set(other.gate_names) == set(model.gate_names)
    assert [(c.name, set(c.gates)) for c in other.currents] == [
        (c.name, set(c.gates)) for c in model.currents
    ]
    assert other.stimulus == model.stimulus
    states = dict(zip(model.states, model.initial, strict=True))
    random = np.random.default_rng(0)
    for pace in (0.0, 1.0, 0.0):
        before, after = model.derivatives(states, pace), other.derivatives(states, pace)
        for name in states:
            assert float(after[name]) == pytest.approx(float(before[name]), rel=1e-12, abs=1e-14), name
        states = {name: value * random.uniform(0.97, 1.03) for name, value in states.items()}
    curves = model.gate_curves(-40.0), other.gate_curves(-40.0)
    for gate in model.gate_names:
        np.testing.assert_allclose(curves[1][gate], curves[0][gate], rtol=1e-12)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("key", KEYS)
def test_the_library_comes_back(key: str, suffix: str, tmp_path: Path) -> None:
    model = load_model(key)
    other = again(model, suffix, tmp_path)
    assert_same(model, other)
    assert [c.conductance for c in other.currents] == [c.conductance for c in model.currents]
    for told in ("title", "species", "tissue", "publication", "doi"):
        assert getattr(other, told) == getattr(model, told) != ""


def test_what_a_model_is_stands_in_a_comment_that_cannot_break_the_file(tmp_path: Path) -> None:
    model = load_model("hh1952")
    model.equations.meta["title"] = "a --> b ---\x07<!DOCTYPE x> & <y> \u00e4"
    other = again(model, ".cellml", tmp_path)
    assert_same(model, other)
    assert other.title == "a - -> b - - - <!DOCTYPE x> & <y> \u00e4"
    root = ElementTree.fromstring((tmp_path / "saved.cellml").read_bytes())
    assert root.tag == "{http://www.cellml.org/cellml/2.0#}model"
    foreign = (
        (tmp_path / "saved.cellml").read_text("utf-8").replace("Written by ionwidgets", "Written by hand")
    )
    (tmp_path / "saved.cellml").write_text(foreign, "utf-8")
    assert load_model(tmp_path / "saved.cellml").title == "saved"


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("system", SYSTEMS)
def test_a_converted_model_comes_back(system: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "small.cellml"
    path.write_text(cell("1.0", SYSTEMS[system]))
    assert_same(load_model(path), again(load_model(path), suffix, tmp_path))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_large_model_is_read_at_once(suffix: str, tmp_path: Path) -> None:
    load_model("ord2011").save(tmp_path / f"saved{suffix}")
    taken = []
    for _ in range(3):
        began = perf_counter()
        model = load_model(tmp_path / f"saved{suffix}")
        assert len(model.states) == 41 and len(model.gates) == 28 and len(model.currents) == 16
        taken.append(perf_counter() - began)
    assert min(taken) < 1.5


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_names_within_names_come_back(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "nested.mmt"
    path.write_text(HODGKIN_HUXLEY.replace("membrane.V", "membrane.psi").replace("dot(V)", "dot(psi)"))
    model = load_model(path)
    assert_same(model, again(model, suffix, tmp_path))


def test_a_saved_mmt_stays_what_it_is(tmp_path: Path) -> None:
    model = load_model("noble1962")
    once = again(model, ".mmt", tmp_path)
    assert again(once, ".mmt", tmp_path).hash == once.hash


@pytest.mark.parametrize("name", ["model.txt", "model", "model.xml"])
def test_another_suffix_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"\.mmt .*, \.cellml .*, \.model "):
        load_model("hh1952").save(tmp_path / name)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_place_that_cannot_be_written_is_one_line(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be written"):
        load_model("hh1952").save(tmp_path / "nowhere" / f"model{suffix}")
