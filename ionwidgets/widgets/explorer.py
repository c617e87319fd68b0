"""The channel explorer: a cell and its sliders, for a lesson; nothing of it needs PyTorch."""

from __future__ import annotations

from ionwidgets.widgets.elements import PageLink
from ionwidgets.widgets.experiment.drug import DrugPanel
from ionwidgets.widgets.experiment.panel import ChannelSliders
from ionwidgets.widgets.experiment.protocol import ProtocolPanel
from ionwidgets.widgets.experiment.shares import CurrentShares
from ionwidgets.widgets.experiment.state import ExperimentState
from ionwidgets.widgets.link_use import query_of, use_query
from ionwidgets.widgets.model.panel import ModelPicker
from ionwidgets.widgets.panel import box
from ionwidgets.widgets.session import FIRST_MODEL, Session
from ionwidgets.widgets.stepped import Stepped

STEPS = ("1 Model", "2 Channels")
CHANNELS = 1


class ChannelExplorer(Stepped):
    """Steps 1 and 2 of the workbench by themselves: a cell, and what it does as its channels are turned.

    >>> import ionwidgets as iw
    >>> explorer = iw.widgets.ChannelExplorer("tnnp2004:epi")
    >>> explorer.experiment.scale = {"g_Kr": 0.25}
    >>> explorer

    Parameters
    ----------
    model : as `ionwidgets.load_model` takes it.

    Raises
    ------
    IonWidgetsError : a model that cannot be read.
    """

    def __init__(self, model: str = FIRST_MODEL) -> None:
        session = Session()
        session.take("model", model)
        self.experiment = ExperimentState(session)
        self.picker = ModelPicker(session, self.experiment)
        self.protocol = ProtocolPanel(session, self.experiment)
        self.sliders = ChannelSliders(session, self.experiment)
        self.drug = DrugPanel(session, self.experiment)
        self.shares = CurrentShares(session, self.experiment)
        self.link = PageLink(
            lambda: query_of(session, self.experiment, self.steps.current), label="Copy link"
        )
        pages = (
            box(self.picker, kind="sheet"),
            box(self.protocol, self.sliders, self.drug, self.shares, kind="sheet"),
        )
        super().__init__(session, STEPS, pages, first=CHANNELS, beside=[self.link])
        self.link.observe(lambda change: self.use_link(change["new"] or ""), "arrived")
        self.experiment.refresh()

    def use_link(self, query: str) -> None:
        """Set what the query of an address asks for; the status line names what in it is not known."""
        with self.session.lock:
            problems = use_query(query, self.session, self.experiment, self._go_to_link)
            if problems:
                told = f"The link asks for what is not known here: {'; '.join(problems)}."
                self.session.notice = self.session.trouble = told

    def _go_to_link(self, step: int) -> None:
        self.go_to(min(step, CHANNELS))  # a link of the workbench may ask for one of its own steps
