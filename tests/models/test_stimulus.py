"""Which term is the stimulus, how much for how long; and what is asked where a file does not say."""

from __future__ import annotations

from pathlib import Path

import pytest
from handwritten_cellml import SYSTEMS, cell
from handwritten_models import HODGKIN_HUXLEY, one_gate_model

from ionwidgets.errors import ModelError, ModelQuestion
from ionwidgets.models import IonicModel, load_model

GATE = "(inf - x) / tau"


def model_of(text: str, tmp_path: Path, **answers: str) -> IonicModel:
    path = tmp_path / f"handwritten{'.cellml' if text.startswith('<') else '.mmt'}"
    path.write_text(text)
    return load_model(path, **answers)


def paced(tmp_path: Path, *, system: str = "cell", **replaced: str) -> IonicModel:
    return model_of(cell("1.0", SYSTEMS[system], replaced=replaced), tmp_path)


PERIODIC = "floor(time / stim_period) * stim_period"


@pytest.mark.parametrize(
    ("train", "amplitude", "duration"),
    [
        ("-3000 if time >= 7 and time <= 9.25 else 0", -30, 2.25),
        (f"-3000 if time - {PERIODIC} < 0.3 else 0", -30, 0.3),
        (f"(-3000 if time - {PERIODIC} < 1 else 0) / 2", -15, 1),
        ("stim_amplitude if time >= 5000 and time < 5002 else 0", -25, 2),
        ("stim_amplitude if time <= -1 else 0", -25, 1.0),  # never on: by the name
        ("0", 0, 1.0),
    ],
)
def test_a_train_of_pulses_is_measured(train: str, amplitude: float, duration: float, tmp_path: Path) -> None:
    model = paced(tmp_path, i_Stim=train)
    assert (model.stimulus.amplitude, model.stimulus.duration) == pytest.approx(
        (amplitude, duration), rel=1e-9
    )
    state = dict(zip(model.states, model.initial, strict=True))
    change = model.derivatives(state, pace=1.0)["V"] - model.derivatives(state)["V"]
    assert float(change) == pytest.approx(-amplitude, abs=1e-12)


def test_a_stimulus_may_have_the_other_sign(tmp_path: Path) -> None:
    model = paced(tmp_path, V="(i_Stim - i_K) / C", i_Stim="2500 if time < 1 else 0")
    assert model.stimulus.amplitude == pytest.approx(-25)


def test_a_stimulus_written_out_in_dVdt(tmp_path: Path) -> None:
    model = paced(tmp_path, V="-(i_K + (-1000 if time < 2 else 0)) / C")
    assert (model.stimulus.amplitude, model.stimulus.duration) == pytest.approx((-10, 2))
    assert [current.name for current in model.currents] == ["i_K"]


def test_a_cell_without_a_stimulus_has_one_of_amplitude_0(tmp_path: Path) -> None:
    model = paced(tmp_path, V="-i_K / C")
    assert (model.stimulus.amplitude, model.stimulus.duration) == (0, 1)
    assert [current.name for current in model.currents] == ["i_K"]
    model.save(tmp_path / "saved.mmt")
    assert load_model(tmp_path / "saved.mmt").stimulus == model.stimulus


@pytest.mark.parametrize(
    ("replaced", "word"),
    [
        ({"i_Stim": "time if time <= 1 else 0"}, "one height"),
        ({"i_Stim": "V * time"}, "membrane.i_Stim depends on environment.time"),
        ({"n": "0.1 * time - n"}, "potassium.n depends on environment.time"),
        ({"g_K": "time"}, "potassium.g_K depends on environment.time"),
    ],
)
def test_other_dependence_on_time_is_refused_with_its_variable(
    replaced: dict[str, str], word: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=word):
        paced(tmp_path, **replaced)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("noise = 0 bind random\nI_K = g_K * x * (V + 85) + noise", "k.I_K depends on k.noise"),
        ("I_K = g_K * x * (V + 85) + engine.time", "k.I_K depends on engine.time"),
        ("I_K = random(x)", r"random\(\)"),
    ],
)
def test_what_cannot_be_compiled_is_refused_with_its_variable(line: str, word: str, tmp_path: Path) -> None:
    text = one_gate_model(GATE)
    assert "I_K = g_K * x * (V + 85)" in text
    with pytest.raises(ModelError, match=word):
        model_of(text.replace("I_K = g_K * x * (V + 85)", line), tmp_path)


