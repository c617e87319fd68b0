"""How a cell was recorded: what was in the bath, what electrode and seal add. None of it is the cell's doing.

V = V_measured - V_LJ,     dV/dt = -(sum_X I_X + g_leak (V - E_leak) + I_stim)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from ionwidgets.errors import IonWidgetsError, RecordingError
from ionwidgets.models import IonicModel
from ionwidgets.models.surroundings import surrounded
from ionwidgets.recordings.units import ARBITRARY
from ionwidgets.simulation.checks import check_mappings
from ionwidgets.simulation.given import number, numbers, shown
from ionwidgets.simulation.grid import surroundings
from ionwidgets.simulation.kernel import voltage_grid

if TYPE_CHECKING:
    from ionwidgets.gnn import Network  # brings torch

MOST_JUNCTION = 50.0  # mV
TAKEN_OFF = "junction_potential_mV"  # attribute of a recording that it was taken off
SAME = 1e-9  # of h_inf, and of tau beside itself


@dataclass(frozen=True)
class Conditions:
    """constants: of the bath, by name, as `simulate` takes them (mM, K); junction_potential: V_LJ [mV] that
    is in V as it was measured; leak: (g [A/F per mV, that is nS/pF], E [mV]) of the seal."""

    constants: dict[str, float] = field(default_factory=dict)
    junction_potential: float | None = None
    leak: tuple[float, float] | None = None

    def model(self, published: IonicModel) -> IonicModel:
        """`published` under these conditions, leak included.

        Raises
        ------
        SimulationError : it has no such constant, or a value is out of range.
        """
        if not self.constants and self.leak is None:
            return published
        return surrounded(published, surroundings(published, self.constants), self.leak)

    def recording(self, measured: xr.Dataset) -> xr.Dataset:
        """The recording with the liquid junction potential taken off V, once.

        Raises
        ------
        RecordingError : V is not in mV.
        """
        if self.junction_potential is None or TAKEN_OFF in measured.attrs:
            return measured
        if (unit := measured["V"].attrs.get("units")) != "mV":
            hint = "; a dye has no electrode, so leave it out" if unit == ARBITRARY else ""
            raise RecordingError(
                f"a junction potential in mV cannot be taken off V in {unit}{hint}",
                file=str(measured.attrs.get("source", "recording")),
                column="V",
            )
        V = measured["V"]
        corrected = measured.assign(V=(V - self.junction_potential).assign_attrs(V.attrs))
        return corrected.assign_attrs({TAKEN_OFF: self.junction_potential})

    def about(self) -> dict[str, Any] | None:
        """As the finding has it; None where nothing was said of them."""
        if self == Conditions():
            return None
        leak = None if self.leak is None else {"g_nS_per_pF": self.leak[0], "E_mV": self.leak[1]}
        return {
            "constants": self.constants,
            "junction_potential_mV": self.junction_potential,
            "leak": leak,
        }

    @staticmethod
    def of(about: Mapping[str, Any] | None) -> Conditions:
        """Those that a finding was made under."""
        if about is None:
            return Conditions()
        leak = about["leak"] and (about["leak"]["g_nS_per_pF"], about["leak"]["E_mV"])
        return Conditions(about["constants"], about["junction_potential_mV"], leak)


def read_conditions(constants: object, junction_potential: object, leak: object) -> Conditions:
    """What `discover` was given, checked but for the names, which are the model's.

    Raises
    ------
    IonWidgetsError : no mapping, no numbers, or numbers out of range.
    """
    check_mappings(conditions=constants)
    values = constants.items() if isinstance(constants, Mapping) else ()
    found = Conditions({name: number(f"conditions of {name}", value) for name, value in values})
    if junction_potential is not None:
        potential = number("junction_potential [mV]", junction_potential)
        if not abs(potential) <= MOST_JUNCTION:
            raise IonWidgetsError(
                f"junction_potential is in mV, at most {MOST_JUNCTION:g} either way; found {potential:g}"
            )
        found = replace(found, junction_potential=potential)
    if leak is not None:
        given = numbers("leak [nS/pF, mV]", leak)
        if given.shape != (2,) or not np.isfinite(given).all() or given[0] < 0:
            raise IonWidgetsError(
                f"leak is (g [nS/pF], E [mV]), with g not negative, such as (0.02, 0); found {shown(leak)}"
            )
        found = replace(found, leak=(float(given[0]), float(given[1])))
    return found


def taught_model(published: IonicModel, model: IonicModel, network: Network | None) -> IonicModel:
    """Which of the two a network must have learnt: `published`, or where the conditions change gates (or
    `network` knows it already) `model`, which is that under them.

    Raises
    ------
    IonWidgetsError : they do, and `network` has learnt the published gates.
    """
    if network is not None and network.model_hash == model.hash:
        return model
    V = voltage_grid()
    own, gates = published.gate_curves(V), model.gate_curves(V)
    changed = [
        name
        for name in gates
        if not np.allclose(own[name], gates[name], rtol=SAME, atol=SAME, equal_nan=True)
    ]
    if not changed:
        return published
    if network is not None:
        raise IonWidgetsError(
            f"under these conditions gate {changed[0]} of {model.key} has other curves than those that the "
            "network has learnt; leave the network out, and one learns them first"
        )
    return model
