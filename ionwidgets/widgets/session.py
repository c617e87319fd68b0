"""What the steps share: the model, the recording, the network and the finding, and the one lock around them.

With ipykernel >= 7 callbacks can run on a thread other than the main one, and jobs and live simulations
always do. Every change of shared state is made under `Session.lock`; it is one lock for all panels, so that
no two threads can wait for each other, and it may be taken twice by the same thread, since observers run
under it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from traitlets import Dict, HasTraits, Unicode

from ionwidgets.errors import IonWidgetsError, ModelQuestion
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.words import brief

if TYPE_CHECKING:
    from ionwidgets.models import IonicModel


MODEL_FILES = (".mmt", ".cellml")
FIRST_MODEL = "tnnp2004:M"  # is open before another one is chosen
SHARED = ("model", "recording", "control", "network", "result")


@dataclass(frozen=True)
class OpenQuestion:
    """A model file that can be read in more than one way, and what has been answered so far.

    `question` is a sentence, `argument` what it is for `load_model`, `candidates` the names to choose from.
    """

    name: str
    content: bytes = field(repr=False)
    answers: Mapping[str, str]
    question: str
    argument: str
    candidates: tuple[str, ...]


class Session(HasTraits):
    """The state that the steps share; it knows no widgets.

    `activities` holds what is going on, in the order in which it began: key -> (words, fraction or None).
    `notice` is the last thing that happened, shown when nothing is going on; `trouble` says that it went
    wrong. `question` is what has to be known before a model file can be opened.
    """

    model = Reference(None, allow_none=True)
    model_source = Unicode(FIRST_MODEL)  # as load_model takes it
    model_answers = Dict()  # and what it has to be told of that file
    question = Reference(None, allow_none=True)
    recording = Reference(None, allow_none=True)
    recording_source = Unicode("")  # file name, or "" for the bundled example
    control = Reference(None, allow_none=True)  # of the same cell before the change
    control_source = Unicode("")
    network = Reference(None, allow_none=True)
    result = Reference(None, allow_none=True)
    activities = Dict()
    notice = Unicode("")
    trouble = Unicode("")

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.lock = threading.RLock()
        self.model_content: bytes | None = None  # of the file that the model comes from

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

    @property
    def from_file(self) -> bool:
        """Whether the model comes from a file, and not from the library."""
        return Path(self.model_source).suffix in MODEL_FILES

    def use_model(
        self,
        model: IonicModel,
        source: str,
        answers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> None:
        """Take another model; a network and a finding of the old one go with it.

        `source`, `answers` and `content` say where it comes from, as `load_model` takes it: a library name,
        or a file, what had to be told of it, and what is in it.
        """
        with self.lock:
            self.question = None
            if self.model is not None and (model.key, model.hash) == (self.model.key, self.model.hash):
                return
            self.network = self.result = None
            self.model_source, self.model_answers = source, dict(answers or {})
            self.model_content = content
            self.model = model
            self.notice, self.trouble = f"{brief(model.title)} is open.", ""

    def use_recording(self, recording: Any, source: str) -> None:
        """Take another recording; a finding on the old one goes with it."""
        with self.lock:
            self.result = None
            self.recording_source = source
            self.recording = recording
            self.notice, self.trouble = f"{source or 'The bundled example'} is loaded.", ""

    def use_control(self, control: Any, source: str = "") -> None:
        """Take another control recording, or none; a finding against the one before goes with it."""
        with self.lock:
            if control is None and self.control is None:
                return
            self.result = None
            self.control_source = source
            self.control = control
            words = "There is no control recording." if control is None else f"{source} is the control."
            self.notice, self.trouble = words, ""

    def use_result(self, result: Any) -> None:
        """Take a finding, and the model that it was made with."""
        with self.lock:
            if result is not None and (self.model is None or self.model.hash != result.model.hash):
                self.use_model(result.model, source_of(result.model))
            self.result = result

    def take(self, name: str, value: Any) -> None:
        """Take another of the things in `SHARED`; a model by its name or path too, a recording by its path.

        Raises
        ------
        IonWidgetsError : what `name` cannot be, or a file that cannot be read.
        """
        if name == "model" and isinstance(value, str | Path):
            self.open_model(value)
        elif name == "model":
            self._take_model(value)
        elif name in ("recording", "control"):
            self._take_recording(name, value)
        elif name == "result":
            self.use_result(value)
        else:
            with self.lock:
                setattr(self, name, value)

    def _take_model(self, model: Any) -> None:
        from ionwidgets.models import IonicModel

        if isinstance(model, IonicModel):
            self.use_model(model, source_of(model))
        elif model is not None:  # of a panel that has none yet
            raise IonWidgetsError(
                f"model: a library name, a path or a model was expected, not {type(model).__name__}"
            )

    def _take_recording(self, name: str, recording: Any) -> None:
        from ionwidgets.recordings import read_recording

        use = self.use_recording if name == "recording" else self.use_control
        if isinstance(recording, str | Path):
            use(read_recording(recording), str(recording))
        elif hasattr(recording, "attrs"):
            use(recording, str(recording.attrs.get("source", f"{name}.csv")))
        elif recording is not None:
            raise IonWidgetsError(f"{name}: a path or a Dataset was expected, not {type(recording).__name__}")
        elif name == "control":
            self.use_control(None)

    def open_model(self, source: str | Path) -> None:
        """Take a model by its library name or its path on disk.

        Where the file can be read in more than one way, `question` says what to ask, as after an upload; the
        model that was open, or `FIRST_MODEL`, stays until then.

        Raises
        ------
        IonWidgetsError : there is no such model, or it cannot be read.
        """
        from ionwidgets.models import load_model

        try:
            model, path = load_model(source), Path(source)
            content = path.read_bytes() if path.suffix in MODEL_FILES else None
            self.use_model(model, str(source), content=content)
        except ModelQuestion as error:
            path = Path(source)
            if not error.candidates or path.suffix not in MODEL_FILES:
                raise
            if self.model is None:
                self.open_model(FIRST_MODEL)
            self._ask(str(path), path.read_bytes(), {}, error)

    def open_model_file(self, name: str, content: bytes) -> str:
        """Read an uploaded .mmt or .cellml file, running nothing in it; what is wrong, in one line, or "".

        Where it can be read in more than one way, `question` says what to ask; `answer` goes on.
        """
        with self.lock:
            self.question = None
        return self._read_model(own_name(name), content, {})

    def answer(self, choice: str) -> str:
        """Go on with the file that `question` asks about; what is wrong, in one line, or ""."""
        asked: OpenQuestion | None = self.question
        if asked is None:
            return ""
        return self._read_model(asked.name, asked.content, {**asked.answers, asked.argument: choice})

    def leave_question(self) -> None:
        """Leave the file that `question` asks about closed."""
        with self.lock:
            self.question = None
            self.notice, self.trouble = f"{brief(self.model.title)} is open." if self.model else "", ""

    def _read_model(self, name: str, content: bytes, answers: Mapping[str, str]) -> str:
        from ionwidgets.models import load_model

        suffix = Path(name).suffix
        if suffix.lower() not in MODEL_FILES:
            return f"{name}: a model file is {' or '.join(MODEL_FILES)}."
        name = name.removesuffix(suffix) + suffix.lower()
        try:
            model = _from_file(lambda path: load_model(path, **answers), name, content)
        except ModelQuestion as error:
            if not error.candidates:
                return f"{name}: {error}"
            self._ask(name, content, answers, error)
        except IonWidgetsError as error:
            return str(error)
        else:
            self.use_model(model, name, answers, content)
        return ""

    def _ask(self, name: str, content: bytes, answers: Mapping[str, str], asked: ModelQuestion) -> None:
        with self.lock:
            self.question = OpenQuestion(
                name, content, answers, asked.question, asked.argument, asked.candidates
            )
            self.notice, self.trouble = f"{own_name(name)}: {asked.question}", ""

    def load_example(self) -> None:
        """The bundled recording; and the finding made on it, if the open model is that finding's."""
        from ionwidgets.discovery import example_recording, example_result

        with self.lock:
            self.control, self.control_source = None, ""
            self.use_recording(example_recording(), "")
            result = example_result()
            if self.model is None:
                self.model = result.model
            if self.model.hash == result.model.hash:  # an equal model that is open stays: it may be in use
                self.result = result
                self.notice = (
                    "This finding was made on the bundled example and stored; Run it live makes it anew."
                )


def source_of(model: IonicModel) -> str:
    """The library's name of a model; the name of a file where the library has none with these equations."""
    from ionwidgets.models import list_models, load_model

    listed = any(model.key in card.keys for card in list_models())
    return model.key if listed and load_model(model.key).hash == model.hash else f"{model.name}.mmt"


def own_name(name: str) -> str:
    """A file's own name: a browser gives no folders, and what says it is a browser may not be one."""
    return Path(name.replace("\\", "/")).name


def _from_file(read: Any, name: str, content: bytes) -> Any:
    """`read` a file of this name and content, in a private folder that is gone afterwards."""
    with TemporaryDirectory(prefix="ionwidgets-") as folder:
        path = Path(folder) / (own_name(name) or "file")
        path.write_bytes(content)
        return read(path)
