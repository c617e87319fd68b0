"""What the steps share: the model, the recording, the network and the finding, and the one lock around them.

With ipykernel >= 7 callbacks can run on a thread other than the main one, and jobs and live simulations
always do. Every change of shared state is made under `Session.lock`; it is one lock for all panels, so that
no two threads can wait for each other, and it may be taken twice by the same thread, since observers run
under it.
"""

from __future__ import annotations

import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from traitlets import Dict, HasTraits, Unicode

from ionwidgets.errors import IonWidgetsError
from ionwidgets.widgets.reference import Reference

if TYPE_CHECKING:
    from ionwidgets.models import IonicModel


class Session(HasTraits):
    """The state that the steps share; it knows no widgets.

    `activities` holds what is going on, in the order in which it began: key -> (words, fraction or None).
    `notice` is the last thing that happened, shown when nothing is going on; `trouble` says that it went
    wrong.
    """

    model = Reference(None, allow_none=True)
    model_source = Unicode("tnnp2004:M")  # as load_model takes it
    recording = Reference(None, allow_none=True)
    recording_source = Unicode("")  # file name, or "" for the bundled example
    network = Reference(None, allow_none=True)
    result = Reference(None, allow_none=True)
    activities = Dict()
    notice = Unicode("")
    trouble = Unicode("")

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.lock = threading.RLock()

    def begin(self, key: str, words: str, fraction: float | None = None) -> None:
        """Say that `key` is going on (again: how far it is)."""
        with self.lock:
            self.activities = {**self.activities, key: (words, fraction)}

    def end(self, key: str, notice: str = "", trouble: str = "") -> None:
        """Say that `key` is over, and how it went."""
        with self.lock:
            self.activities = {name: what for name, what in self.activities.items() if name != key}
            if notice or trouble:
                self.notice, self.trouble = notice, trouble

    def use_model(self, model: IonicModel, source: str) -> None:
        """Take another model; a network and a finding of the old one go with it."""
        with self.lock:
            if self.model is not None and (model.key, model.hash) == (self.model.key, self.model.hash):
                return
            self.network = self.result = None
            self.model_source = source
            self.model = model
            self.notice, self.trouble = f"{model.title} is open.", ""

    def use_recording(self, recording: Any, source: str) -> None:
        """Take another recording; a finding on the old one goes with it."""
        with self.lock:
            self.result = None
            self.recording_source = source
            self.recording = recording
            self.notice, self.trouble = f"{source or 'The bundled example'} is loaded.", ""

    def open_model_file(self, name: str, content: bytes) -> str:
        """Parse an uploaded .mmt file, running nothing in it; what is wrong with it in one line, or ""."""
        from ionwidgets.models import load_model

        try:
            self.use_model(_from_file(load_model, name, content, ".mmt"), Path(name).name)
        except IonWidgetsError as error:
            return str(error)
        return ""

    def open_recording_file(self, name: str, content: bytes) -> str:
        """Read an uploaded recording; what is wrong with it, in one line, or ""."""
        from ionwidgets.recordings import read_recording

        try:
            self.use_recording(_from_file(read_recording, name, content), Path(name).name)
        except IonWidgetsError as error:
            return str(error)
        return ""

    def load_example(self) -> None:
        """The bundled recording; and the finding made on it, if the open model is that finding's."""
        from ionwidgets.discovery import example_recording, example_result

        with self.lock:
            self.use_recording(example_recording(), "")
            result = example_result()
            if self.model is None:
                self.model = result.model
            if self.model.hash == result.model.hash:  # an equal model that is open stays: it may be in use
                self.result = result
                self.notice = (
                    "This finding was made on the bundled example and stored; Run it live makes it anew."
                )


def _from_file(read: Any, name: str, content: bytes, suffix: str = "") -> Any:
    """`read` a file of this name and content, in a private folder that is gone afterwards."""
    with TemporaryDirectory(prefix="ionwidgets-") as folder:
        # The last part alone: a browser gives no folders, and what says it is a browser may not be one.
        path = Path(folder) / (Path(name.replace("\\", "/")).name or f"file{suffix}")
        if suffix and path.suffix != suffix:
            path = path.with_name(path.name + suffix)
        path.write_bytes(content)
        return read(path)
