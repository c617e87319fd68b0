"""The measure of stage 1: a model with the network's gates (the neural ODE) against the model itself.

A cell that is paced beat by beat: 20 s of pacing at each of five cycle lengths, then APD90 and V.

A cell that fires: one that beats by itself (it has no stimulus), is driven by a current step, or whose spike
is over in a few ms. It runs freely, or is given its own pulse or step, and 1.5 and 2 times that; what counts
is when each spike comes and how wide it is. In a spike V crosses, upwards and back, the middle between the
lowest and the highest V of the model's own run; its width lies between the two crossings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.gnn.network import Network
from ionwidgets.models import IonicModel
from ionwidgets.simulation import CurrentClamp, simulate

TEST_CYCLE_LENGTHS = (350.0, 400.0, 500.0, 650.0, 800.0)  # ms
A_STEP = 50.0  # ms; a longer stimulus is a current step
A_SPIKE = 5.0  # ms; what is over sooner, by half, is a spike
FREELY = 20_000.0  # ms
REST, AFTER = 500.0, 100.0  # ms before and after a step
FACTORS = (1.0, 1.5, 2.0)  # of the model's stimulus
Cells = Callable[..., xr.Dataset]  # `simulate` of one cell


def stage1_figures(model: IonicModel, network: Network) -> dict[str, Any]:
    """How the model with the network's gates compares with itself; None where there is nothing to compare.

    A paced cell: lists over `cycle_length_ms`, `apd90_error_ms` (of the last whole beat) and `v_rmse_mV` (of
    the last 5 s). A cell that fires: `protocol` in words; lists over its runs, `stimulus_A_per_F`, `spikes`
    ([model, neural ODE]) and the worst error in percent among the spikes that both have, neural ODE minus
    model: `spike_time_error_percent` of the time since the run or the step began,
    `spike_interval_error_percent` from one spike to the next, `spike_width_error_percent`.
    """
    gates, calcium = network.live_gates()
    with_network = partial(simulate, model, gates=gates, gates_calcium=calcium)
    own = partial(simulate, model)
    return _fired(model, own, with_network) if fires(model) else _paced(own, with_network)


def fires(model: IonicModel) -> bool:
    """Whether spikes are what counts, rather than action potentials that are paced one by one."""
    if model.stimulus.amplitude == 0 or model.stimulus.duration >= A_STEP:
        return True
    length = TEST_CYCLE_LENGTHS[-1]
    half = _last(simulate(model, length, length, variables=[])["APD50"].values[0])
    return half is not None and half < A_SPIKE


def figures_in_words(figures: Mapping[str, Any]) -> list[str]:
    """What `stage1_figures` has found, in lines; before it, what the published stage 1 measures."""
    if "validation_gates" in figures:
        gates, others = figures["validation_gates"], figures["validation_others"]
        rest = {key: value for key, value in figures.items() if not key.startswith("validation")}
        words = f"cells that did not train: mean square of gates {gates:.1e}, of other states {others:.1e}"
        return [words, *(figures_in_words(rest) if rest else ["the model does not run with these gates"])]
    if "cycle_length_ms" in figures:
        rows = zip(figures["cycle_length_ms"], figures["apd90_error_ms"], figures["v_rmse_mV"], strict=True)
        return [
            f"CL {length:g} ms: APD90 {_number(error, '+.2f')} ms, V RMSE {_number(rmse, '.2f')} mV"
            for length, error, rmse in rows
        ]
    columns = ("time", "interval", "width")
    errors = zip(*(figures[f"spike_{name}_error_percent"] for name in columns), strict=True)
    return [figures["protocol"]] + [
        f"{amplitude:g} A/F: {own} spikes against {neural}, "
        + ", ".join(f"{name} {_number(e, '+.2f')} %" for name, e in zip(columns, worst, strict=True))
        for amplitude, (own, neural), worst in zip(
            figures["stimulus_A_per_F"], figures["spikes"], errors, strict=True
        )
    ]


def _paced(own_cell: Cells, neural_ode: Cells) -> dict[str, Any]:
    lengths = list(TEST_CYCLE_LENGTHS)
    own, neural = (
        run(cycle_lengths=lengths, duration=20_000.0, record_from=15_000.0, variables=["V"])
        for run in (own_cell, neural_ode)
    )
    rmse = np.sqrt(((own["V"] - neural["V"]) ** 2).mean("time"))
    ends = [(_last(a), _last(b)) for a, b in zip(own["APD90"].values, neural["APD90"].values, strict=True)]
    return {
        "cycle_length_ms": lengths,
        "apd90_error_ms": [None if a is None or b is None else round(b - a, 3) for a, b in ends],
        "v_rmse_mV": [_rounded(value) for value in np.asarray(rmse)],
    }


def _fired(model: IonicModel, own_cell: Cells, neural_ode: Cells) -> dict[str, Any]:
    stimulus = model.stimulus
    if stimulus.amplitude == 0:
        amplitudes, words = [0.0], f"{FREELY / 1000:g} s without a stimulus"
        protocol, begin, sample = CurrentClamp([(0.0, FREELY)]), 0.0, 0.1
    else:
        amplitudes = [factor * stimulus.amplitude for factor in FACTORS]
        words = f"a stimulus of {stimulus.duration:g} ms after {REST:g} ms of rest"
        given = [-amplitude for amplitude in amplitudes]  # what depolarises is positive in a current clamp
        protocol = CurrentClamp([(0.0, REST), (given, stimulus.duration), (0.0, AFTER)])
        begin, sample = REST, 0.02
    own, neural = (
        run(protocol=protocol, variables=[model.voltage], sample=sample) for run in (own_cell, neural_ode)
    )
    V = own[model.voltage].values
    level, time = 0.5 * (float(V.min()) + float(V.max())), own["time"].values - begin
    found: dict[str, Any] = {"protocol": words, "stimulus_A_per_F": amplitudes, "spikes": []}
    for trace, other in zip(V, neural[model.voltage].values, strict=True):
        spikes, learnt = _spikes(time, trace, level), _spikes(time, other, level)
        found["spikes"].append([len(spikes), len(learnt)])
        both = min(len(spikes), len(learnt))
        a, b = spikes[:both], learnt[:both]
        for name, x, y in (
            ("time", a[:, 0], b[:, 0]),
            ("interval", np.diff(a[:, 0]), np.diff(b[:, 0])),
            ("width", a[:, 1], b[:, 1]),
        ):
            found.setdefault(f"spike_{name}_error_percent", []).append(_worst(100.0 * (y - x) / x))
    return found


def _spikes(time: NDArray, V: NDArray, level: float) -> NDArray[np.float64]:
    """Time of the upstroke and width [ms] of every whole spike: (spikes, 2)."""
    above = level <= V
    ups, downs = (np.flatnonzero(edge) for edge in (~above[:-1] & above[1:], above[:-1] & ~above[1:]))
    ends = [(up, downs[downs > up][0]) for up in ups if np.any(downs > up)]

    def crossed(i: int) -> float:
        share = (level - V[i]) / (V[i + 1] - V[i])
        return float(time[i] + share * (time[i + 1] - time[i]))

    return np.array([(crossed(int(up)), crossed(int(down)) - crossed(int(up))) for up, down in ends]).reshape(
        -1, 2
    )


def _worst(errors: NDArray) -> float | None:
    return _rounded(errors[np.argmax(np.abs(errors))]) if errors.size else None


def _last(values: NDArray) -> float | None:
    whole = values[np.isfinite(values)]
    return float(whole[-1]) if whole.size else None


def _rounded(value: float) -> float | None:
    return round(float(value), 3) if np.isfinite(value) else None


def _number(value: float | None, form: str) -> str:
    return "?" if value is None else format(value, form)
