"""V against time, and Ca_i below it where there is any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as ipw

from ionwidgets import figures
from ionwidgets.widgets.elements import FigureView


class TraceView(ipw.VBox):
    """A figure with as many lines as `traces`, made anew only where the row of calcium comes or goes.

    Parameters
    ----------
    traces : the lines at first; `update` takes as many.
    alt : the figure's accessible name, and the one where it shows calcium too.
    time : what the axis of time says.
    calcium : whether it has the row of calcium at first.
    """

    def __init__(
        self,
        traces: Sequence[figures.Trace],
        alt: tuple[str, str],
        *,
        time: str = "Time (ms)",
        height: int | None = None,
        calcium: bool = False,
    ) -> None:
        self._alt, self._time, self._height = alt, time, height
        self._calcium = calcium
        self._view = self._draw(traces)
        super().__init__([self._view])

    @property
    def data(self) -> tuple[Any, ...]:
        """The lines: V of each trace, then Ca_i of each."""
        return tuple(self._view.data)

    def update(self, traces: Sequence[figures.Trace]) -> None:
        """Draw other values."""
        self.layout.visibility = None
        calcium = any(trace.Ca_i is not None for trace in traces)
        if calcium == self._calcium:
            figures.update_action_potential(self._view, traces)
            return
        old, self._calcium = self._view, calcium
        self._view = self._draw(traces)
        self.children = [self._view]
        old.close()

    def blank(self) -> None:
        """Show nothing, and keep the place."""
        self.layout.visibility = "hidden"

    def _draw(self, traces: Sequence[figures.Trace]) -> FigureView:
        figure = figures.action_potential(traces, calcium=self._calcium, height=self._height)
        figure.update_xaxes(title_text=self._time, row=1 + self._calcium, col=1)
        return FigureView(figure, self._alt[self._calcium])
