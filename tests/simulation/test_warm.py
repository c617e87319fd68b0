"""Compiling ahead: what it leaves in the cache is what a later process finds there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

WARM = [sys.executable, "-m", "ionwidgets.simulation.warm"]
LATER = """
import sys
from ionwidgets.models import load_model
from ionwidgets.simulation import simulate
simulate(load_model("hh1952"), 1000.0, 10.0, variables=())
print("numba" in sys.modules)
"""


def test_a_warmed_model_is_not_compiled_again(tmp_path: Path) -> None:
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([*WARM, "hh1952"], env=environment, check=True)
    later = subprocess.run(
        [sys.executable, "-c", LATER], env=environment, check=True, capture_output=True, text=True
    )
    assert later.stdout.split() == ["False"], "the compiler is not even imported"


def test_a_wrong_name_is_told_in_one_line() -> None:
    found = subprocess.run([*WARM, "hh1953"], capture_output=True, text=True)
    assert found.returncode == 1
    assert found.stderr.startswith("ionwidgets: unknown model 'hh1953'; did you mean hh1952")
    assert found.stderr.count("\n") == 1
