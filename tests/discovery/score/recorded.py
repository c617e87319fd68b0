"""The recordings of the cases, by Myokit's CVODES at 1e-8 from our `.mmt`, kept once they are made."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

import myokit
import numpy as np
import xarray as xr
from discovery.score.cases import CELL, SETS, Case

from ionwidgets.models import IonicModel, load_model
from ionwidgets.models.edit import edited

LENGTHS = (400.0, 500.0, 600.0, 750.0, 900.0)  # ms
HELD_OUT = (450.0, 700.0)  # ms
PACED_FOR, RECORDED, SAMPLE = 15_000.0, 5_000.0, 1.0  # ms
ONSET = 10.0  # ms after each period starts
FINE = 0.05  # ms; of the truth that APD90 is read from
# Where V crosses -60 mV TNNP's fCa and g stop and go by jumps; a cell that lingers there needs the second.
TOLERANCE, LOOSER = 1e-8, 1e-6
LONG, LAST = 20_000.0, 5_000.0  # ms; of the truth at cycle lengths that are held out
UPSTROKE = 4.0  # ms from the stimulus on that the effect of a change is not read in


@dataclass(frozen=True)
class Recorded:
    """recording, before: what discovery is given, the latter where the case has one; apd90: the truth [ms] by
    held-out cycle length, NaN where the cell does not follow; moved_apd90, moved_V: the largest move of
    either by the change [ms, mV]."""

    recording: xr.Dataset
    before: xr.Dataset | None
    apd90: dict[float, float]
    moved_apd90: float
    moved_V: float

    @property
    def matters(self) -> bool:
        """Whether the change is one that a finding is owed on."""
        return self.moved_apd90 > 3 or self.moved_V > 2


def recorded(case: Case, which: str, folder: Path) -> Recorded:
    """Simulate, or read what was simulated before."""
    unchanged = Case("before", cell=case.cell, own=case.own)
    sample = min(case.sample or SAMPLE, SAMPLE)
    altered, control = (clean(c, which, folder, sample) for c in (case, unchanged))
    apd90 = dict(zip(HELD_OUT, altered["apd90"].values.tolist(), strict=True))
    lengths = altered["cycle_length"].values[:, None]
    shown = (altered["time"].values - altered["onset"].values[:, None]) % lengths > UPSTROKE
    return Recorded(
        _measured(case, altered, which),
        _measured(replace(unchanged, noise=case.noise, seen=case.seen), control, which) if case.own else None,
        apd90,
        float(np.nanmax(np.abs(altered["apd90"] - control["apd90"]))) if case.cell == CELL else np.inf,
        float(np.abs(altered["V"].values - control["V"].values)[shown].max()),
    )


def _measured(case: Case, clean: xr.Dataset, which: str) -> xr.Dataset:
    """What the experiment sees of it: with noise, in its units."""
    rng = np.random.default_rng([SETS[which], *case.name.encode()])
    clean = clean.isel(cell=slice(case.lengths), time=clean["time"].values < (case.window or RECORDED))
    clean = clean.isel(time=slice(None, None, round(max(case.sample or SAMPLE, SAMPLE) / SAMPLE)))
    variables = {}
    for name in case.seen:
        values = clean[name].values
        size = case.noise[0] if name == "V" else case.noise[1] * float(np.ptp(values))
        values, units = values + size * rng.standard_normal(values.shape), clean[name].attrs["units"]
        if name == "V":
            values = values + case.drift * clean["time"].values / 1000
        if case.arbitrary:
            low, high = values.min(), values.max()
            values, units = 0.1 + 0.8 * (values - low) / (high - low), "a.u."
        variables[name] = (("cell", "time"), values, {"units": units})
    coords = {name: clean.coords[name] for name in ("cycle_length", "time")}
    return xr.Dataset(variables, coords, {"source": f"{case.name} (CVODES)"})


def clean(case: Case, which: str, folder: Path, sample: float = SAMPLE) -> xr.Dataset:
    """V and Ca_i without noise, every `sample` ms, the onset of a stimulus and the held-out APD90."""
    model = _altered(case)
    about = json.dumps([model.hash, SETS[which], LENGTHS, HELD_OUT, PACED_FOR, RECORDED, sample, LONG, FINE])
    path = folder / f"{sha256(about.encode()).hexdigest()[:16]}.nc"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        _simulated(model, which, sample).assign_attrs(case=json.dumps(asdict(case))).to_netcdf(
            part, engine="h5netcdf"
        )
        part.replace(path)
    with xr.open_dataset(path, engine="h5netcdf") as data:
        return data.load()


def _altered(case: Case) -> IonicModel:
    scale = {name: case.own.get(name, 1) * case.scale.get(name, 1) for name in {**case.own, **case.scale}}
    return edited(load_model(case.cell), scale, case.shift, case.slow, case.steep)


def _simulated(model: IonicModel, which: str, sample: float) -> xr.Dataset:
    """V and Ca_i of every cycle length from an unknown phase, and APD90 of the last 5 s at those held out."""
    simulation = myokit.Simulation(model.equations.clone())
    names = {name: model.variables[name].qname() for name in model.observables}
    time = np.arange(0, RECORDED, sample)
    phases = np.random.default_rng(SETS[which]).uniform(-0.5, 0.5, len(LENGTHS))
    starts = PACED_FOR + phases * np.array(LENGTHS)
    traces: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for length, start in zip(LENGTHS, starts, strict=True):
        log = _paced(simulation, model, length, start + time, list(names.values()))
        for name, qname in names.items():
            traces[name].append(log[qname])
    return xr.Dataset(
        {
            **{
                name: (("cell", "time"), np.stack(x), {"units": model.units[name]})
                for name, x in traces.items()
            },
            "onset": ("cell", (ONSET - starts) % np.array(LENGTHS)),
            "apd90": ("held_out", [_apd90(simulation, model, length) for length in HELD_OUT]),
        },
        {
            "cycle_length": ("cell", list(LENGTHS), {"units": "ms"}),
            "time": ("time", time, {"units": "ms"}),
            "held_out": list(HELD_OUT),
        },
    )


def _paced(
    simulation: myokit.Simulation, model: IonicModel, length: float, at: np.ndarray, names: list[str]
) -> dict[str, np.ndarray]:
    simulation.set_protocol(myokit.pacing.blocktrain(length, model.stimulus.duration, ONSET))
    try:
        return _run(simulation, TOLERANCE, at, names)
    except myokit.SimulationError:
        return _run(simulation, LOOSER, at, names)


def _run(
    simulation: myokit.Simulation, tolerance: float, at: np.ndarray, names: list[str]
) -> dict[str, np.ndarray]:
    simulation.reset()
    simulation.set_tolerance(abs_tol=tolerance / 100, rel_tol=tolerance)
    return simulation.run(at[-1] + 1, log=names, log_times=at).npview()


def _apd90(simulation: myokit.Simulation, model: IonicModel, length: float) -> float:
    """Mean [ms] over the beats of the last 5 s, from the largest slope to 90 % of the way down, else NaN."""
    voltage = model.variables[model.voltage].qname()
    first = ONSET + np.ceil((LONG - LAST - ONSET) / length) * length
    times = np.arange(first, LONG, FINE)
    V = _paced(simulation, model, length, times, [voltage])[voltage]
    durations = []
    for onset in np.arange(first, LONG - length, length):
        beat = V[(times >= onset - FINE / 2) & (times < onset + length - FINE / 2)]
        below = beat.max() - 0.9 * (beat.max() - beat[0])
        fallen = np.flatnonzero((beat < below) & (np.arange(beat.size) > beat.argmax()))
        durations.append(
            (fallen[0] - np.diff(beat).argmax()) * FINE if fallen.size and beat.max() > 0 else np.nan
        )
    return float(np.mean(durations))
