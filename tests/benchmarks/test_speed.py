"""`make bench`: what the simulator costs, beside Myokit's CVODES in the same process run.

Machines are shared and noisy: every claim is a ratio of medians of runs that took turns.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import myokit
import numpy as np
import pytest

from ionwidgets.models import IonicModel, list_models, load_model
from ionwidgets.simulation import simulate
from ionwidgets.simulation.kernel import kernel_for
from ionwidgets.simulation.sweep import Cell, run_cell

pytestmark = [pytest.mark.slow, pytest.mark.bench, pytest.mark.timeout(3600)]

SWEEP = np.arange(300.0, 800.1, 5.0)  # ms; the 101 cells of the paper
DURATION = 20_000.0  # ms
KEYS = [card.name for card in list_models()]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class Cvodes:
    """Myokit's solver at relative and absolute tolerance 1e-6, compiled once, one cell after another."""

    def __init__(self, model: IonicModel, tolerance: float = 1e-6) -> None:
        self.model = model
        self.simulation = myokit.Simulation(model.equations.clone())
        self.simulation.set_tolerance(tolerance, tolerance)
        self.names = [model.variables[name].qname() for name in model.observables]

    def run(self, cycle_lengths: np.ndarray, duration: float = DURATION) -> None:
        for cycle_length in cycle_lengths:
            self.simulation.reset()
            protocol = myokit.pacing.blocktrain(cycle_length, self.model.stimulus.duration, 10.0)
            self.simulation.set_protocol(protocol)
            self.simulation.run(duration, log=self.names, log_interval=1.0)


def test_the_sweep_of_101_cells_beside_cvodes() -> None:
    """Budget: 15 times as fast; accuracy is held by simulation/test_oracle.py at these very steps."""
    model = load_model("tnnp2004:M")
    cvodes = Cvodes(model)
    simulate(model, SWEEP[:2], 100.0, variables=model.observables)
    ratios, ours, theirs = [], [], []
    for part in range(3):  # a third of the cells each, in turns
        cells = SWEEP[part::3]
        ours.append(seconds(lambda: simulate(model, cells, DURATION, variables=model.observables)))
        theirs.append(seconds(lambda: cvodes.run(cells)))
        ratios.append(theirs[-1] / ours[-1])
    print(
        f"\n101 cells x 20 s: {sum(ours):.2f} s on {os.cpu_count()} cores, CVODES {sum(theirs):.1f} s; "
        f"{np.median(ratios):.1f} times as fast (thirds: {', '.join(f'{r:.1f}' for r in ratios)})"
    )
    assert np.median(ratios) > 15


def test_one_thread_of_every_model_beside_cvodes() -> None:
    """20 beats at 1000 ms: milliseconds a second of cell life, one thread each."""
    print("\nmodel            ms per s    CVODES   ratio   states  fast")
    for key in KEYS:
        model = load_model(key)
        kernel, cvodes, pulse = kernel_for(model), Cvodes(model), model.stimulus.duration
        cell = Cell(1000.0, DURATION, kernel.initial(), kernel.scales({}), kernel.gates)
        run_cell(kernel, cell, model.observables, pulse)
        ours = np.median(
            [seconds(lambda: run_cell(kernel, cell, model.observables, pulse)) for _ in range(3)]
        )
        theirs = np.median([seconds(lambda: cvodes.run(np.array([1000.0]))) for _ in range(3)])
        print(
            f"{key:16s} {1e3 * ours / 20:8.2f} {1e3 * theirs / 20:9.2f} {theirs / ours:7.1f} "
            f"{len(model.states):8d} {len(kernel.layout.fast):5d}"
        )
        assert theirs > ours


def test_cost_grows_with_cells_and_time() -> None:
    model = load_model("tnnp2004:M")
    simulate(model, 1000.0, 100.0, variables=())
    print("\ncells  seconds of life   wall [s]   ms per cell and s")
    costs = []
    for cells, duration in ((1, 1e3), (1, 1e4), (1, 1e5), (10, 1e4), (100, 1e4), (1000, 1e4), (10_000, 1e3)):
        lengths = np.linspace(400.0, 1000.0, cells)
        took = seconds(lambda: simulate(model, lengths, duration, variables=()))
        costs.append(1e6 * took / cells / duration)
        print(f"{cells:5d} {duration / 1e3:12.0f} {took:14.3f} {costs[-1]:15.3f}")
    assert max(costs[1:]) < 5 * min(costs[1:]), "neither cells nor time cost more the more there are"


@pytest.mark.parametrize("key", ["tnnp2004", "grandi2010", "hh1952"])
def test_a_slider_is_answered(key: str) -> None:
    """Five beats after a conductance has changed. Budget, TNNP: 50 ms at the 95th percentile."""
    model = load_model(key)
    name = next(iter(model.conductances))
    simulate(model, 1000.0, 5000.0)
    took = [seconds(lambda: simulate(model, 1000.0, 5000.0, scale={name: 0.5 + n / 100})) for n in range(60)]
    p50, p95 = 1e3 * np.quantile(took, [0.5, 0.95])
    print(
        f"\n{key}: 5 beats, all {len(model.states)} states: median {p50:.0f} ms, 95th percentile {p95:.0f} ms"
    )
    if key == "tnnp2004":
        assert p95 < 50


# Where Dask is installed ([cluster] and the tests), xarray imports it with the first Dataset: 0.4 s more.
FIRST = """
import sys, time
sys.modules["dask"] = None
start = time.perf_counter()
import xarray
from ionwidgets.models import load_model
from ionwidgets.simulation import simulate
imported = time.perf_counter()
model = load_model(sys.argv[1])
simulate(model, 1000.0, 10.0, variables=())
print(imported - start, time.perf_counter() - imported)
"""


@pytest.mark.parametrize("key", KEYS)
def test_first_call_cold_and_from_the_cache(key: str, tmp_path: Path) -> None:
    """Budgets in a fresh process: 8 s with nothing kept, 2 s for a further model, 0.3 s from the cache."""
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}

    def first() -> tuple[float, float]:
        out = subprocess.run(
            [sys.executable, "-c", FIRST, key], env=environment, check=True, capture_output=True, text=True
        ).stdout.split()
        return float(out[0]), float(out[1])

    def further() -> float:
        kept = (tmp_path / "ionwidgets" / "kernels").iterdir()
        max(kept, key=lambda path: path.stat().st_mtime_ns).unlink()  # the model's code; the stepper stays
        return first()[1]

    imports, cold = first()
    one_more = [further() for _ in range(3)]
    cached = [first()[1] for _ in range(7)]
    print(
        f"\n{key}: imports {imports:.2f} s, first call {cold:.2f} s cold, {np.median(one_more):.2f} s where "
        f"another model was compiled before, {np.median(cached):.3f} s cached"
    )
    assert cold < 8
    assert np.median(one_more) < 2
    assert np.median(cached) < 0.3
