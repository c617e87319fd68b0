"""What a run is worth: its neural ODE against the cell that was recorded, and its currents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.discovery.late_apd90 import LAST, late_apd90
from ionwidgets.discovery.reproduction.experiments import CURRENTS
from ionwidgets.discovery.reproduction.folder import TrainedRun
from ionwidgets.errors import SimulationError
from ionwidgets.gnn.along_beats import gates_along
from ionwidgets.gnn.decoder import Balance
from ionwidgets.models import IonicModel
from ionwidgets.simulation import simulate

Numbers = list[float | None]


def neural_ode(
    model: IonicModel, run: TrainedRun, cycle_lengths: Sequence[float], duration: float, **options: Any
) -> xr.Dataset | None:
    """The model with the run's gates and scales, paced; None where no cell of it can be integrated."""
    gates, calcium = run.network.live_gates()
    try:
        return simulate(
            model, list(cycle_lengths), duration, gates=gates, gates_calcium=calcium, scale=run.scales,
            **options,
        )  # fmt: skip
    except SimulationError:
        return None


def apd90_errors(
    model: IonicModel,
    run: TrainedRun,
    truth: NDArray,
    cycle_lengths: Sequence[float],
    duration: float,
    **options: Any,
) -> Numbers:
    """APD90 of the neural ODE minus that of the recorded cell [ms], None where it has no action potential."""
    paced = neural_ode(model, run, cycle_lengths, duration, variables=[], **options)
    if paced is None:
        return [None] * len(truth)
    return rounded(late_apd90(paced, duration) - truth)


def over_the_range(
    model: IonicModel, run: TrainedRun, recorded: xr.Dataset, cells: NDArray[np.intp], duration: float
) -> dict[str, Numbers]:
    """APD90 error [ms] and V RMSE [mV] of the neural ODE at the cycle lengths of these cells of `recorded`.

    Both are paced from the model's initial state, so that their beats coincide; compared over the last 5 s
    that were kept.
    """
    truth = recorded.isel(cell=cells)
    lengths = truth["cycle_length"].values.tolist()
    since = max(duration - LAST, float(truth["time"][0]))
    paced = neural_ode(model, run, lengths, duration, variables=["V"], record_from=since)
    if paced is None:
        none: Numbers = [None] * len(lengths)
        return {"cycle_length_ms": lengths, "apd90_error_ms": none, "v_rmse_mV": none}
    shown = truth["V"].sel(time=slice(since - 0.5, None)).values
    rmse = np.sqrt(((paced["V"].values - shown) ** 2).mean(-1))
    error = late_apd90(paced, duration) - late_apd90(truth, duration)
    return {
        "cycle_length_ms": lengths, "apd90_error_ms": rounded(error), "v_rmse_mV": rounded(rmse)
    }  # fmt: skip


def rounded(values: Iterable[float], digits: int = 3) -> Numbers:
    return [round(float(value), digits) if np.isfinite(value) else None for value in values]


def currents_along(run: TrainedRun, balance: Balance) -> dict[str, torch.Tensor]:
    """The run's currents (T, B) [A/F] along recorded beats."""
    with torch.no_grad():
        currents = balance.currents(gates_along(run.network, balance))
    return {name: currents[name] * run.scales.get(name, 1.0) for name in CURRENTS}


def current_ratios(
    control: TrainedRun, altered: TrainedRun, balance: Balance, names: Iterable[str] = CURRENTS
) -> dict[str, float | None]:
    """How large each of these currents is beside the control network's along recorded beats."""
    ratios = balance.ratios(*(gates_along(run.network, balance) for run in (control, altered)))
    scales = {name: altered.scales.get(name, 1.0) / control.scales.get(name, 1.0) for name in ratios}
    return {name: rounded([ratios[name] * scales[name]], 4)[0] for name in names}
