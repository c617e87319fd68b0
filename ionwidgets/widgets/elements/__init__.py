"""The small controls that ipywidgets lacks, each with a visible label that is its accessible name
(anywidgets).
"""

from ionwidgets.widgets.elements.amount import Amount
from ionwidgets.widgets.elements.choices import Choices
from ionwidgets.widgets.elements.copy_text import CopyText
from ionwidgets.widgets.elements.disclosure import Disclosure
from ionwidgets.widgets.elements.download import Download
from ionwidgets.widgets.elements.figure_view import FigureView
from ionwidgets.widgets.elements.menu import MenuButton
from ionwidgets.widgets.elements.page_link import PageLink
from ionwidgets.widgets.elements.sliders import SCALE_STOPS, ConductanceSliders
from ionwidgets.widgets.elements.status import StatusLine
from ionwidgets.widgets.elements.steps import Steps
from ionwidgets.widgets.elements.undo import UndoBar
from ionwidgets.widgets.elements.upload import Upload

__all__ = [
    "SCALE_STOPS",
    "Amount",
    "Choices",
    "ConductanceSliders",
    "CopyText",
    "Disclosure",
    "Download",
    "FigureView",
    "MenuButton",
    "PageLink",
    "StatusLine",
    "Steps",
    "UndoBar",
    "Upload",
]
