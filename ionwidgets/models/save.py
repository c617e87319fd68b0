"""A model as a file that others read: Myokit's `.mmt`, CellML 2.0, or openCARP's EasyML."""

from __future__ import annotations

from pathlib import Path

import myokit
from myokit.formats.cellml import CellMLExporter

from ionwidgets.errors import ModelError
from ionwidgets.models.cellml_header import with_header
from ionwidgets.models.easyml import save_easyml
from ionwidgets.models.rewriting import free_name, lift_nested, new_constant

PERIOD = (
    1000.0  # ms between the pulses that a CellML file gives; any pace replaces it when the file is loaded
)
SAVED = {".mmt": "Myokit", ".cellml": "CellML 2.0", ".model": "EasyML, openCARP"}


def check_suffix(path: Path) -> None:
    """Refuse, by a `ModelError`, a suffix that no model is saved with."""
    if path.suffix not in SAVED:
        known = ", ".join(f"{suffix} ({what})" for suffix, what in SAVED.items())
        raise ModelError(f"{path.name}: a model is saved as {known}; not as {path.suffix!r}")


def save(equations: myokit.Model, path: Path) -> None:
    """Write `equations`, in standard form, to `path`.

    Raises
    ------
    ModelError : an unknown suffix, or a place that cannot be written.
    """
    check_suffix(path)
    try:
        if path.suffix == ".mmt":
            myokit.save_model(str(path), equations)
        elif path.suffix == ".model":
            save_easyml(equations, path)
        else:
            CellMLExporter().model(str(path), _self_contained(equations), version="2.0")
            path.write_bytes(with_header(path.read_bytes(), equations.meta))
    except OSError as error:
        raise ModelError(f"{path}: cannot be written ({error.strerror})") from None


def _self_contained(equations: myokit.Model) -> myokit.Model:
    """A copy that needs neither labels nor a pace from outside, neither of which CellML has.

    The observables carry the names by which they are found again; the switch is a train of pulses.
    """
    model = equations.clone()
    pace, time, duration = model.binding("pace"), model.time(), model.label("stimulus_duration")
    V, Ca_i = model.label("membrane_potential"), model.label("cytosolic_calcium_concentration")
    for variable, name in ((V, "V"), (Ca_i, "Ca_i")):
        if variable is not None and variable.name() != name:
            component = variable.parent()
            component.move_variable(variable, component, free_name(component, name, moved=variable))
    for variable, unit in ((V, "mV"), (Ca_i, "mM"), (time, "ms"), (duration, "ms")):
        if variable is not None and variable.unit() is None:  # CellML would call it dimensionless
            variable.set_unit(unit)
    lift_nested(*model.variables(deep=False))
    pace.set_binding(None)
    period = new_constant(duration, "stim_period", PERIOD, time.unit())
    t, T = myokit.Name(time), myokit.Name(period)
    since = myokit.Minus(t, myokit.Multiply(T, myokit.Floor(myokit.Divide(t, T))))
    on = myokit.Less(since, myokit.Name(duration))
    pace.set_rhs(myokit.Piecewise(on, myokit.Number(1), myokit.Number(0)))
    model.validate()
    return model
