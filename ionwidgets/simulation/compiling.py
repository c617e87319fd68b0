"""A function of a kernel's text compiled by numba into code that runs without numba.

What numba hands out as a C function still mentions numba's runtime: it would free an array or raise an error,
which no kernel does. With all but that one function made internal to its module, LLVM sees so and drops it.
"""

from __future__ import annotations

from importlib.abc import InspectLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType

import llvmlite.binding as llvm
from numba import cfunc, types

from ionwidgets.simulation.machine_code import ARRAYS, SIGNATURES, SYMBOL, target_machine

# The C library's functions, which every process has.
_MATHEMATICS = {
    "exp", "log", "log10", "sqrt", "pow", "sin", "cos", "tan", "asin", "acos", "atan", "floor", "ceil",
    "fmod",
}  # fmt: skip
_TYPES = {
    "f": types.float64,
    "i": types.int64,
    "V": types.CPointer(types.float64),
    "P": types.CPointer(types.int64),
}


def compile_function(text: str, name: str) -> tuple[bytes, bool]:
    """Object code in which the function `name` of `text` is `SYMBOL`; whether it runs where numba is not."""
    signature = SIGNATURES[name]
    module = imported(f"from numba import carray\n{text}\n{_in_c(name)}")
    gives = types.float64 if signature.gives_float else types.void
    compiled = cfunc(gives(*(_TYPES[kind] for kind in signature.flat())))(module.in_c)
    return _standing_alone(compiled.inspect_llvm(), compiled.native_name)


def imported(text: str) -> ModuleType:
    """The module that `text` is the source of, from memory."""

    class Loader(InspectLoader):
        def get_source(self, fullname: str) -> str:
            return text

    spec = spec_from_loader("ionwidgets_kernel", Loader())
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _in_c(name: str) -> str:
    """Source of a function that takes addresses and lengths in place of arrays, and calls `name`."""
    takes, gives = [], []
    for n, kind in enumerate(SIGNATURES[name].takes):
        lengths = [f"a{n}_{axis}" for axis in range(ARRAYS[kind][1])] if kind in ARRAYS else []
        takes += [f"a{n}", *lengths]
        gives.append(f"carray(a{n}, ({', '.join(lengths)},))" if lengths else f"a{n}")
    return f"def in_c({', '.join(takes)}):\n    return {name}({', '.join(gives)})\n"


def _standing_alone(ir: str, symbol: str) -> tuple[bytes, bool]:
    module, machine = llvm.parse_assembly(ir), target_machine()
    for function in module.functions:
        if function.name == symbol:
            function.name = SYMBOL
        elif not function.is_declaration:
            function.linkage = "internal"
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=2))
    passes.getModulePassManager().run(module, passes)
    foreign = {f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")}
    return machine.emit_object(module), foreign <= _MATHEMATICS
