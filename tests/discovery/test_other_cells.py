"""Other cells than TNNP: one changed conductance, recorded from CVODES at an unknown phase, is found."""

from __future__ import annotations

import myokit
import numpy as np
import pytest
import xarray as xr

from ionwidgets.discovery import discover
from ionwidgets.models import IonicModel, load_model

CYCLE_LENGTHS = (500.0, 700.0, 1000.0)  # ms
PACED_FOR, RECORDED = 15_000.0, 5_000.0  # ms
CASES = [
    ("lr1991", "g_K", 0.6), ("br1977", "g_s", 1.4),
    *(pytest.param(*case, marks=pytest.mark.slow) for case in (
        ("tp2006:epi", "g_Kr", 0.5), ("fox2002", "g_Kr", 0.5), ("crn1998", "g_Kur", 0.5),
        ("grandi2010:epi", "g_Kr", 0.5), ("ord2011:endo", "g_Kr", 0.5), ("torord2019:endo", "g_Kr", 0.5),
    )),
]  # fmt: skip


def recorded_by_cvodes(model: IonicModel, parameter: str, factor: float) -> xr.Dataset:
    """V and Ca_i each millisecond, beginning anywhere within a period."""
    simulation = myokit.Simulation(model.equations.clone())
    simulation.set_tolerance(abs_tol=1e-10, rel_tol=1e-8)
    (variable,) = (c for c in model.equations.variables(const=True) if c.name() == parameter)
    simulation.set_constant(variable.qname(), factor * model.conductances[parameter])
    names = {name: model.variables[name].qname() for name in model.observables}
    time = np.arange(RECORDED)
    phases = np.random.default_rng(0).uniform(0, 1, len(CYCLE_LENGTHS))
    traces: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for length, phase in zip(CYCLE_LENGTHS, phases, strict=True):
        simulation.reset()
        simulation.set_protocol(myokit.pacing.blocktrain(length, model.stimulus.duration, 10.0))
        at = PACED_FOR + phase * length + time
        log = simulation.run(at[-1] + 1, log=list(names.values()), log_times=at).npview()
        for name, qname in names.items():
            traces[name].append(log[qname])
    return xr.Dataset(
        {name: (("cell", "time"), np.stack(x), {"units": model.units[name]}) for name, x in traces.items()},
        {
            "cycle_length": ("cell", list(CYCLE_LENGTHS), {"units": "ms"}),
            "time": ("time", time, {"units": "ms"}),
        },
        {"source": "CVODES"},
    )


@pytest.mark.parametrize(("key", "parameter", "factor"), CASES)
def test_a_changed_conductance_is_found(key: str, parameter: str, factor: float) -> None:
    model = load_model(key)
    result = discover(model, recorded_by_cvodes(model, parameter, factor))
    assert result.verdict == "changed"
    first = result.findings.iloc[0]
    assert first["parameter"] == parameter and first["importance"] > 0.9
    assert first["scale"] == pytest.approx(factor, rel=0.05)
