"""Widgets: for each step its traitlets state (no widgets) and its view; the workbench that joins them.

Importing this loads ipywidgets and plotly; torch comes when something is trained.
"""

from ionwidgets.widgets.experiment_panel import ChannelSliders
from ionwidgets.widgets.findings_panel import Findings
from ionwidgets.widgets.learn_panel import Trainer
from ionwidgets.widgets.model_panel import ModelPicker
from ionwidgets.widgets.recording_panel import RecordingPicker
from ionwidgets.widgets.retrain_panel import Retrainer
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.workbench import Workbench, workbench

__all__ = [
    "ChannelSliders",
    "Findings",
    "ModelPicker",
    "RecordingPicker",
    "Retrainer",
    "Session",
    "Trainer",
    "Workbench",
    "workbench",
]