def test_a_single_cell_has_no_neighbours(tmp_path: Path) -> None:
    text = one_gate_model(GATE, dvdt="-(k.I_K + stimulus.I_stim + I_diff)")
    model = model_of(text.replace("[calcium]", "I_diff = 0 bind diffusion_current\n[calcium]"), tmp_path)
    assert [current.name for current in model.currents] == ["I_K"]


MARKS = (" label stimulus_current", " label stimulus_amplitude", " label stimulus_duration", " bind pace")


@pytest.mark.parametrize("left_out", [MARKS[:1], MARKS[:2], MARKS[:3], MARKS[3:]])
def test_marks_may_be_left_out(left_out: tuple[str, ...], tmp_path: Path) -> None:
    text = one_gate_model(GATE)
    for mark in left_out:
        assert mark in text
        text = text.replace(mark, "")
    model = model_of(text, tmp_path)
    assert (model.stimulus.amplitude, model.stimulus.duration) == (-20, 1)
    assert [current.name for current in model.currents] == ["I_K"]


PROTOCOL = (
    "\n[[protocol]]\n# Level  Start    Length   Period   Multiplier\n2.0      10       0.5      1000     0\n"
)


def test_the_protocol_of_a_file_gives_what_no_label_does(tmp_path: Path) -> None:
    text = one_gate_model(GATE)
    assert model_of(text + PROTOCOL, tmp_path).stimulus.duration == 1  # the label's
    for word in ("duration = 1 label stimulus_duration\n", " label stimulus_amplitude"):
        text = text.replace(word, "")
    model = model_of(text + PROTOCOL, tmp_path)
    assert (model.stimulus.amplitude, model.stimulus.duration) == (-40, 0.5)


def question(text: str, tmp_path: Path) -> ModelQuestion:
    with pytest.raises(ModelQuestion) as caught:
        model_of(text, tmp_path)
    assert "\n" not in str(caught.value) and f"{caught.value.argument}=" in str(caught.value)
    assert all(candidate in str(caught.value) for candidate in caught.value.candidates)
    return caught.value


def test_two_stimuli_are_a_question(tmp_path: Path) -> None:
    two = {"V": "-(i_K + i_Stim + g_K) / C", "g_K": "-3000 if time < 2 else 0", "i_K": "n * V"}
    text = cell("2.0", SYSTEMS["cell"], replaced=two | {"i_Stim": "-2000 if time < 1 else 0"})
    caught = question(text.replace("i_Stim", "i_two"), tmp_path)
    assert (caught.argument, caught.candidates) == ("stimulus", ("i_two", "g_K"))
    caught = question(text, tmp_path)
    assert caught.candidates == ("i_Stim", "g_K"), "a name alone is no answer: the other would be lost"


@pytest.mark.parametrize("second", ["pace * -7", "if(time > 100, if(time < 102, -7, 0), 0)"])
@pytest.mark.parametrize(("answer", "amplitude"), [("I_stim", -20), ("I_two", -7)])
def test_of_two_stimuli_the_other_is_off_everywhere(
    second: str, answer: str, amplitude: float, tmp_path: Path
) -> None:
    """Also in a concentration that it flows into; with a pace from outside and with a train of its own."""
    text = one_gate_model(GATE, dvdt="-(k.I_K + stimulus.I_stim + stimulus.I_two)")
    text = text.replace(
        " label stimulus_current", "\nuse engine.pace as pace, engine.time as time\nI_two = " + second
    )
    text = text.replace(
        "(1e-4 - Ca_i) / 100", "(1e-4 - Ca_i) / 100 - 1e-3 * (stimulus.I_stim + stimulus.I_two)"
    )
    text = text.replace(" label stimulus_amplitude", "").replace(" label stimulus_duration", "")
    caught = question(text, tmp_path)
    assert (caught.argument, set(caught.candidates)) == ("stimulus", {"I_stim", "I_two"})
    model = model_of(text, tmp_path, stimulus=answer)
    assert model.stimulus.amplitude == pytest.approx(amplitude)
    assert [current.name for current in model.currents] == ["I_K"]
    state = dict(zip(model.states, model.initial, strict=True))
    off, on = model.derivatives(state), model.derivatives(state, pace=1.0)
    assert float(on["V"] - off["V"]) == pytest.approx(-amplitude)
    assert float(on["Ca_i"] - off["Ca_i"]) == pytest.approx(-1e-3 * amplitude)


