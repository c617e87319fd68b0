"""The functions of a kernel's text as machine code, which outlives the process that compiled it.

`compiling` makes the code with numba, once for a text and a kind of processor. It needs nothing of numba to
run: a later process links it with LLVM in milliseconds, where numba takes some tenths of a second.
"""

from __future__ import annotations

import ctypes
import hashlib
import threading
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from ionwidgets.simulation import cache as kept

SYMBOL = "entry"  # what the function is called in its code
# dtype and number of dimensions
ARRAYS = {"v": (np.dtype(np.float64), 1), "t": (np.dtype(np.float64), 2), "p": (np.dtype(np.int64), 1)}


@dataclass(frozen=True)
class Signature:
    """What a function of the text takes, a letter a parameter, and whether it gives a float or nothing.

    f: float; i: integer; v: vector of floats; t: table of floats; p: vector of places (integers). Arrays lie
    in memory row by row, without gaps.
    """

    takes: str
    gives_float: bool

    def flat(self) -> str:
        """The same with each array as it is in C: a pointer (V to floats, P to integers) and lengths."""
        as_c = {"v": "Vi", "t": "Vii", "p": "Pi"}
        return "".join(as_c.get(kind, kind) for kind in self.takes)


SIGNATURES = {
    "run_cell": Signature("vvvtt" + "ffii" + "vv" + "ffffffff" + "ptt" + "vvvvvvvv", gives_float=True),
    "clamp_cell": Signature("vvvtt" + "ff" + "pt" + "fi" + "pt" + "vvvvvvv", gives_float=False),
}


class MachineCode:
    """`run_cell` and `clamp_cell` of a kernel's text, each compiled when it is first called.

    Parameters
    ----------
    text : the functions as Python that numba compiles, see `stepper`.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._known: dict[str, _Function] = {}

    def run_cell(self, *arguments: Any) -> float:
        return self._function("run_cell")(*arguments)

    def clamp_cell(self, *arguments: Any) -> None:
        self._function("clamp_cell")(*arguments)

    def _function(self, name: str) -> _Function:
        if name not in self._known:
            self._known[name] = _linked(self.text, name)
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
        self._run = prototype(self._engine.get_function_address(SYMBOL))

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
_lock = threading.Lock()  # one text is compiled once, also when a slider and a training run ask together


def _linked(text: str, name: str) -> _Function:
    """A function of `text`, from this process, the cache or the compiler; models share what is equal."""
    key = hashlib.sha256("\n".join([text, name, *_toolchain()]).encode()).hexdigest()[:32]
    with _lock:
        if key not in _functions:
            _functions[key] = _Function(_code(key, text, name), SIGNATURES[name])
        return _functions[key]


def _code(key: str, text: str, name: str) -> bytes:
    code = kept.read(key)
    if code is None:
        from ionwidgets.simulation.compiling import compile_function  # numba: only where it is needed

        code, stands_alone = compile_function(text, name)
        if stands_alone:
            kept.write(key, code)
    return code


@cache
def _toolchain() -> tuple[str, ...]:
    """What else the code depends on; a folder may be shared by machines that differ."""
    versions = (metadata.version("numba"), metadata.version("llvmlite"))
    return (*versions, llvm.get_default_triple(), llvm.get_host_cpu_name(), _features())


@cache
def _features() -> str:
    return llvm.get_host_cpu_features().flatten()


def target_machine() -> llvm.TargetMachine:
    """This processor, with all that it can."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=_features(), opt=3, reloc="default", codemodel="jitdefault"
    )
