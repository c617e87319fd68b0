"""Several panels as one widget, for a notebook."""

from __future__ import annotations

import ipywidgets as ipw

from ionwidgets.errors import IonWidgetsError
from ionwidgets.widgets.panel import Panel, SessionStatus, box


def together(*panels: Panel) -> ipw.VBox:
    """Panels that share a `Session` below one another, with the style sheet and one status line.

    >>> import ionwidgets as iw
    >>> cell = iw.widgets.Session()
    >>> cell.open_model("lr1991")
    >>> sliders = iw.widgets.ChannelSliders(cell)
    >>> iw.widgets.together(sliders, iw.widgets.DrugPanel(cell, sliders.experiment))

    Raises
    ------
    IonWidgetsError : there is no panel, or they have more than one session.
    """
    sessions = {id(panel.session): panel.session for panel in panels}
    if len(sessions) != 1 or any(panel.alone for panel in panels):
        raise IonWidgetsError(
            "panels are shown together that were made with one session: "
            "cell = iw.widgets.Session(); iw.widgets.ChannelSliders(cell)"
        )
    for panel in panels:
        panel.show()
    made = box(SessionStatus(panels[0].session), *panels, kind="sheet")
    made.add_class("ionw")
    return made