def test_a_marked_stimulus_needs_no_answer_and_a_current_that_light_switches_is_none(tmp_path: Path) -> None:
    text = one_gate_model(GATE, dvdt="-(k.I_K + stimulus.I_stim + stimulus.I_two)")
    marked = text.replace("[membrane]", "I_two = engine.pace * -7\n[membrane]")
    assert model_of(marked, tmp_path).stimulus.amplitude == -20
    light = text.replace("[membrane]", "I_two = engine.pace * 0.1 * membrane.V\n[membrane]")
    assert [current.name for current in model_of(light, tmp_path).currents] == ["I_K", "I_two"]


def test_the_potential_is_asked_for_and_answered(tmp_path: Path) -> None:
    text = HODGKIN_HUXLEY.replace("    label membrane_potential\n", "")
    for old, new in (("membrane.V", "membrane.psi"), ("dot(V)", "dot(psi)"), ("as V\n", "as psi\n")):
        text = text.replace(old, new)
    text = text.replace("(V ", "(psi ")
    caught = question(text, tmp_path)
    assert (caught.argument, set(caught.candidates)) == ("voltage", {"psi", "m", "h", "n"})
    model = model_of(text, tmp_path, voltage="psi")
    assert model.states[0] == model.voltage == "V"
    assert model_of(text, tmp_path, voltage="membrane.psi").hash == model.hash
    assert [gate.name for gate in model.gates] == ["m", "h", "n"]
    model.save(tmp_path / "saved.mmt")
    assert load_model(tmp_path / "saved.mmt").states == model.states


def test_calcium_is_asked_for_and_may_be_another(tmp_path: Path) -> None:
    text = one_gate_model(GATE).replace("k.x = 0.1", "k.x = 0.1\nspace.Ca_i = 1e-3\nspace.Ca_ss = 1e-3")
    text += "[space]\ndot(Ca_i) = -Ca_i\ndot(Ca_ss) = -Ca_ss\n"
    caught = question(text, tmp_path)
    assert (caught.argument, set(caught.candidates)) == ("calcium", {"calcium.Ca_i", "space.Ca_i"})
    model = model_of(text, tmp_path, calcium="space.Ca_i")
    assert model.observables == ("V", "Ca_i")
    assert float(model.derivatives(dict.fromkeys(model.states, 0.5))["Ca_i"]) == -0.5
    other = model_of(text, tmp_path, calcium="Ca_ss")
    assert set(other.states) == {"V", "x", "Ca_i", "calcium_Ca_i", "space_Ca_i"}


@pytest.mark.parametrize(
    ("answers", "word"),
    [
        ({"voltage": "Vm"}, "V"),
        ({"calcium": "Cai"}, "Ca_i"),
        ({"stimulus": "I_stin"}, "I_stim"),
        ({"stimulus": "I_K"}, "depends on"),
    ],
)
def test_a_wrong_answer_is_one_line(answers: dict[str, str], word: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=word) as caught:
        model_of(one_gate_model(GATE), tmp_path, **answers)
    assert str(caught.value).startswith("handwritten.mmt: ") and "\n" not in str(caught.value)


def test_the_library_needs_no_answers() -> None:
    with pytest.raises(ModelError, match="for files"):
        load_model("tnnp2004", voltage="V")
