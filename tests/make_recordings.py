"""Make the committed recordings with Myokit's CVODES: ``python tests/make_recordings.py [NAME ...]``.

They stand in for experiments whose truth is known, so they come from a solver that is not ours (tolerances
1e-8 relative, 1e-10 absolute). Each cell is TNNP 2004 M with one change, paced from the model's initial state
for about 15 s and then sampled every millisecond. As in life the reader does not know the stimulus phase: the
recording begins within half a cycle of 15 s, at a seeded instant that is no multiple of the sampling
interval. Rounding 15 s to whole cycles therefore gives back the number of beats before the recording.

V has four decimals [mV] and Ca_i seven significant digits [mM]. Myokit's ``Simulation`` needs gcc and
SUNDIALS.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import myokit
import numpy as np

import ionwidgets

ROOT = Path(__file__).resolve().parents[1]
MODEL = Path(ionwidgets.__file__).parent / "models" / "library" / "tnnp2004.mmt"
HEADER = "cycle_length [ms],time [ms],V [mV],Ca_i [mM]"
PACED_FOR = 15_000.0  # ms
SAMPLE = 1.0  # ms
STIMULUS_ONSET = 10.0  # ms after each period starts
STIMULUS_DURATION = 1.0  # ms
F_INF_SHIFTED = "1 / (1 + exp((membrane.V + 26 [mV]) / 7 [mV]))"  # published: V + 20, so a shift of -6 mV


@dataclass(frozen=True)
class Made:
    """One recording: its file, the change in the cell, the pacing and the recorded duration [ms]."""

    path: Path
    seed: int
    scale: dict[str, float] = field(default_factory=dict)
    equations: dict[str, str] = field(default_factory=dict)
    cycle_lengths: tuple[int, ...] = (400, 600, 800)
    duration: float = 3_000.0


DATA = ROOT / "tests" / "data"
RECORDINGS = {
    "longqt": Made(
        DATA / "longqt.csv",
        seed=1,
        scale={"IKr.g_Kr": 0.25},
        cycle_lengths=(400, 500, 600, 650, 750, 800),
        duration=5_000.0,
    ),
    "shortqt": Made(DATA / "shortqt.csv", seed=2, scale={"ICaL.g_CaL": 0.25}),
    "ito": Made(DATA / "ito.csv", seed=3, scale={"Ito.g_to": 3.0}),
    "control": Made(DATA / "control.csv", seed=4),
    "f_shift": Made(DATA / "f_shift.csv", seed=5, equations={"ICaL.f_inf": F_INF_SHIFTED}),
    "drug": Made(
        ROOT / "ionwidgets" / "recordings" / "examples" / "drug.csv", seed=6, scale={"IKr.g_Kr": 0.25}
    ),
}


def recording_starts(made: Made) -> dict[int, float]:
    """Time since pacing began [ms] at which each cycle length's recording starts."""
    phases = np.random.default_rng(made.seed).uniform(-0.5, 0.5, len(made.cycle_lengths))
    return {cycle: PACED_FOR + phase * cycle for cycle, phase in zip(made.cycle_lengths, phases, strict=True)}


def table(made: Made) -> np.ndarray:
    """Rows of cycle length [ms], time [ms], V [mV], Ca_i [mM], the cells one after another."""
    model = myokit.load_model(str(MODEL))
    for name, factor in made.scale.items():
        model.set_value(name, factor * model.get(name).eval())
    for name, equation in made.equations.items():
        model.set_value(name, equation)
    simulation = myokit.Simulation(model)
    simulation.set_tolerance(abs_tol=1e-10, rel_tol=1e-8)
    time = np.arange(round(made.duration / SAMPLE)) * SAMPLE
    blocks = []
    for cycle, start in recording_starts(made).items():
        simulation.reset()
        simulation.set_protocol(myokit.pacing.blocktrain(cycle, STIMULUS_DURATION, STIMULUS_ONSET))
        log = simulation.run(
            start + made.duration, log=["membrane.V", "calcium.Ca_i"], log_times=start + time
        ).npview()
        blocks.append(
            np.column_stack([np.full(len(time), cycle), time, log["membrane.V"], log["calcium.Ca_i"]])
        )
    return np.concatenate(blocks)


def write(made: Made, path: Path | None = None) -> Path:
    """Simulate and write one recording (to its committed place unless another `path` is given)."""
    path = path or made.path
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, table(made), fmt=["%g", "%g", "%.4f", "%.6e"], delimiter=",", header=HEADER, comments="")
    return path


if __name__ == "__main__":
    for name in sys.argv[1:] or RECORDINGS:
        print(write(RECORDINGS[name]).relative_to(ROOT))
