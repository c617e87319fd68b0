"""Figures: plain data in, `plotly.graph_objects.Figure` out; `update_...` helpers change one in place."""

from ionwidgets.figures.currents import currents
from ionwidgets.figures.findings import attribution, update_attribution
from ionwidgets.figures.gates import gate_curves, update_gate_curves
from ionwidgets.figures.learning import loss_curve, update_loss_curve
from ionwidgets.figures.recording import recording_trace, thinned, update_recording_trace
from ionwidgets.figures.restitution import Restitution, restitution
from ionwidgets.figures.theme import COLOURS, MODES
from ionwidgets.figures.traces import Trace, action_potential, update_action_potential

__all__ = [
    "COLOURS",
    "MODES",
    "Restitution",
    "Trace",
    "action_potential",
    "attribution",
    "currents",
    "gate_curves",
    "loss_curve",
    "recording_trace",
    "restitution",
    "thinned",
    "update_action_potential",
    "update_attribution",
    "update_gate_curves",
    "update_loss_curve",
    "update_recording_trace",
]
