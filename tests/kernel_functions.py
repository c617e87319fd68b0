"""The functions within a kernel, such as `rhs` and `solve`, for a test to call one by one."""

from __future__ import annotations

from functools import cache
from types import ModuleType

from ionwidgets.simulation.compiling import imported
from ionwidgets.simulation.kernel import Kernel


def functions_of(kernel: Kernel) -> ModuleType:
    """Every function of the kernel's text, each compiled by numba when it is first called."""
    return _functions(kernel.module.text)


_functions = cache(imported)
