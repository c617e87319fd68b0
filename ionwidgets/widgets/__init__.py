"""Widgets: for each panel its traitlets state (no widgets) and its view; the workbench that joins them.

Importing this loads ipywidgets and plotly; torch comes when something is trained.
"""

from ionwidgets.widgets.elements import FigureView
from ionwidgets.widgets.experiment.drug import DrugPanel
from ionwidgets.widgets.experiment.panel import ChannelSliders
from ionwidgets.widgets.experiment.protocol import ProtocolPanel
from ionwidgets.widgets.experiment.shares import CurrentShares
from ionwidgets.widgets.explorer import ChannelExplorer
from ionwidgets.widgets.interpret.currents import CurrentExplorer
from ionwidgets.widgets.interpret.findings import FindingsTable
from ionwidgets.widgets.interpret.gates import GateExplorer
from ionwidgets.widgets.interpret.neural_ode import NeuralODEView
from ionwidgets.widgets.learn.panel import TrainingPanel
from ionwidgets.widgets.model.panel import ModelPicker
from ionwidgets.widgets.paper.panel import PaperPanel
from ionwidgets.widgets.recording.panel import RecordingPanel
from ionwidgets.widgets.retrain.panel import RetrainPanel
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.session_file import SavedSession, open_session, save_session
from ionwidgets.widgets.story.view import TwoStageStory
from ionwidgets.widgets.together import together
from ionwidgets.widgets.workbench import Workbench, workbench

__all__ = [
    "ChannelExplorer",
    "ChannelSliders",
    "CurrentExplorer",
    "CurrentShares",
    "DrugPanel",
    "FigureView",
    "FindingsTable",
    "GateExplorer",
    "ModelPicker",
    "NeuralODEView",
    "PaperPanel",
    "ProtocolPanel",
    "RecordingPanel",
    "RetrainPanel",
    "SavedSession",
    "Session",
    "TrainingPanel",
    "TwoStageStory",
    "Workbench",
    "open_session",
    "save_session",
    "together",
    "workbench",
]
