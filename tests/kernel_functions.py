"""The functions within a kernel, `rhs` and `solve`, for a test to call one by one."""

from __future__ import annotations

import ctypes
from functools import cache

import llvmlite.binding as llvm
import numpy as np

from ionwidgets.simulation import stepper
from ionwidgets.simulation.kernel import V_LOW, V_STEP, Kernel
from ionwidgets.simulation.linking import RHS, SOLVE, target_machine


def row_at(kernel: Kernel, V: float) -> tuple[int, float]:
    """Row of the kernel's table below V [mV], and how far V lies on the way to the next."""
    return stepper.row_below(V, V_LOW, 1.0 / V_STEP, kernel.columns.shape[0])


def rhs(kernel: Kernel, y: np.ndarray, row: int, w: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(dy, slopes, current) at states y, whose V is w of the way from `row` to the next; no stimulus."""
    dy, _, current, slopes, *_ = kernel.room()
    width = kernel.columns.shape[1]
    reads = (y, kernel.constants, kernel.scales({}), kernel.columns)
    _call(kernel, RHS, *reads, row * width, width, w, 0.0, dy, slopes, current)
    return dy, slopes, current


def solve(kernel: Kernel, slopes: np.ndarray, g: float, x: np.ndarray) -> None:
    """x becomes the solution of (1 - g J) x' = x."""
    _call(kernel, SOLVE, slopes, g, x)


def _call(kernel: Kernel, name: str, *arguments: np.ndarray | int | float) -> None:
    in_c = {np.ndarray: ctypes.c_void_p, int: ctypes.c_int64, float: ctypes.c_double}
    run = ctypes.CFUNCTYPE(ctypes.c_void_p, *(in_c[type(x)] for x in arguments))
    address = _engine(kernel.module.ir).get_function_address(name)
    run(address)(*(x.ctypes.data if isinstance(x, np.ndarray) else x for x in arguments))


@cache
def _engine(ir: str) -> llvm.ExecutionEngine:
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(ir), target_machine())
    engine.finalize_object()
    return engine
