"""A model in EasyML, the language of openCARP and CARPentry, whose files end in `.model`.

The tissue solver integrates V and applies the stimulus itself, so the file has neither: its `Iion` is the sum
of the ionic currents [uA/cm^2, which is A/F at 1 uF/cm^2]. Every gate has a `tau` [ms] and an `inf` of its
own, by which openCARP recognises it and steps it by Rush-Larsen.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from warnings import catch_warnings, simplefilter

import myokit
from myokit.formats.easyml import EasyMLExporter

from ionwidgets.errors import ModelError
from ionwidgets.models.membrane import terms_of
from ionwidgets.models.rewriting import relax
from ionwidgets.models.structure import Dependencies, gate_form


def save_easyml(equations: myokit.Model, path: Path) -> None:
    """Write `equations`, in standard form, as EasyML.

    Raises
    ------
    ModelError : the equations hold what EasyML cannot say.
    OSError : `path` cannot be written.
    """
    model = equations.clone()
    V, stimulus = model.label("membrane_potential"), model.label("stimulus_current")
    currents = [term.variable for term in terms_of(V) if term.variable not in (None, stimulus)]
    if constant := [current.qname() for current in currents if current.is_constant()]:
        raise ModelError(
            f"{path.name}: EasyML's Iion would lose the constant current {constant[0]}; use .mmt"
        )
    total: myokit.Expression = myokit.Name(currents[0])
    for current in currents[1:]:
        total = myokit.Plus(total, myokit.Name(current))
    V.set_rhs(total)
    stimulus.set_rhs(myokit.Number(0, stimulus.unit()))
    if whole := model.label("cellular_current"):  # the exporter would take it for all of dV/dt
        whole.set_label(None)
    _give_gates_variables(model, V)
    model.meta = {key: _in_a_comment(value) for key, value in model.meta.items()}
    with TemporaryDirectory(prefix="ionwidgets-") as folder, catch_warnings(record=True) as told:
        simplefilter("always")
        written = Path(folder) / "cell.model"
        EasyMLExporter().model(str(written), model)
        if told:
            raise ModelError(f"{path.name}: EasyML cannot say all of it ({told[0].message}); use .mmt")
        path.write_bytes(written.read_bytes())


def _give_gates_variables(model: myokit.Model, voltage: myokit.Variable) -> None:
    """dx/dt = (x_inf - x) / tau_x, each in a variable, for every gate that depends on V alone."""
    dependencies = Dependencies()
    forms = [(x, gate_form(x, voltage, dependencies)) for x in model.states() if x is not voltage]
    for state, form in forms:
        if form is not None and not all(isinstance(part, myokit.Name) for part in form):
            relax(state, *form)


def _in_a_comment(text: str) -> str:
    return text.replace("*/", "* /").replace("/*", "/ *")
