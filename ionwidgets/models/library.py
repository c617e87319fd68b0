"""The library of cells: which there are, and how a name, a variant or a file becomes an `IonicModel`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import myokit

from ionwidgets.errors import ModelError, ModelQuestion, unknown_name
from ionwidgets.models.evaluate import check_supported
from ionwidgets.models.ionic_model import IonicModel
from ionwidgets.models.read import SUFFIXES, read_equations
from ionwidgets.models.standard_form import to_standard_form

_FOLDER = Path(__file__).parent / "library"


@dataclass(frozen=True)
class ModelCard:
    """What the library says of a model; `variants` maps each name to its description, the default first.

    `states`, `gates` and `currents` are those of the default variant, whose equations are read when asked.
    """

    name: str
    title: str
    variants: dict[str, str]
    species: str
    tissue: str
    publication: str
    doi: str

    @property
    def keys(self) -> tuple[str, ...]:
        """What `load_model` takes for each variant, the default first: ``tnnp2004:M``, ``tnnp2004:epi``."""
        return tuple(f"{self.name}:{variant}" for variant in self.variants) or (self.name,)

    @property
    def states(self) -> tuple[str, ...]:
        return self._model.states

    @property
    def gates(self) -> tuple[str, ...]:
        return self._model.gate_names

    @property
    def currents(self) -> tuple[str, ...]:
        return tuple(current.name for current in self._model.currents)

    @cached_property
    def _model(self) -> IonicModel:
        return load_model(self.name)


@cache
def _library() -> dict[str, Path]:
    return {path.stem: path for path in sorted(_FOLDER.glob("*.mmt"))}


def list_models() -> list[ModelCard]:
    """The library's models, a card each."""
    return [_card(name) for name in _library()]


@cache
def _card(name: str) -> ModelCard:
    equations, _ = read_equations(_library()[name])
    known = {key: equations.meta.get(key, "") for key in ("title", "species", "tissue", "publication", "doi")}
    return ModelCard(name=name, variants=_variants(equations), **known)


def _variants(equations: myokit.Model) -> dict[str, str]:
    meta = equations.meta
    return {v: meta[f"variant_{v}"].strip().splitlines()[0] for v in meta.get("variants", "").split()}


def load_model(
    model: str | Path,
    variant: str | None = None,
    *,
    voltage: str | None = None,
    calcium: str | None = None,
    stimulus: str | None = None,
) -> IonicModel:
    """An ionic model by its library name (``"tnnp2004"``, ``"tnnp2004:epi"``) or from a file.

    A file may be Myokit's `.mmt` or CellML 1.0, 1.1 or 2.0; nothing in it is run or fetched. Whatever its
    units and the form of its membrane equation, the model is one in mV, ms, mM and A/F with
    dV/dt = -(sum of currents + stimulus). A train of stimuli becomes one that `simulate` switches, with the
    file's amplitude [A/F] and duration [ms], 1 ms where it gives none; a cell that beats by itself and is
    given no stimulus has one of amplitude 0. Of several terms of dV/dt that are switched by the pace or the
    time alone one is the stimulus; the others are 0 from then on, in every equation.

    Parameters
    ----------
    model : library name, with or without ``:variant``, or path of a file.
    variant : the variant; the model's first one when left out.
    voltage, calcium, stimulus : which state is the membrane potential, which the cytosolic calcium
        concentration, which variable the stimulus current, as ``name`` or ``component.name``; for a file in
        which they are not found.

    Raises
    ------
    ModelQuestion : one of these three has to be given; it carries the argument and the candidates.
    ModelError : unknown name or variant (the near ones are listed), or a file that cannot be read.
    """
    text = str(model)
    answers = {"voltage": voltage, "calcium": calcium, "stimulus": stimulus}
    name, _, after_colon = text.partition(":")
    if name in _library():
        if after_colon and variant and after_colon != variant:
            raise ModelError(f"{text}: the variant is given twice, as {after_colon!r} and as {variant!r}")
        if any(answers.values()):
            raise ModelError(f"{text}: voltage=, calcium= and stimulus= are for files; leave them out")
        return _from_library(name, variant or after_colon or None)
    if Path(text).suffix in SUFFIXES or os.path.exists(text):  # a name too long for a path is no path
        if variant is not None:
            raise ModelError(f"{text}: a file has no variants; leave variant= out")
        return _from_file(Path(text), answers)
    raise ModelError(
        unknown_name("model", name, list(_library())) + "; or give the path of an .mmt or .cellml file"
    )


def _from_library(name: str, variant: str | None) -> IonicModel:
    equations, _ = read_equations(_library()[name])
    variants = _variants(equations)
    variant = variant or next(iter(variants), None)
    if variant is not None:
        if variant not in variants:
            raise ModelError(unknown_name(f"variant of {name}", str(variant), list(variants)))
        for line in equations.meta[f"variant_{variant}"].strip().splitlines()[1:]:
            target, _, equation = line.partition("=")
            equations.get(target.strip()).set_rhs(equation.strip())
    to_standard_form(equations)
    return IonicModel(equations, name, variant)


def _from_file(path: Path, answers: Mapping[str, str | None]) -> IonicModel:
    equations, protocol = read_equations(path)
    try:
        to_standard_form(equations, protocol, **answers)
        # Now, so that a file which cannot be used is refused here and not in the middle of something.
        check_supported(equations)
        model = IonicModel(equations, path.stem)
    except ModelQuestion:
        raise
    except (ModelError, myokit.MyokitError, RecursionError) as error:
        raise ModelError(f"{path.name}: {' '.join(str(error).split())}") from None
    if not model.currents:
        raise ModelError(f"{path.name}: no membrane currents found; dV/dt must be a sum of currents")
    return model
