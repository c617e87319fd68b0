"""A recording of a session file: its own file and how it is read, or its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import xarray as xr

from ionwidgets.errors import IonWidgetsError
from ionwidgets.widgets.recording.state import choices_of
from ionwidgets.widgets.saved.archive import Archive
from ionwidgets.widgets.saved.dataset import fingerprint, load_dataset, save_dataset
from ionwidgets.widgets.saved.names import safe_name
from ionwidgets.widgets.session import own_name

LARGEST: Final = 2**30  # bytes
CHOICES: Final = ("columns", "units", "cycle_length", "capacitance", "mend", "series", "sampling_ms")
VALUES: Final = "values.safetensors"


@dataclass(frozen=True)
class Brought:
    """A recording, where it comes from ("" for the bundled example), and its file, if it came as one, with
    how it is read.
    """

    dataset: xr.Dataset
    source: str
    path: Path | None
    choices: dict[str, Any]


def brought_of(
    part: str,
    dataset: xr.Dataset | None,
    source: str,
    file: Path | None,
    folder: Path,
    members: dict[str, Path],
) -> dict[str, Any] | None:
    """What the manifest says of a recording; its file as it was brought becomes a member, or its numbers."""
    from ionwidgets.discovery import example_recording

    if dataset is None:
        return None
    about = {"source": source, "values": fingerprint(dataset), "file": None, "choices": choices_of(dataset)}
    if not source and fingerprint(example_recording()) == about["values"]:
        return about | {"kind": "example"}
    path = file or _same_on_disk(dataset, source)
    name = safe_name(own_name(source))
    if path is None:
        path, name = folder / f"{part}.safetensors", VALUES
        save_dataset(dataset, path)
    members[f"{part}/{name}"] = path
    kind = "dataset" if name == VALUES else "file"
    return about | {"kind": kind, "file": name}


def _same_on_disk(dataset: xr.Dataset, source: str) -> Path | None:
    """The file that a recording was read from, if it says the same still."""
    from ionwidgets.recordings import read_recording

    path = Path(source)
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return None
        again = read_recording(path, **choices_of(dataset))
    except (OSError, ValueError, TypeError, IonWidgetsError):
        return None
    return path if fingerprint(again) == fingerprint(dataset) else None


def read_recording_of(part: str, archive: Archive, about: Any, folder: Path) -> tuple[Brought | None, bool]:
    """The recording, and whether its values are those that were saved."""
    from ionwidgets.discovery import example_recording
    from ionwidgets.recordings import read_recording

    if about is None:
        return None, True
    kind, source, name = about["kind"], str(about["source"]), str(about["file"])
    choices = dict(about["choices"])
    if not set(choices) <= set(CHOICES):
        archive.fail("choices that no recording has")
    path: Path | None = None
    if kind == "example":
        dataset, source, choices = example_recording(), "", {}
    elif kind in ("file", "dataset"):
        if name != safe_name(name):
            archive.fail(f"{name[:60]!r} is no name of a recording")
        place = folder / part
        place.mkdir()
        path = place / name
        archive.unpack(f"{part}/{name}", path, LARGEST)
        dataset = load_dataset(path) if kind == "dataset" else read_recording(path, **choices)
        source = safe_name(own_name(source)) if kind == "dataset" else name
    else:
        archive.fail(f"a recording of kind {str(kind)[:60]!r}")
    same = fingerprint(dataset) == about["values"]
    return Brought(dataset, source, path if kind == "file" else None, choices), same
