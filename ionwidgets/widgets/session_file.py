"""A session as one file, `.ionw`, that opens in this version and in every later one.

It is a zip of ``session.json`` (schema ``ionwidgets/session/1``) and, where there are any, ``model/NAME``
(the text of a model file), ``recording/NAME`` and ``control/NAME`` (files as they were brought; a Dataset
from Python as safetensors), ``network.safetensors`` (of a network that the user trained) and
``result.safetensors`` (`Result.save`). Nothing in it is run or unpickled, no name in it is used as a path.
"""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING, Any, Final
from weakref import finalize

from ionwidgets._version import __version__
from ionwidgets.errors import IonWidgetsError
from ionwidgets.jobs.whole_file import whole_file
from ionwidgets.widgets.retrain.made import Made, made_as_json, read_made
from ionwidgets.widgets.saved.archive import Archive
from ionwidgets.widgets.saved.finding import network_of, read_network, read_result, result_of
from ionwidgets.widgets.saved.model import model_of, read_model
from ionwidgets.widgets.saved.recording import Brought, brought_of, read_recording_of

if TYPE_CHECKING:
    from ionwidgets.models import IonicModel
    from ionwidgets.widgets.workbench import Workbench

SCHEMA: Final = "ionwidgets/session/1"
SUFFIX: Final = ".ionw"
MANIFEST: Final = "session.json"
LARGEST_MANIFEST: Final = 2**22
FIRST_DAY: Final = (1980, 1, 1, 0, 0, 0)  # of the members: the same session gives the same file


class PrivateFolder:
    """A folder that goes with whoever holds it; `close` ends it before."""

    def __init__(self) -> None:
        self.path = Path(mkdtemp(prefix="ionwidgets-"))
        self.close = finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True)
class SavedSession:
    """What was in a session file, read and checked; `Workbench.use` shows it.

    `experiment` and `retrain` are the settings of steps 2 and 4, `made` is what the result was made with,
    where that was kept; `step` counts from 1, `notes` say what could not be taken over. `folder` holds the
    files that were in it for as long as this is there.
    """

    model: IonicModel
    model_source: str
    model_answers: dict[str, str]
    model_content: bytes | None
    recording: Brought | None
    control: Brought | None
    network: Any
    result: Any
    experiment: dict[str, Any]
    retrain: dict[str, Any]
    made: Made | None
    step: int
    notes: tuple[str, ...]
    folder: PrivateFolder = field(repr=False)


def save_session(workbench: Workbench, path: str | Path) -> None:
    """Write all that a workbench shows as one `.ionw` file, whole or not at all.

    >>> bench = iw.workbench()
    >>> iw.widgets.save_session(bench, "mine.ionw")
    >>> iw.workbench(session="mine.ionw")

    Raises
    ------
    IonWidgetsError : no model is open, or `path` cannot be written.
    """
    session = workbench.session
    with session.lock:  # what is shown together is saved together
        if session.model is None:
            raise IonWidgetsError("there is no model open, and so no session to save")
        model, content = session.model, session.model_content
        manifest: dict[str, Any] = {
            "schema": SCHEMA,
            "versions": {"ionwidgets": __version__},
            "step": workbench.steps.current + 1,
            "experiment": workbench.experiment.settings(),
            "retrain": workbench.retrain.settings(),
            "made": made_as_json(workbench.retrain.made),
        }
        source, answers = session.model_source, dict(session.model_answers)
        recordings = {
            "recording": (session.recording, session.recording_source, workbench.recordings.origin),
            "control": (session.control, session.control_source, workbench.control_recordings.origin),
        }
        network, result = session.network, session.result
    with TemporaryDirectory(prefix="ionwidgets-") as place:
        members: dict[str, Path] = {}
        folder = Path(place)
        manifest["model"] = model_of(model, source, answers, content, folder, members)
        for part, (dataset, origin, file) in recordings.items():
            manifest[part] = brought_of(part, dataset, origin, file, folder, members)
        manifest["network"] = network_of(network, model, folder, members)
        manifest["result"] = result_of(result, folder, members)
        _write(Path(path), manifest, members)


def open_session(path: str | Path) -> SavedSession:
    """Read a `.ionw` file, without showing it.

    >>> bench.use(iw.widgets.open_session("mine.ionw"))

    Raises
    ------
    IonWidgetsError : no such file, no session, a damaged one, or one of a newer version of ionwidgets.
    """
    path = Path(path)
    folder = PrivateFolder()
    try:
        with Archive(path, "session of ionwidgets") as archive:
            manifest = archive.json_of(MANIFEST, LARGEST_MANIFEST)
            check_schema(archive, manifest)
            with archive.reading():
                return _read(archive, manifest, folder)
    except BaseException:
        folder.close()
        raise


def check_schema(archive: Archive, manifest: Any) -> None:
    """Refuse what is no session, and what only a later version knows how to open."""
    schema = manifest.get("schema") if isinstance(manifest, dict) else None
    known = re.fullmatch(r"ionwidgets/session/(\d{1,6})", schema) if isinstance(schema, str) else None
    if known is None:
        archive.fail(f"it says that it is {str(schema)[:60]!r}")
    if int(known[1]) != 1:
        versions = manifest.get("versions")
        by = str(versions.get("ionwidgets", ""))[:20] if isinstance(versions, dict) else ""
        raise IonWidgetsError(
            f"{archive.name}: written by a newer ionwidgets{f' ({by})' if by else ''}; this is "
            f"{__version__}: update it (pip install --upgrade ionwidgets) to open the session"
        )


def _read(archive: Archive, manifest: dict[str, Any], folder: PrivateFolder) -> SavedSession:
    place, notes = folder.path, []
    model, source, answers, content, same = read_model(archive, manifest["model"], place)
    if not same:
        notes.append(
            f"{source} has other equations here than where the session was saved (ionwidgets "
            f"{manifest['versions']['ionwidgets']!s:.20}): its network and its finding were left out."
        )
    recordings = {}
    for part in ("recording", "control"):
        recordings[part], again = read_recording_of(part, archive, manifest.get(part), place)
        if not again:
            notes.append(f"The {part} is read otherwise by this version: the finding is as it was saved.")
    network = read_network(archive, manifest.get("network") if same else None, model, place)
    recording = recordings["recording"]
    found = manifest.get("result") if same and recording is not None else None
    result = read_result(archive, found, model, recording, place)
    step = manifest["step"]
    if type(step) is not int or not 1 <= step <= 5:
        archive.fail(f"step {step!r} of 5")
    settings = [manifest[name] for name in ("experiment", "retrain")]
    if not all(isinstance(setting, Mapping) for setting in settings):
        archive.fail("settings without names")
    return SavedSession(
        model, source, answers, content, recording, recordings["control"], network, result,
        settings[0], settings[1], read_made(manifest.get("made")), step, tuple(notes), folder,
    )  # fmt: skip


def _write(path: Path, manifest: dict[str, Any], members: Mapping[str, Path]) -> None:
    try:
        with whole_file(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, file in {MANIFEST: None, **members}.items():
                info = zipfile.ZipInfo(name, FIRST_DAY)
                info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                if file is None:
                    text = json.dumps(manifest, indent=1, allow_nan=False, ensure_ascii=False)
                    archive.writestr(info, text)
                    continue
                with file.open("rb") as content, archive.open(info, "w") as out:
                    while piece := content.read(2**20):
                        out.write(piece)
    except OSError as error:
        raise IonWidgetsError(f"{path}: the session cannot be written here ({error.strerror})") from None
