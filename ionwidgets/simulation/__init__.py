"""Simulation: a model's compiled kernel, protocols, biomarkers; the shape of a Dataset is decided here."""

from ionwidgets.simulation.curves import boltzmann, iv_curve
from ionwidgets.simulation.drug import Drug
from ionwidgets.simulation.kernel import voltage_grid
from ionwidgets.simulation.protocols import S1S2, CurrentClamp, DynamicRestitution, Pacing
from ionwidgets.simulation.restitution import restitution
from ionwidgets.simulation.simulate import simulate
from ionwidgets.simulation.spikes import fi_curve, spikes
from ionwidgets.simulation.voltage_clamp import VoltageClamp

__all__ = [
    "CurrentClamp",
    "Drug",
    "DynamicRestitution",
    "Pacing",
    "S1S2",
    "VoltageClamp",
    "boltzmann",
    "fi_curve",
    "iv_curve",
    "restitution",
    "simulate",
    "spikes",
    "voltage_grid",
]
