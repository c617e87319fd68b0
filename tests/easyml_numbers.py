"""What an EasyML file computes: its equations, sorted by who needs whom, compiled as the C that they are."""

from __future__ import annotations

import ctypes
import re
import subprocess
from collections.abc import Callable, Sequence
from graphlib import TopologicalSorter
from pathlib import Path

NAME = re.compile(r"[A-Za-z_]\w*(?!\w*\s*\()")


def compiled(path: Path) -> Callable[[float, Sequence[float]], dict[str, float]]:
    """A function of V [mV] and the other states, in the file's order: dx/dt of each of them, and Iion."""
    equations = _equations(path)
    states = [name for name in initial(path) if name != "V"]
    wanted = {state: _derivative(state, equations) for state in states} | {"Iion": "Iion"}
    needs = {name: set(NAME.findall(text)) & set(equations) for name, text in equations.items()}
    lines = [f"double {name} = in[{i}];" for i, name in enumerate(["V", *states])]
    lines += [f"double {name} = {equations[name]};" for name in TopologicalSorter(needs).static_order()]
    lines += [f"out[{i}] = {text};" for i, text in enumerate(wanted.values())]
    source, library = path.with_suffix(".c"), path.with_suffix(".so")
    head = "#include <math.h>\nvoid all(const double *in, double *out) {\n"
    source.write_text(head + "\n".join(lines) + "\n}\n", "utf-8")
    subprocess.run(["gcc", "-O0", "-shared", "-fPIC", "-o", library, source, "-lm"], check=True)
    function = ctypes.CDLL(str(library)).all

    def call(V: float, states: Sequence[float]) -> dict[str, float]:
        out = (ctypes.c_double * len(wanted))()
        function((ctypes.c_double * len(wanted))(V, *states), out)
        return dict(zip(wanted, out, strict=True))

    return call


def _derivative(state: str, equations: dict[str, str]) -> str:
    if f"diff_{state}" in equations:
        return f"diff_{state}"
    assert {f"{state}_inf", f"tau_{state}"} <= set(equations)
    return f"({state}_inf - {state}) / tau_{state}"


def initial(path: Path) -> dict[str, float]:
    """Initial values of V and of the states."""
    return {
        name.removesuffix("_init"): float(text)
        for name, text in _statements(path).items()
        if name.endswith("_init")
    }


def markov_states(path: Path) -> list[str]:
    """The states that are solved together; what they leave of 1 is a further one's."""
    text = path.read_text(encoding="utf-8")
    return [
        name.strip()
        for group in re.findall(r"group \{([^}]*)\}\.method\(markov_be\)", text)
        for name in group.split(";")
        if name.strip()
    ]


def _equations(path: Path) -> dict[str, str]:
    return {name: text for name, text in _statements(path).items() if not name.endswith("_init")}


def _statements(path: Path) -> dict[str, str]:
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"group \{.*?\}[^;]*;", "", text, flags=re.DOTALL)
    parts = (statement.partition(" = ") for statement in text.split(";"))
    return {name.strip(): value.strip() for name, equals, value in parts if equals}
