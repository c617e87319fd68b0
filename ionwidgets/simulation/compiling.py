"""The stepper's functions compiled by numba into LLVM's code, which is linked without numba ever after.

What numba hands out as a C function still mentions numba's runtime: it would free an array or raise an error,
which no kernel does. With all but that one function made internal to its module, LLVM sees so and drops it.
"""

from __future__ import annotations

from importlib.abc import InspectLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType

import llvmlite.binding as llvm
from numba import cfunc, types

from ionwidgets.simulation import stepper
from ionwidgets.simulation.linking import ENTRY, RHS, SOLVE, optimise
from ionwidgets.simulation.machine_code import ARRAYS, SIGNATURES

_TYPES = {
    "f": types.float64,
    "i": types.int64,
    "V": types.CPointer(types.float64),
    "P": types.CPointer(types.int64),
}
_LEFT_OPEN = {RHS, SOLVE, "sqrt"}  # what a model brings, and of the C library what every process has


def compile_stepper(name: str) -> bytes:
    """Bitcode in which the function `name` of `stepper` is `ENTRY`, and a model's functions are missing."""
    for missing in (RHS, SOLVE):
        llvm.add_symbol(missing, 1)  # numba makes the function ready to run; it is not run there
    signature = SIGNATURES[name]
    gives = types.float64 if signature.gives_float else types.void
    in_c = cfunc(gives(*(_TYPES[kind] for kind in signature.flat())))(_imported(_in_c(name)).in_c)
    module = llvm.parse_assembly(in_c.inspect_llvm())
    module.get_function(in_c.native_name).name = ENTRY
    optimise(module)
    mentioned = {f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")}
    if not mentioned <= _LEFT_OPEN:
        raise RuntimeError(f"this numba leaves {mentioned - _LEFT_OPEN} in {name}: it cannot run by itself")
    return bytes(module.as_bitcode())


def _in_c(name: str) -> str:
    """Source of a function that takes addresses and lengths in place of arrays, and calls `name`."""
    takes, gives = [], []
    for n, kind in enumerate(SIGNATURES[name].takes):
        lengths = [f"a{n}_{axis}" for axis in range(ARRAYS[kind][1])] if kind in ARRAYS else []
        takes += [f"a{n}", *lengths]
        gives.append(f"carray(a{n}, ({', '.join(lengths)},))" if lengths else f"a{n}")
    calls = f"def in_c({', '.join(takes)}):\n    return {name}({', '.join(gives)})\n"
    return f"from numba import carray\nfrom {stepper.__name__} import {name}\n{calls}"


def _imported(text: str) -> ModuleType:
    """The module that `text` is the source of, from memory."""

    class Loader(InspectLoader):
        def get_source(self, fullname: str) -> str:
            return text

    spec = spec_from_loader("ionwidgets_kernel", Loader())
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
