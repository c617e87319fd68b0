"""Ionic models: the library of cells, and what their equations say of gates, currents and conductances."""

from ionwidgets.models.ionic_model import Current, Gate, IonicModel, Stimulus
from ionwidgets.models.library import ModelCard, list_models, load_model

__all__ = ["Current", "Gate", "IonicModel", "ModelCard", "Stimulus", "list_models", "load_model"]
