"""A figure that lives in the page and is changed in place."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from plotly.serializers import custom_serializers
from traitlets import Dict, Unicode

from ionwidgets.figures.theme import MODES
from ionwidgets.plotly_script import packed_script, script_name
from ionwidgets.widgets.elements.static import joined

# Colours that are meant for a page's own background, and what they become in a saved figure, which is white.
SAVED = {
    colour: MODES["light"][role] for mode in MODES if mode != "light" for role, colour in MODES[mode].items()
}


class FigureView(go.FigureWidget):
    """A `FigureWidget` that shares plotly's script with all others of the page, and has an accessible name.

    A plain FigureWidget sends its own 4.9 MB copy. Here the page takes the script from the Jupyter server,
    where its extension `ionwidgets` is on (as installed; our dashboards have it too), and a browser keeps
    it; elsewhere the first figure asks the kernel for it, once. A figure follows the size of its box, and
    two buttons save it as SVG or PNG, in dark ink on white.

    Nor does a plain one tell a page that connects later (or is still loading plotly.js) what has changed
    since it was made: here the state is always the present one, and a page that missed changes is sent
    them when it is ready.
    """

    _esm = joined("figure.js")
    _css = joined("figure.css")
    alt = Unicode("figure").tag(sync=True)
    _script_name = Unicode().tag(sync=True)
    _saved_colours = Dict(SAVED).tag(sync=True)

    def __init__(self, figure: go.Figure, alt: str) -> None:
        # Names as plotly's messages have them: "y", "marker.color"; "yaxis.title.text".
        self._changed_of_traces: set[str] = set()
        self._changed_of_layout: set[str] = set()
        super().__init__(figure)
        self.alt = alt
        self._script_name = script_name()
        self._view_count = (
            None  # plotly has them counted, and a view that ends after its model then complains
        )
        self._config = {"displayModeBar": False, "scrollZoom": False}
        self._edits_told = self._edits
        self.on_msg(self._answer)

    @property
    def _edits(self) -> tuple[int, int]:
        return self._last_trace_edit_id, self._last_layout_edit_id

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        state = super().get_state(key, drop_defaults)
        # The comm opens in the midst of construction, before there is any data.
        if "_edits_told" in self.__dict__ and "_widget_data" in state:
            state["_widget_data"] = custom_serializers["to_json"](self._data, None)
            state["_widget_layout"] = custom_serializers["to_json"](self._layout, None)
            self._edits_told = self._edits
        return state

    def _answer(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if content.get("kind") == "plotly":
            self.send({"kind": "plotly"}, buffers=[packed_script()])
        elif content.get("kind") == "ready" and self._edits_told != self._edits:
            self._tell_all()

    def _send_restyle_msg(self, restyle_data: Any, *more: Any, **named: Any) -> None:
        self._changed_of_traces |= set(restyle_data)
        super()._send_restyle_msg(restyle_data, *more, **named)

    def _send_relayout_msg(self, layout_data: Any, *more: Any, **named: Any) -> None:
        self._changed_of_layout |= set(layout_data)
        super()._send_relayout_msg(layout_data, *more, **named)

    def _send_update_msg(self, restyle_data: Any, relayout_data: Any, *more: Any, **named: Any) -> None:
        self._changed_of_traces |= set(restyle_data)
        self._changed_of_layout |= set(relayout_data)
        super()._send_update_msg(restyle_data, relayout_data, *more, **named)

    def _tell_all(self) -> None:
        """Send the present value of whatever was ever changed in place."""
        traces = {
            name: [_value(trace, name) for trace in self._data] for name in sorted(self._changed_of_traces)
        }
        layout = {name: _value(self._layout, name) for name in sorted(self._changed_of_layout)}
        self._send_update_msg(traces, layout, list(range(len(self._data))))


def _value(part: Any, path: str) -> Any:
    """What "marker.color" or "annotations[0].text" is in a trace or a layout; None where there is nothing."""
    for key in go.Figure._str_to_dict_path(path):
        try:
            part = part[key]
        except (KeyError, IndexError, TypeError):
            return None
    return part
