"""Step 2: bring a recording, see what is in it, and say how it is to be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets as ipw
import numpy as np

from ionwidgets import figures
from ionwidgets.recordings import find_beats
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import FigureView, Upload
from ionwidgets.widgets.panel import Panel, box, button, markup, offer, on
from ionwidgets.widgets.recording_reading import ReadingForm
from ionwidgets.widgets.recording_state import RecordingState
from ionwidgets.widgets.recording_summary import recording_facts
from ionwidgets.widgets.session import Session

LARGEST: int = 2**30  # bytes of a file that is brought
KINDS = ".csv,.tsv,.txt,.dat,.gz,.abf,.atf,.wcp,.nwb,.mat,.npz,.npy,.nc,.zip"


class RecordingPicker(Panel):
    """`Recording`: files, one of them shown with its beats marked; columns, units, faults and their mends."""

    def __init__(self, session: Session, state: RecordingState | None = None) -> None:
        super().__init__(session)
        self.state = state or RecordingState(session)

    def build(self) -> list[ipw.Widget]:
        state = self.state
        self.upload = Upload(state.add, label="Recording", accept=KINDS, multiple=True, limit=LARGEST)
        self.file = ipw.Dropdown(description="Shown", options=[])
        self.example = button("Use the bundled example", self._use_example)
        self.facts = markup()
        self.cell = ipw.Dropdown(description="Cell", options=[])
        self.figure = FigureView(
            figures.recording_trace([], []), "V of the recording against time, with its upstrokes marked"
        )
        for name in ("range", "autorange"):
            self.figure.layout.xaxis.on_change(self._on_zoom, name)
        self.reading = ReadingForm(state)
        self.file.observe(self._on_file, "value")
        self.cell.observe(self._on_cell, "value")
        on(self.session, "recording", self._show)
        on(state, ["files", "file"], self._show_files)
        on(state, "problem", self._show_problem)
        return [
            markup(
                "<h2>Or bring a recording</h2><p class='ionw-soft'>V against time, and Ca_i or an injected "
                "current where there are any: CSV and its like, Axon, WinWCP, HEKA, NWB, MATLAB, NumPy, "
                "netCDF. Drag across the figure to look closer, double-click to see all.</p>"
            ),
            box(
                box(self.upload, self.file, self.example, self.facts),
                box(self.cell, self.figure, self.reading),
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
        offer(self.file, [(path.name, path) for path in state.files], state.file, self._on_file)
        self.file.layout.display = None if len(state.files) > 1 else "none"

    def _show_problem(self) -> None:
        self.upload.problem = self.state.problem

    def _show(self) -> None:
        recording = self.session.recording
        if recording is None:
            self.facts.value = "<p class='ionw-soft'>No recording is loaded.</p>"
            self.cell.layout.display = "none"
            return
        source = self.session.recording_source or "bundled example"
        self.facts.value = html.facts({"File": source, **recording_facts(recording)})
        cells = recording.sizes["cell"]
        offer(self.cell, [(_cell_name(recording, cell), cell) for cell in range(cells)], 0, self._on_cell)
        self.cell.layout.display = None if cells > 1 else "none"
        self._draw()

    def _on_zoom(self, layout: Any, _: Any) -> None:
        limits = None if layout.autorange else layout.range
        with self.session.lock:
            self._draw(None if limits is None else (float(limits[0]), float(limits[1])))

    def _draw(self, window: tuple[float, float] | None = None) -> None:
        recording, cell = self.session.recording, self.cell.value
        if recording is None or cell is None or cell >= recording.sizes["cell"]:
            return
        time = np.asarray(recording["time"], float)
        V = np.asarray(recording["V"].isel(cell=cell), float)
        figures.update_recording_trace(
            self.figure, time, V, find_beats(time, V), recording["V"].attrs.get("units", "mV"), window
        )


def _cell_name(recording: Any, cell: int) -> str:
    length = float(recording["cycle_length"].values[cell])
    return f"{cell + 1}: CL {length:.4g} ms" if np.isfinite(length) else str(cell + 1)
