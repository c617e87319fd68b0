"""The model of a session file: a name of the library's, or the text of a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ionwidgets.models.read import LARGEST_FILE
from ionwidgets.widgets.saved.archive import Archive
from ionwidgets.widgets.saved.names import safe_name
from ionwidgets.widgets.session import MODEL_FILES, own_name

if TYPE_CHECKING:
    from ionwidgets.models import IonicModel

ANSWERS: Final = ("voltage", "calcium", "stimulus")


def model_of(
    model: IonicModel,
    source: str,
    answers: Mapping[str, str],
    content: bytes | None,
    folder: Path,
    members: dict[str, Path],
) -> dict[str, Any]:
    """What the manifest says of the model; the text of a file becomes a member."""
    about = {"source": source, "answers": dict(answers), "hash": model.hash, "file": None}
    if Path(source).suffix in MODEL_FILES:
        name = safe_name(own_name(source))
        path = folder / f"model-{name}"
        if content is not None:
            path.write_bytes(content)
        else:  # a model that was handed over from Python: its file says all of it
            model.save(path)
            about["answers"] = {}
        about |= {"source": name, "file": name}
        members[f"model/{name}"] = path
    return about


def read_model(
    archive: Archive, about: Any, folder: Path
) -> tuple[IonicModel, str, dict[str, str], bytes | None, bool]:
    """The model, where it comes from, and whether its equations are those that were saved."""
    from ionwidgets.models import list_models, load_model

    source, answers, content = str(about["source"]), dict(about["answers"]), None
    if not all(key in ANSWERS and isinstance(value, str) for key, value in answers.items()):
        archive.fail("answers to what nobody asks")
    if about["file"] is not None:
        if source != safe_name(source) or Path(source).suffix not in MODEL_FILES:
            archive.fail(f"{source[:60]!r} is no name of a model file")
        content = archive.bytes_of(f"model/{source}", LARGEST_FILE)
        place = folder / "model"
        place.mkdir()
        (place / source).write_bytes(content)
        model = load_model(place / source, **answers)
    elif any(source in (card.name, *card.keys) for card in list_models()):
        model = load_model(source)
    else:
        archive.fail(f"{source[:60]!r} is no model of the library")
    return model, source, answers, content, model.hash == about["hash"]
