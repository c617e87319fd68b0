"""The cache of machine code: whatever lies there, or cannot, a model runs and gives the same."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from handwritten_models import HODGKIN_HUXLEY

from ionwidgets.errors import SimulationWarning
from ionwidgets.models import load_model
from ionwidgets.simulation import cache, machine_code, simulate
from ionwidgets.simulation.codegen import write_right_hand_side
from ionwidgets.simulation.kernel import kernel_for
from ionwidgets.simulation.machine_code import MachineCode

CODE = b"what a compiler left"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache folder of the test's own, and a process that has neither linked nor told anything yet."""
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "cache" / "kernels")
    monkeypatch.setattr(machine_code, "_functions", {})
    monkeypatch.setattr(machine_code, "_steppers", {})
    cache._tell.cache_clear()
    yield cache.folder()
    cache._tell.cache_clear()


def test_what_is_written_is_read(folder: Path) -> None:
    assert cache.read("a") is None
    cache.write("a", CODE)
    assert cache.read("a") == CODE
    assert cache.read("b") is None
    assert [path.name for path in folder.iterdir()] == ["a"], "nothing else is left behind"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "a").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: whole[:10],
        lambda whole: whole[:-1],
        lambda whole: whole + b"x",
        lambda whole: bytes(len(whole)),
        lambda whole: whole[:40] + b"?" + whole[41:],
    ],
)
def test_a_damaged_entry_is_thrown_away(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    cache.write("a", CODE)
    (folder / "a").write_bytes(damage((folder / "a").read_bytes()))
    assert cache.read("a") is None
    assert not (folder / "a").exists()
    cache.write("a", CODE)
    assert cache.read("a") == CODE


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_folder_that_others_can_write_is_not_used(folder: Path, mode: int) -> None:
    cache.write("a", CODE)
    folder.chmod(mode)
    assert cache.read("a") is None
    with pytest.warns(SimulationWarning, match="others can write .*kernels; make it private"):
        cache.write("b", CODE)
    assert not (folder / "b").exists()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.write("b", CODE)  # told once
    folder.chmod(0o700)
    assert cache.read("a") == CODE


def test_a_file_that_others_can_write_is_not_read(folder: Path) -> None:
    cache.write("a", CODE)
    (folder / "a").chmod(0o620)
    assert cache.read("a") is None


def test_what_is_not_ours_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write("a", CODE)
    me = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: me + 1)
    assert cache.read("a") is None
    with pytest.warns(SimulationWarning, match="compiled kernels are not kept"):
        cache.write("b", CODE)


def test_a_folder_that_cannot_be_made_is_told_once(folder: Path) -> None:
    folder.parent.write_text("a file where the folder should be")
    assert cache.read("a") is None
    with pytest.warns(SimulationWarning, match="compiled kernels are not kept") as told:
        cache.write("a", CODE)
        cache.write("b", CODE)
    assert len(told) == 1


def peak(path: Path) -> float:
    """The highest V of a short run whose kernel this process has to find anew."""
    model = load_model(path)
    kernel_for(model).module._known.clear()
    machine_code._functions.clear()
    machine_code._steppers.clear()
    return float(simulate(model, 500.0, 20.0).V.max())


def test_a_model_runs_whatever_the_cache_holds(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "hh.mmt"
    path.write_text(HODGKIN_HUXLEY)
    expected = peak(path)
    stepper, code = entries(folder)
    whole = code.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"\x80\x04" + whole[2:], os.urandom(len(whole))):
        code.write_bytes(damaged)
        assert peak(path) == expected
        assert cache.read(code.name) is not None, "compiled anew, and kept"
    for entry in (stepper, code):
        entry.write_bytes(entry.read_bytes()[:-1])
    assert peak(path) == expected
    assert cache.read(stepper.name) is not None, "compiled anew, and kept"
    code.unlink()
    code.mkdir()
    with pytest.warns(SimulationWarning, match="compiled kernels are not kept"):
        assert peak(path) == expected


def entries(folder: Path) -> list[Path]:
    """What is kept for one function of one model: the stepper, then the model's code, in order of making."""
    made = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert len(made) == 2
    return made


def test_a_further_model_is_compiled_without_numba(tmp_path: Path) -> None:
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    for further in (
        TWO,
        TWO.replace("noble1962", "hh1952") + "import sys\nassert 'numba' not in sys.modules",
    ):
        subprocess.run([sys.executable, "-c", further], env=environment, check=True)
    assert len(list((tmp_path / "ionwidgets" / "kernels").iterdir())) == 3


def test_code_of_another_compiler_is_not_found(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hh.mmt").write_text(HODGKIN_HUXLEY)
    expected = peak(tmp_path / "hh.mmt")
    monkeypatch.setattr(machine_code, "_toolchain", lambda: ("numba 0.1",))
    assert peak(tmp_path / "hh.mmt") == expected
    assert len(list(folder.iterdir())) == 4


def test_every_function_of_the_language_is_compiled(tmp_path: Path) -> None:
    functions = ("exp", "log", "log10", "sqrt", "abs", "sin", "cos", "tan", "asin", "acos", "atan", "floor",
                 "ceil")  # fmt: skip
    terms = " + ".join(f"1e-9 * {name}(0.5 + 1e-6 * V * m)" for name in functions)
    odd = (
        "1e-9 * ((m + 2)^1.5 + 2.5^(m * V) + (m * V % 7) + m * V // 3 + if(m * V > 0, 1, 2) + log(m + 2, 3))"
    )
    text = HODGKIN_HUXLEY.replace("dot(V) = -(", "dot(V) = -(na.I_odd + ").replace(
        "[na]\n", f"[na]\nI_odd = {terms} + {odd}\n    in [A/F]\n", 1
    )
    (tmp_path / "odd.mmt").write_text(text)
    model = load_model(tmp_path / "odd.mmt")
    assert np.isfinite(simulate(model, 500.0, 20.0).V).all()
    ir = write_right_hand_side(model).ir
    assert all(f"llvm.{name}.f64" in ir for name in functions if name != "abs")
    assert "m_inf" not in ir and "I_odd" not in ir, "no word of the file"


def test_a_kernel_refuses_arrays_that_it_cannot_read() -> None:
    kernel = kernel_for(load_model("hh1952"))
    wrong = [np.zeros(3, dtype=np.float32)] + [np.zeros(3)] * 30
    with pytest.raises(TypeError, match="float32"):
        MachineCode(kernel.module.ir).run_cell(*wrong[: len(machine_code.SIGNATURES["run_cell"].takes)])


TWO = """
from ionwidgets.models import load_model
from ionwidgets.simulation import simulate
print(float(simulate(load_model("noble1962"), 500.0, 20.0).V.max()))
"""


def test_processes_that_compile_at_once_leave_a_whole_entry(tmp_path: Path) -> None:
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path), "PYTHONWARNINGS": "error"}
    start = [
        subprocess.Popen([sys.executable, "-c", TWO], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    peaks = {process.communicate()[0] for process in start}
    assert [process.returncode for process in start] == [0, 0, 0]
    assert len(peaks) == 1
    _, entry = entries(tmp_path / "ionwidgets" / "kernels")
    later = subprocess.run(
        [sys.executable, "-c", TWO + "import sys\nassert 'numba' not in sys.modules"],
        env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert later.stdout in peaks
    assert entry.stat().st_size > 1000
