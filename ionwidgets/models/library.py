"""The library of cells: which there are, and how a name, a variant or a file becomes an `IonicModel`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import myokit

from ionwidgets.errors import ModelError, unknown_name
from ionwidgets.models.ionic_model import IonicModel

_FOLDER = Path(__file__).parent / "library"
_LARGEST_FILE = 2**22  # bytes; the largest published models are a tenth of it


@dataclass(frozen=True)
class ModelCard:
    """What the library says of a model; `variants` maps each name to its description, the default first."""

    name: str
    title: str
    variants: dict[str, str]
    species: str
    tissue: str
    publication: str
    doi: str


@lru_cache(maxsize=1)
def _library() -> dict[str, Path]:
    return {path.stem: path for path in sorted(_FOLDER.glob("*.mmt"))}


def list_models() -> list[ModelCard]:
    """The library's models, a card each."""
    return [_card(name, _parse(path)) for name, path in _library().items()]


def _card(name: str, parsed: myokit.Model) -> ModelCard:
    meta = parsed.meta
    variants = {v: meta[f"variant_{v}"].strip().splitlines()[0] for v in meta.get("variants", "").split()}
    known = {key: meta.get(key, "") for key in ("title", "species", "tissue", "publication", "doi")}
    return ModelCard(name=name, variants=variants, **known)


def load_model(model: str | Path, variant: str | None = None) -> IonicModel:
    """An ionic model by its library name (``"tnnp2004"``, ``"tnnp2004:epi"``) or from an `.mmt` file.

    Parameters
    ----------
    model : library name, with or without ``:variant``, or path of a file.
    variant : the variant; the model's first one when left out.

    Raises
    ------
    ModelError : unknown name or variant (the near ones are listed), or a file that cannot be read.
    """
    text = str(model)
    name, _, after_colon = text.partition(":")
    if name in _library():
        if after_colon and variant and after_colon != variant:
            raise ModelError(f"{text}: the variant is given twice, as {after_colon!r} and as {variant!r}")
        return _from_library(name, variant or after_colon or None)
    if Path(text).suffix == ".mmt" or os.path.exists(text):  # a name too long for a path is no path
        if variant is not None:
            raise ModelError(f"{text}: a file has no variants; leave variant= out")
        return _from_file(Path(text))
    raise ModelError(unknown_name("model", name, list(_library())) + "; or give the path of an .mmt file")


def _from_library(name: str, variant: str | None) -> IonicModel:
    equations = _parse(_library()[name])
    variants = _card(name, equations).variants
    variant = variant or next(iter(variants), None)
    if variant is not None:
        if variant not in variants:
            raise ModelError(unknown_name(f"variant of {name}", variant, list(variants)))
        for line in equations.meta[f"variant_{variant}"].strip().splitlines()[1:]:
            target, _, equation = line.partition("=")
            equations.get(target.strip()).set_rhs(equation.strip())
        equations.validate()
    return IonicModel(equations, name, variant)


def _from_file(path: Path) -> IonicModel:
    model = IonicModel(_parse(path), path.stem)
    # Asked for now, so that a file which lacks them is refused here and not in the middle of something.
    _ = model.currents, model.stimulus
    _check_units(path, model)
    if not model.currents:
        raise ModelError(f"{path.name}: no membrane currents found; dV/dt must be a sum of current variables")
    return model


def _check_units(path: Path, model: IonicModel) -> None:
    """Where a file gives units of potential and time, they must be ours: numbers are taken as they are."""
    for variable, unit in ((model.variables[model.voltage], "mV"), (model.equations.time(), "ms")):
        if variable is not None and variable.unit() not in (None, myokit.parse_unit(unit)):
            raise ModelError(
                f"{path.name}: {variable.qname()} is in {variable.unit()}; write the model in mV, ms and A/F"
            )


def _parse(path: Path) -> myokit.Model:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ModelError(
                f"{path.name}: {path.stat().st_size} bytes is no model file (at most {_LARGEST_FILE})"
            )
        # Not myokit.load_model: it fails without a word on a first line that it cannot read.
        lines = path.read_text(encoding="utf-8").splitlines()
        model = myokit.parse(lines)[0]
        if model is None:
            raise ModelError(f"{path.name}: no [[model]] in it")
        model.validate()
    except FileNotFoundError:
        raise ModelError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path.name}: cannot be read as text ({error})") from None
    except myokit.ParseError as error:
        raise ModelError(f"{path.name}:{error.line}: {error.value}") from None
    except (myokit.MyokitError, RecursionError) as error:
        raise ModelError(f"{path.name}: {' '.join(str(error).split())}") from None
    return model
