"""A model saved for openCARP computes the same there: every derivative, and the sum of the currents."""

from __future__ import annotations

import re
from pathlib import Path

import easyml_numbers
import myokit
import numpy as np
import pytest
from handwritten_models import HODGKIN_HUXLEY

from ionwidgets.errors import ModelError
from ionwidgets.models import IonicModel, list_models, load_model
from ionwidgets.models.edit import edited

QUICK = ("tnnp2004:M", "paci2013:ventricular", "ord2011:endo")
KEYS = [
    pytest.param(key, marks=() if key in QUICK else pytest.mark.slow)
    for card in list_models()
    for key in card.keys
]


def assert_same(model: IonicModel, path: Path) -> None:
    model.save(path)
    start, markov = easyml_numbers.initial(path), easyml_numbers.markov_states(path)
    own = dict(zip(model.states, model.initial, strict=True))
    called = {name: name if name in own else re.sub(r"_\d+$", "", name) for name in start}  # `d` is a keyword
    rest = own.keys() - set(called.values())  # the state that is 1 - the others of its Markov model
    assert len(rest) == (1 if markov else 0)
    assert list(start.values()) == [value for name, value in own.items() if name not in rest]
    there = easyml_numbers.compiled(path)
    names = [name for name in start if name != "V"]
    random = np.random.default_rng(0)
    for V in (-80.3, -39.2, 12.1):
        state = {name: start[name] * random.uniform(0.97, 1.03) + 1e-3 for name in names}
        left = 1 - sum(state[name] for name in markov)
        ours = {called[name]: value for name, value in state.items()}
        here = model.derivatives({"V": V, **ours, **dict.fromkeys(rest, left)})
        found = there(V, list(state.values()))
        assert found.pop("Iion") == pytest.approx(-float(here["V"]), rel=1e-9, abs=1e-9)
        for name, rate in found.items():
            assert rate == pytest.approx(float(here[called[name]]), rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize("key", KEYS)
def test_the_library_as_easyml(key: str, tmp_path: Path) -> None:
    assert_same(load_model(key), tmp_path / "cell.model")


def test_an_edited_model_keeps_its_gates_recognisable(tmp_path: Path) -> None:
    model = edited(load_model("tnnp2004:epi"), {"I_Kr": 0.25}, {"f": -6.0, "Xs": 3.0}, {"f": 1.4, "m": 2.0})
    assert_same(model, tmp_path / "cell.model")
    text = (tmp_path / "cell.model").read_text(encoding="utf-8")
    for gate in model.gate_names:
        assert f"{gate}_inf = " in text and f"tau_{gate} = " in text and f"diff_{gate} " not in text


def test_what_easyml_cannot_say_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cell.mmt").write_text(HODGKIN_HUXLEY, encoding="utf-8")
    model = load_model(tmp_path / "cell.mmt")
    equations = model.equations.clone()
    current = equations.get(model.variables[model.currents[0].name].qname())
    current.set_rhs(myokit.Multiply(current.rhs(), myokit.Sin(myokit.Number(1))))
    with pytest.raises(ModelError, match=r"cell\.model: EasyML cannot say all of it \(.*sin.*use \.mmt"):
        IonicModel(equations, "cell").save(tmp_path / "cell.model")
    current.set_rhs(0.1)
    with pytest.raises(ModelError, match=r"cell\.model: EasyML's Iion would lose the constant current"):
        IonicModel(equations, "cell").save(tmp_path / "cell.model")
    assert not (tmp_path / "cell.model").exists()
    with pytest.raises(ModelError, match="cannot be written"):
        model.save(tmp_path / "no" / "cell.model")
