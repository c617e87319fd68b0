"""Figures: plain data in, `plotly.graph_objects.Figure` out; `update_...` helpers change one in place."""

from ionwidgets.figures.current_shares import carrying_most, current_shares, shares, update_current_shares
from ionwidgets.figures.currents import currents, update_currents
from ionwidgets.figures.curves import curves
from ionwidgets.figures.findings import attribution, update_attribution
from ionwidgets.figures.gates import gate_curves, update_gate_curves
from ionwidgets.figures.learning import loss_curve, update_loss_curve
from ionwidgets.figures.recording import recording_trace, thinned, update_recording_trace
from ionwidgets.figures.restitution import (
    Diastolic,
    Restitution,
    diastolic_restitution,
    restitution,
    update_diastolic_restitution,
)
from ionwidgets.figures.theme import COLOURS, MODES
from ionwidgets.figures.traces import Trace, action_potential, update_action_potential
from ionwidgets.figures.trade_off import eta_trade_off, update_eta_trade_off

__all__ = [
    "COLOURS",
    "Diastolic",
    "MODES",
    "Restitution",
    "Trace",
    "action_potential",
    "attribution",
    "carrying_most",
    "current_shares",
    "currents",
    "curves",
    "diastolic_restitution",
    "eta_trade_off",
    "gate_curves",
    "loss_curve",
    "recording_trace",
    "restitution",
    "shares",
    "thinned",
    "update_action_potential",
    "update_attribution",
    "update_current_shares",
    "update_currents",
    "update_diastolic_restitution",
    "update_eta_trade_off",
    "update_gate_curves",
    "update_loss_curve",
    "update_recording_trace",
]
