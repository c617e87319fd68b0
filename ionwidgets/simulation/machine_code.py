"""The stepper with a model's functions as machine code, which outlives the process that compiled it.

Two things are kept, each made once for a kind of processor: of every function of the stepper what numba makes
of it (`compiling`, seconds), and of every model that with the model's functions in it (`linking`, tenths of a
second). Neither needs numba any more: a later process loads a model's code in milliseconds.
"""

from __future__ import annotations

import ctypes
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from ionwidgets.simulation import cache as kept
from ionwidgets.simulation.linking import ENTRY, features, object_code, target_machine

_SOURCES = ("stepper.py", "compiling.py", "linking.py")
# dtype and number of dimensions
ARRAYS = {
    "v": (np.dtype(np.float64), 1),
    "t": (np.dtype(np.float64), 2),
    "c": (np.dtype(np.float64), 3),
    "p": (np.dtype(np.int64), 1),
}


@dataclass(frozen=True)
class Signature:
    """What a function of the stepper takes, a letter a parameter, and whether it gives a float or nothing.

    f: float; i: integer; v: vector of floats; t: table of floats; c: cube of floats; p: vector of places
    (integers). Arrays lie in memory row by row, without gaps.
    """

    takes: str
    gives_float: bool

    def flat(self) -> str:
        """The same with each array as it is in C: a pointer (V to floats, P to integers) and lengths."""
        as_c = {"v": "Vi", "t": "Vii", "c": "Viii", "p": "Pi"}
        return "".join(as_c.get(kind, kind) for kind in self.takes)


SIGNATURES = {
    "run_cell": Signature("vvvct" + "ffffii" + "vv" + "ffffffff" + "ptt" + "vvvvvvvv", gives_float=True),
    "clamp_cell": Signature("vvvct" + "ffffi" + "pt" + "fi" + "pt" + "vvvvvvv", gives_float=False),
}


class MachineCode:
    """`run_cell` and `clamp_cell` of the stepper for one model, each made when it is first called.

    Parameters
    ----------
    ir : the model's functions in LLVM's language, see `codegen`.
    """

    def __init__(self, ir: str) -> None:
        self.ir = ir
        self._known: dict[str, _Function] = {}

    def run_cell(self, *arguments: Any) -> float:
        return self._function("run_cell")(*arguments)

    def clamp_cell(self, *arguments: Any) -> None:
        self._function("clamp_cell")(*arguments)

    def _function(self, name: str) -> _Function:
        if name not in self._known:
            self._known[name] = _made(self.ir, name)
        return self._known[name]


class _Function:
    """Machine code, linked; called with numbers and arrays, without Python's lock."""

    def __init__(self, code: bytes, signature: Signature) -> None:
        self._signature = signature
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine())
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        in_c: dict[str, type[ctypes._SimpleCData[Any]]] = {"f": ctypes.c_double, "i": ctypes.c_int64}
        takes = [in_c.get(kind, ctypes.c_void_p) for kind in signature.flat()]
        prototype = ctypes.CFUNCTYPE(ctypes.c_double if signature.gives_float else None, *takes)
        self._run = prototype(self._engine.get_function_address(ENTRY))

    def __call__(self, *arguments: Any) -> Any:
        flat: list[Any] = []
        for kind, value in zip(self._signature.takes, arguments, strict=True):
            if kind in ARRAYS:
                if (value.dtype, value.ndim) != ARRAYS[kind] or not value.flags.c_contiguous:
                    raise TypeError(f"no array for a kernel: {value.dtype}, {value.shape}, {value.strides}")
                flat += [value.ctypes.data, *value.shape]
            else:
                flat.append(value)
        return self._run(*flat)


_functions: dict[str, _Function] = {}
_steppers: dict[str, bytes] = {}
_lock = threading.Lock()  # one thing is compiled once, also when a slider and a training run ask together


def _made(ir: str, name: str) -> _Function:
    """The stepper's function `name` for a model, known, kept or made now; models that are equal share it."""
    with _lock:
        key = _key(ir, name)
        if key not in _functions:
            code = _kept(key, lambda: object_code(_stepper(name), ir))
            _functions[key] = _Function(code, SIGNATURES[name])
        return _functions[key]


def _stepper(name: str) -> bytes:
    key = _key(name)
    if key not in _steppers:
        _steppers[key] = _kept(key, lambda: _compiled_stepper(name))
    return _steppers[key]


def _compiled_stepper(name: str) -> bytes:
    from ionwidgets.simulation.compiling import compile_stepper  # numba: only where it is needed

    return compile_stepper(name)


def _kept(key: str, make: Callable[[], bytes]) -> bytes:
    code = kept.read(key)
    if code is None:
        code = make()
        kept.write(key, code)
    return code


def _key(*what: str) -> str:
    return hashlib.sha256("\n".join([*what, *_toolchain()]).encode()).hexdigest()[:32]


@cache
def _toolchain() -> tuple[str, ...]:
    """What all code depends on; a folder may be shared by machines that differ."""
    versions = (metadata.version("numba"), metadata.version("llvmlite"))
    sources = (Path(__file__).with_name(name).read_text(encoding="utf-8") for name in _SOURCES)
    return (*versions, llvm.get_default_triple(), llvm.get_host_cpu_name(), features(), *sources)
