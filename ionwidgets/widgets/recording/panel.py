"""Step 2: bring a recording, see what is in it, and say how it is to be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ipywidgets as ipw
import numpy as np

from ionwidgets import figures
from ionwidgets.figures.recording import LONG
from ionwidgets.recordings.formats import SUFFIXES
from ionwidgets.recordings.upstrokes import beats_of
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import FigureView, Upload
from ionwidgets.widgets.formula import formula
from ionwidgets.widgets.panel import Panel, box, button, markup, offer, on
from ionwidgets.widgets.recording.look_closer import LookCloser
from ionwidgets.widgets.recording.reading import ReadingForm
from ionwidgets.widgets.recording.state import RecordingState
from ionwidgets.widgets.recording.summary import recording_facts
from ionwidgets.widgets.session import Session

LARGEST: int = 2**30  # bytes of a file that is brought
ACCEPTED = ",".join((".csv", ".tsv", ".txt", ".dat", ".gz", ".zip", *SUFFIXES))

WHAT = (
    "What am I looking at? The potential as it was recorded, with a mark at every upstroke.",
    "<p>A beat begins where V rises steeply, and the marks are where it does. A finding compares, with the "
    "beats that repeat, the slope</p><math display='block'><mfrac><mrow><mi>d</mi><mi>V</mi></mrow><mrow>"
    "<mi>d</mi><mi>t</mi></mrow></mfrac><mo>=</mo><mo>−</mo><mo>(</mo><munder><mo>∑</mo><mi>X</mi></munder>"
    "<msub><mi>I</mi><mi>X</mi></msub><mo>+</mo><msub><mi>I</mi><mtext>stim</mtext></msub><mo>)</mo></math>"
    "<p>with the currents of the model (A/F), so its units, its cycle length and where its beats begin have "
    "to be right. Of a long recording a choice of samples is drawn that keeps its extremes.</p>",
)
AFTER = (
    "<h2>Or bring a recording</h2><p class='ionw-soft'>V against time, and Ca_i or an injected "
    "current where there are any: CSV and its like, Axon, WinWCP, HEKA, NWB, MATLAB, NumPy, "
    "netCDF. Drag across the figure to look closer, double-click to see all; or give the seconds.</p>"
    + html.explain(*WHAT)
)
BEFORE = (
    "<h2>Its control recording, if there is one</h2><p class='ionw-soft'>The same cell before the change, "
    "before the drug say. The model is fitted to it first, and the change is sought against that cell; "
    "without it, against the published model.</p>"
    + html.explain(
        "What am I looking at? The cell that the change is measured from.",
        "<p>No cell is the published one. Along the control's beats a factor x of every current that has a "
        "conductance is fitted, so that the model becomes this cell:</p>"
        + formula("{d V_m}/{d t} = - (∑_i x_i I_i + I_{stim})")
        + "<p>(currents in A/F). A finding says by how much the other recording differs from that.</p>",
    )
)


class RecordingPanel(Panel):
    """`Recording`: files, one of them shown with its beats marked; columns, units, faults and their mends.

    With a state of the role "control" it is `Control recording`: the same cell before the change.

    >>> import ionwidgets as iw
    >>> panel = iw.widgets.RecordingPanel()
    >>> panel
    >>> panel.recording  # the Dataset, once a file was brought
    """

    def __init__(
        self, session: Session | None = None, state: RecordingState | None = None, **shared: Any
    ) -> None:
        super().__init__(session, **shared)
        self.state = state or self.own(RecordingState(self.session))
        self._drawn = ("", 0)  # the recording that is shown, and its cells
        self._window: tuple[float, float] | None = None  # of the axis of time; None: all of it
        self._per_second = 1000.0  # of that axis
        self.ready()

    def build(self) -> list[ipw.Widget]:
        state = self.state
        before = state.role == "control"
        label = "Control recording" if before else "Recording"
        self.upload = Upload(state.add, label=label, accept=ACCEPTED, multiple=True, limit=LARGEST)
        self.file = ipw.Dropdown(description="Shown", options=[])
        # A recording gives way to the bundled example, a control recording to none.
        self.instead = (
            button("Remove the control recording", state.remove)
            if before
            else button("Use the bundled example", self._use_example)
        )
        self.facts = markup()
        self.cell = ipw.Dropdown(description="Cell", options=[])
        self.figure = FigureView(
            figures.recording_trace([], []), "V of the recording against time, with its upstrokes marked"
        )
        self.figure.layout.xaxis.on_change(self._on_window, "range")
        self.figure.layout.xaxis.on_change(self._on_all, "autorange")
        self.closer = LookCloser(self._look_at)
        self.reading = ReadingForm(state)
        self.seen = box(self.cell, self.figure, self.closer, self.reading)
        self.file.observe(self._on_file, "value")
        self.cell.observe(self._on_cell, "value")
        on(self.session, state.role, self._show)
        on(state, ["files", "file"], self._show_files)
        on(state, "problem", self._show_problem)
        return [
            markup(BEFORE if before else AFTER),
            box(
                box(self.upload, self.file, self.instead, self.facts),
                self.seen,
                kind="columns",
            ),
        ]

    def _use_example(self) -> None:
        self.session.load_example()

    def _on_file(self, change: Any) -> None:
        path: Path | None = change["new"]
        if path is not None and path != self.state.file:
            self.state.use(path)

    def _on_cell(self, _: Any) -> None:
        with self.session.lock:
            self._draw()

    def _show_files(self) -> None:
        state = self.state
        offer(self.file, _named(state.files), state.file, self._on_file)
        only = len(state.files) == 1 and state.file is not None
        self.file.layout.display = None if state.files and not only else "none"

    def _show_problem(self) -> None:
        self.upload.problem = self.state.problem
        self._show()

    def _show(self) -> None:
        recording, before = self.state.recording, self.state.role == "control"
        removable = recording is not None or self.state.files
        self.instead.layout.display = None if removable or not before else "none"
        # What is wrong with a file may have to be mended before there is any recording.
        waits = before and recording is None and self.state.file is None
        self.seen.layout.display = "none" if waits else None
        if recording is None:
            none = "control recording" if before else "recording"
            self.facts.value = f"<p class='ionw-soft'>No {none} is loaded.</p>"
            self.cell.layout.display = self.closer.layout.display = "none"
            return
        self.closer.layout.display = None
        source = self.state.source or "bundled example"
        kept = f"{source}, as it was read before" if self.state.problem else source
        self.facts.value = html.facts({"File": kept, **recording_facts(recording)})
        cells = recording.sizes["cell"]
        again = self._drawn == (source, cells)  # the same file, read otherwise: what is looked at stays
        chosen = self.cell.value if again else 0
        names = [(_cell_name(recording, cell), cell) for cell in range(cells)]
        offer(self.cell, names, chosen, self._on_cell)
        self.cell.layout.display = None if cells > 1 else "none"
        if not again:
            self._drawn = (source, cells)
            self._window = None
            with self.figure.batch_update():
                self.figure.layout.xaxis.update(autorange=None, range=None)
        self._draw()

    def _on_window(self, _: Any, limits: Any) -> None:
        with self.session.lock:
            self._window = None if limits is None else (float(limits[0]), float(limits[1]))
            self._draw()

    def _look_at(self, seconds: tuple[float, float] | None) -> None:
        with self.session.lock, self.figure.batch_update():
            window = None if seconds is None else [second * self._per_second for second in seconds]
            self.figure.layout.xaxis.update(autorange=None, range=window)

    def _on_all(self, _: Any, whole: Any) -> None:
        if whole:
            # Left at None, or the next double-click would change nothing here.
            with self.session.lock, self.figure.batch_update():
                self.figure.layout.xaxis.update(autorange=None, range=None)

    def _draw(self) -> None:
        recording, cell = self.state.recording, self.cell.value
        if recording is None or cell is None or cell >= recording.sizes["cell"]:
            return
        time = np.asarray(recording["time"], float)
        V = np.asarray(recording["V"].isel(cell=cell), float)
        figures.update_recording_trace(
            self.figure,
            time,
            V,
            beats_of(recording, cell),
            recording["V"].attrs.get("units", "mV"),
            self._window,
        )
        self._per_second = 1.0 if time[-1] - time[0] > LONG else 1000.0
        whole = (float(time[0]) / 1000, float(time[-1]) / 1000)
        low, high = sorted(limit / self._per_second for limit in self._window or (0.0, 0.0))
        self.closer.tell(whole, None if self._window is None else (low, high))


def _cell_name(recording: Any, cell: int) -> str:
    length = float(recording["cycle_length"].values[cell])
    return f"{cell + 1}: CL {length:.4g} ms" if np.isfinite(length) else str(cell + 1)


def _named(paths: Sequence[Path]) -> list[tuple[str, Path]]:
    """Paths by their names; those that come again are numbered."""
    seen: Counter[str] = Counter()
    named = []
    for path in paths:
        seen[path.name] += 1
        again = f" ({seen[path.name]})" if seen[path.name] > 1 else ""
        named.append((path.name + again, path))
    return named
