"""The files that one takes home, each made when it is asked for."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from ionwidgets.errors import IonWidgetsError
from ionwidgets.widgets.learn.shipped import has_shipped_network
from ionwidgets.widgets.session import Session


class Artefact(NamedTuple):
    """A file: its button, its name, its type, what it is good for; `make` its content; `why_not` why there is
    none, in one line, or ""."""

    label: str
    filename: str
    media_type: str
    note: str
    make: Callable[[Session], bytes]
    why_not: Callable[[Session], str]


def _content(write: Callable[[Path], Any], name: str) -> bytes:
    """What `write` writes to a path of that name."""
    with TemporaryDirectory(prefix="ionwidgets-") as folder:
        path = Path(folder) / name
        write(path)
        return path.read_bytes()


def _result(session: Session) -> Any:
    result = session.result
    if result is None:
        raise IonWidgetsError("There is no finding any more: make it anew in step 4.")
    return result


def _exported(name: str) -> Callable[[Session], bytes]:
    return lambda session: _content(_result(session).export, name)


def _report(session: Session) -> bytes:
    return _content(_result(session).report, "report.html")


def _csv(session: Session) -> bytes:
    """The files of `Result.to_csv` in one archive; the same result gives the same bytes."""
    packed = io.BytesIO()
    with TemporaryDirectory(prefix="ionwidgets-") as folder, zipfile.ZipFile(packed, "w") as archive:
        _result(session).to_csv(Path(folder) / "finding")
        for path in sorted((Path(folder) / "finding").iterdir()):
            entry = zipfile.ZipInfo(f"finding/{path.name}")
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _network(session: Session) -> bytes:
    if session.network is not None:
        return _content(session.network.save, "network.safetensors")
    model = session.model
    if model is None or not has_shipped_network(model):
        raise IonWidgetsError("No network has learnt this model yet: train one in step 3.")
    name = f"{model.key.replace(':', '-')}.safetensors"
    return files("ionwidgets").joinpath("gnn", "networks", name).read_bytes()


def _no_finding(session: Session) -> str:
    return "" if session.result is not None else "there is no finding yet"


def _no_altered_model(session: Session) -> str:
    result = session.result
    if result is None:
        return _no_finding(session)
    if result.verdict == "unexplained":
        return "the model does not explain this recording, so there is no altered model to write"
    return ""


def _no_network(session: Session) -> str:
    known = session.network is not None or (session.model is not None and has_shipped_network(session.model))
    return "" if known else "no network has learnt this model yet"


ARTEFACTS = (
    Artefact(
        "Download JSON", "finding.json", "application/json", "The finding, schema ionwidgets/finding/1",
        lambda session: _result(session).to_json().encode(), _no_finding,
    ),
    Artefact(
        "Download CSV", "finding-csv.zip", "application/zip",
        "Findings, gate curves, currents, beats and predictions as tables", _csv, _no_finding,
    ),
    Artefact(
        "Download .mmt", "edited.mmt", "text/plain", "The altered model for Myokit, and for step 1",
        _exported("edited.mmt"), _no_altered_model,
    ),
    Artefact(
        "Download CellML", "edited.cellml", "application/xml", "The altered model for OpenCOR and Chaste",
        _exported("edited.cellml"), _no_altered_model,
    ),
    Artefact(
        "Download EasyML", "edited.model", "text/plain", "The altered model for openCARP",
        _exported("edited.model"), _no_altered_model,
    ),
    Artefact(
        "Make report", "report.html", "text/html", "One page, figures and all; takes seconds",
        _report, _no_finding,
    ),
    Artefact(
        "Download network", "network.safetensors", "application/octet-stream",
        "The network that has learnt the model, for iw.discover(network=)", _network, _no_network,
    ),
)  # fmt: skip
