"""`make bench ARGS="-k reading"`: how long reading a long CSV takes, and how much memory, beside pandas.

Each file is read in a process of its own; the ratio is of medians of runs that took turns.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import numpy as np
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.bench, pytest.mark.timeout(3600)]

DATA = Path(__file__).resolve().parents[1] / "data"
READ = """
import json, resource, sys, time
from pathlib import Path
who, path, small = sys.argv[1:]
if who == "pandas":
    import pandas
    read = pandas.read_csv
else:
    import ionwidgets
    read = lambda file: ionwidgets.read_recording(file, cycle_length=400.0)
read(small) if who == "pandas" else ionwidgets.read_recording(small)  # what is only done once
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
table = read(path)
seconds = time.perf_counter() - start
print(json.dumps([seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024]))
"""


@pytest.mark.parametrize("megabytes", [100, 1000])
def test_reading_a_long_csv_beside_pandas(tmp_path: Path, megabytes: int) -> None:
    path = tmp_path / "long.csv"
    V = -80 + 120 * np.exp(-(((np.arange(10_000) - 500) / 2000) ** 2)) * (np.arange(10_000) > 500)
    with path.open("w", encoding="ascii") as file:
        file.write("time (ms),Vm (mV)\n")
        beat = 0
        while file.tell() < megabytes * 1e6:
            file.write("".join(f"{(beat + i) * 0.04:.2f},{v:.4f}\n" for i, v in enumerate(V)))
            beat += V.size
    size = path.stat().st_size
    runs: dict[str, list[list[float]]] = {"pandas": [], "ours": []}
    for _ in range(3):
        for who, figures in runs.items():
            command = [sys.executable, "-P", "-c", READ, who, path, DATA / "control.csv"]
            told = subprocess.run(command, capture_output=True, text=True, check=True)
            figures.append(json.loads(told.stdout))
    seconds = {who: median(figure[0] for figure in figures) for who, figures in runs.items()}
    memory = {who: median(figure[1] for figure in figures) for who, figures in runs.items()}
    print(f"\n{size / 1e6:.0f} MB of CSV")
    for who in runs:
        rate, times, held = size / 1e6 / seconds[who], seconds[who] / seconds["pandas"], memory[who] / size
        print(f"{who:8} {rate:5.0f} MB/s ({times:.1f} times pandas), memory {held:.1f} times the file")
    # The rate is reported, memory is bounded: every line is checked on the way, which pandas does not do.
    assert memory["ours"] < 4 * size
