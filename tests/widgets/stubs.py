"""Stand-ins for a network and a result, with what the panels read of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from ionwidgets.errors import SimulationError

FINDING: dict[str, Any] = {
    "verdict": "changed",
    "currents": [
        {"current": "I_Ks", "parameter": "g_Ks", "scale": 1.0, "ci95": None, "importance": 0.2, "rank": 2},
        {
            "current": "I_Kr",
            "parameter": "g_Kr",
            "scale": 0.25,
            "ci95": [0.23, 0.27],
            "importance": 0.93,
            "rank": 1,
        },
    ],
    "gates": [
        {
            "gate": "Xr2",
            "current": "I_Kr",
            "v_half_shift_mV": -3.2,
            "v_half_shift_ci95": [-4.0, -2.4],
            "slope_ratio": 1.0,
            "slope_ratio_ci95": [0.9, 1.1],
            "tau_ratio": 1.5,
            "tau_ratio_ci95": [1.4, 1.6],
            "importance": 0.1,
            "rank": 3,
        }
    ],
    "fit": {"v_rmse_mV": 0.41, "apd90_error_ms": {"500": -0.5}},
    "warnings": ["CL 300 does not follow 1:1 and was left out"],
}


class Network:
    """A network that has learnt its model to the last digit."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def gate_curves(self, V: Any, Ca_i: Any = None) -> Any:
        return self._model.gate_curves(V)


@dataclass(frozen=True)
class Result:
    """A finding of g_Kr at 0.25 on any recording."""

    model: Any
    recording: xr.Dataset
    finding: dict[str, Any] = field(default_factory=lambda: FINDING)
    sources: tuple[str, ...] = ("control", "found", "neural ODE")
    changes: dict[str, float] = field(default_factory=lambda: {"g_Kr": 0.25})
    stimulus: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if "found" not in self.sources:
            object.__setattr__(self, "changes", {})

    @property
    def verdict(self) -> str:
        return str(self.finding["verdict"])

    def gates(self) -> xr.Dataset:
        V = np.arange(-100.0, 51.0, 5.0)
        curves = self.model.gate_curves(V)
        names = list(curves)
        h_inf, tau = (np.stack([[curves[name][i] for name in names]] * 2) for i in (0, 1))
        dims = ("source", "gate", "V")
        coords = {"source": ["control", "altered"], "gate": names, "V": V}
        return xr.Dataset({"h_inf": (dims, h_inf), "tau": (dims, tau)}, coords=coords)

    @property
    def traces(self) -> tuple[xr.Dataset, ...]:
        return (self.currents(),)

    def simulate(self, cycle_lengths: Any, duration: float, **options: Any) -> xr.Dataset:
        from ionwidgets.simulation import simulate

        return simulate(self.model, cycle_lengths, duration, scale=self.changes, **options)

    def neural_ode(self, cycle_lengths: Any, duration: float, **options: Any) -> xr.Dataset:
        if "neural ODE" not in self.sources:
            raise SimulationError("the gates of this network make no cell that runs")
        return self.simulate(cycle_lengths, duration, **options)

    def currents(self, cycle_length: float | None = None) -> xr.Dataset:
        time = np.arange(0.0, 500.0)
        values = np.stack([np.sin(time / 50), np.cos(time / 50)])
        names = [current.name for current in self.model.currents]
        return xr.Dataset(
            {name: (("source", "time"), values) for name in names},
            coords={"source": ["control", "altered"], "time": time},
            attrs={"cycle_length": 500.0},
        )

    @property
    def paced(self) -> xr.Dataset:
        from ionwidgets.simulation import simulate

        longest = float(np.nanmax(self.recording["cycle_length"]))
        runs = [
            simulate(self.model, longest, 3 * longest, scale={"g_Kr": factor}, variables=["V", "Ca_i"])
            for factor in (1.0, 0.25, 0.3)[: len(self.sources)]
        ]
        paced = xr.concat(runs, "cell")
        return paced.assign_coords(source=("cell", list(self.sources)))

    def export(self, path: Any) -> None:
        self.model.save(path)

    def to_json(self) -> str:
        return json.dumps(self.finding)
