"""A button for every file that one takes home."""

from __future__ import annotations

from functools import partial

import ipywidgets as ipw

from ionwidgets.widgets import html
from ionwidgets.widgets.elements import Download
from ionwidgets.widgets.interpret.artefacts import ARTEFACTS, Artefact
from ionwidgets.widgets.panel import markup, on
from ionwidgets.widgets.session import Session


class Downloads(ipw.VBox):
    """The buttons, each with what the file is good for, or why there is none."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.buttons = {
            artefact.filename: Download(
                partial(artefact.make, session),
                partial(self._tell, artefact),
                label=artefact.label,
                filename=artefact.filename,
                media_type=artefact.media_type,
            )
            for artefact in ARTEFACTS
        }
        self.notes = {artefact.filename: markup() for artefact in ARTEFACTS}
        super().__init__(
            [ipw.VBox([self.buttons[one.filename], self.notes[one.filename]]) for one in ARTEFACTS]
        )
        self.add_class("ionw-downloads")
        on(session, ["model", "network", "result"], self._show)

    def _show(self) -> None:
        for artefact in ARTEFACTS:
            why_not = artefact.why_not(self.session)
            button = self.buttons[artefact.filename]
            button.disabled, button.problem = bool(why_not), ""
            words = f"None: {why_not}." if why_not else artefact.note
            self.notes[artefact.filename].value = f'<p class="ionw-download-note">{html.text(words)}</p>'

    def _tell(self, artefact: Artefact, begun: bool) -> None:
        if begun:
            self.session.begin(artefact.filename, f"Making {artefact.filename}")
        else:
            problem = self.buttons[artefact.filename].problem
            self.session.end(artefact.filename, "" if problem else f"{artefact.filename} is made.", problem)
