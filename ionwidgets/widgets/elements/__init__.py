"""The small controls that ipywidgets lacks, each with a visible label that is its accessible name
(anywidgets).
"""

from ionwidgets.widgets.elements.copy_text import CopyText
from ionwidgets.widgets.elements.figure_view import FigureView
from ionwidgets.widgets.elements.sliders import SCALE_STOPS, ConductanceSliders
from ionwidgets.widgets.elements.status import StatusLine
from ionwidgets.widgets.elements.steps import Steps
from ionwidgets.widgets.elements.upload import Upload

__all__ = ["SCALE_STOPS", "ConductanceSliders", "CopyText", "FigureView", "StatusLine", "Steps", "Upload"]
