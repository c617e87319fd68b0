"""Simulation: a model's compiled kernel, paced cells, biomarkers; the shape of a Dataset is decided here."""

from ionwidgets.simulation.kernel import voltage_grid
from ionwidgets.simulation.simulate import simulate

__all__ = ["simulate", "voltage_grid"]
