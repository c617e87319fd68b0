"""A small cell written for tests as CellML 1.0, 1.1 or 2.0, in SI units, in the cell's own, or per area.

Currents: I_K with the gate n, a leak that is written out in dV/dt, and a train of stimuli. Calcium follows
I_K. Whatever a file counts in, the cell is that of `truth`.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass

AMPLITUDE, DURATION = -25.0, 0.5  # A/F, ms
INITIAL = {"V": -70.0, "n": 0.3, "Ca_i": 2e-4}  # mV, 1, mM


def truth(V: float, n: float, Ca_i: float) -> dict[str, float]:
    """Derivatives [per ms] with V [mV] and Ca_i [mM], currents [A/F], steady state and tau [ms] of n."""
    alpha, beta = 0.02 * math.exp((V + 40) / 25), 0.1 * math.exp(-(V + 65) / 80)
    I_K, I_leak = 0.36 * n**4 * (V + 77), 0.03 * (V + 54)
    return {
        "V": -(I_K + I_leak),
        "n": alpha * (1 - n) - beta * n,
        "Ca_i": -1e-6 * I_K - 0.01 * (Ca_i - 1e-4),
        "i_K": I_K,
        "I_1": I_leak,
        "n_inf": alpha / (alpha + beta),
        "tau_n": 1 / (alpha + beta),
    }


@dataclass(frozen=True)
class System:
    """What a file counts in: how many of its units make 1 mV, 1 ms, 1 A/F and 1 mM, its C, and their XML."""

    mV: float
    ms: float
    A_per_F: float
    mM: float
    C: float
    units: dict[str, str]


def _unit(base: str, prefix: str = "", exponent: int = 1) -> str:
    return f'<unit units="{base}"{f" prefix={prefix!r}" if prefix else ""} exponent="{exponent}"/>'


_MOLAR = _unit("mole", "{}") + _unit("litre", "", -1)
_CM = _unit("metre", "centi", -2)
SYSTEMS = {
    "SI": System(1e-3, 1e-3, 100e-12, 1e3, 100e-12, {
        "voltage": _unit("volt"), "time": _unit("second"), "current": _unit("ampere"),
        "capacitance": _unit("farad"), "amount": _MOLAR.format("micro"),
    }),
    "cell": System(1, 1, 100, 1, 100, {
        "voltage": _unit("volt", "milli"), "time": _unit("second", "milli"),
        "current": _unit("ampere", "pico"), "capacitance": _unit("farad", "pico"),
        "amount": _MOLAR.format("milli"),
    }),
    "area": System(1, 1, 1.5, 1, 1.5, {
        "voltage": _unit("volt", "milli"), "time": _unit("second", "milli"),
        "current": _unit("ampere", "micro") + _CM, "capacitance": _unit("farad", "micro") + _CM,
        "amount": _MOLAR.format("milli"),
    }),
}  # fmt: skip


def cell(version: str, system: System, *, replaced: dict[str, str] | None = None) -> str:
    """The file's text. `replaced` gives other right-hand sides by variable."""
    s = system
    per_mV, g = 1 / s.mV, s.A_per_F / s.mV
    # component: {variable: (unit, initial value or None, right-hand side or None)}; states have both
    parts: dict[str, dict[str, tuple[str, float | None, str | None]]] = {
        "environment": {"time": ("time", None, None)},
        "membrane": {
            "V": ("voltage", INITIAL["V"] * s.mV, f"-(i_K + {0.03 * g} * (V + {54 * s.mV}) + i_Stim) / C"),
            "C": ("capacitance", s.C, None),
            "stim_start": ("time", 10 * s.ms, None),
            "stim_period": ("time", 800 * s.ms, None),
            "stim_duration": ("time", DURATION * s.ms, None),
            "stim_amplitude": ("current", AMPLITUDE * s.A_per_F, None),
            "i_Stim": ("current", None,
                       "stim_amplitude if time >= stim_start and time - stim_start"
                       " - floor((time - stim_start) / stim_period) * stim_period <= stim_duration else 0"),
        },
        "potassium": {
            "n": ("dimensionless", INITIAL["n"], "rate_n * (n_inf - n)"),
            "alpha_n": ("rate", None, f"{0.02 / s.ms} * exp({per_mV} * V / 25 + 40 / 25)"),
            "beta_n": ("rate", None, f"{0.1 / s.ms} * exp(-({per_mV} * V + 65) / 80)"),
            "rate_n": ("rate", None, "alpha_n + beta_n"),
            "n_inf": ("dimensionless", None, "alpha_n / rate_n"),
            "g_K": ("conductance", 0.36 * g, None),
            "i_K": ("current", None, f"g_K * n ** 4 * (V + {77 * s.mV})"),
        },
        "calcium": {
            "Ca_i": ("amount", INITIAL["Ca_i"] * s.mM,
                   f"-({1e-6 * s.mM / s.ms / s.A_per_F} * i_K + {0.01 / s.ms} * (Ca_i - {1e-4 * s.mM}))"),
        },
    }  # fmt: skip
    for variables in parts.values():
        for name, text in (replaced or {}).items():
            if name in variables:
                unit, initial, _ = variables[name]
                state = name in INITIAL
                variables[name] = (unit, initial if state else None, text)
    units = s.units | {"rate": _inverse(s.units["time"]), "conductance": _unit("siemens")}
    return _Writer(version, parts, units).text()


def _inverse(unit: str) -> str:
    return unit.replace('exponent="1"', 'exponent="-1"')


class _Writer:
    def __init__(self, version: str, parts: dict, units: dict[str, str]) -> None:
        self.version, self.parts, self.units = version, parts, units
        self.home = {name: c for c, variables in parts.items() for name in variables}
        self.is_2 = version == "2.0"

    def text(self) -> str:
        namespace = f"http://www.cellml.org/cellml/{self.version}#"
        inside = "".join(f'<units name="{name}">{inner}</units>' for name, inner in self.units.items())
        inside += "".join(self.component(name) for name in self.parts) + self.connections()
        head = (
            f'<?xml version="1.0" encoding="utf-8"?>\n<model xmlns="{namespace}" xmlns:cellml="{namespace}"'
        )
        return f'{head} xmlns:cmeta="http://www.cellml.org/metadata/1.0#" name="small_cell">{inside}</model>'

    def used(self, component: str) -> list[str]:
        texts = [rhs for _, _, rhs in self.parts[component].values() if rhs is not None]
        names = {n.id for text in texts for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
        if any(initial is not None and rhs is not None for _, initial, rhs in self.parts[component].values()):
            names.add("time")
        return sorted(n for n in names if self.home.get(n, component) != component)

    def component(self, name: str) -> str:
        shared = {n for other in self.parts if other != name for n in self.used(other)}
        out = [self.variable(v, *row, "out" if v in shared else "") for v, row in self.parts[name].items()]
        for used in self.used(name):
            unit, _, _ = self.parts[self.home[used]][used]
            out.append(self.variable(used, unit, None, None, "in"))
        equations = [
            self.equation(v, rhs, initial is not None)
            for v, (_, initial, rhs) in self.parts[name].items()
            if rhs is not None
        ]
        maths = '<math xmlns="http://www.w3.org/1998/Math/MathML">' + "".join(equations) + "</math>"
        return f'<component name="{name}">{"".join(out)}{maths if equations else ""}</component>'

    def variable(self, name: str, unit: str, initial: float | None, _: str | None, side: str) -> str:
        interface = ' interface="public"' if self.is_2 else f' public_interface="{side}"'
        value = "" if initial is None else f' initial_value="{initial!r}"'
        return f'<variable name="{name}" units="{unit}"{value}{interface if side else ""}/>'

    def connections(self) -> str:
        shared: dict[tuple[str, str], set[str]] = {}
        for component in self.parts:
            for used in self.used(component):
                one, two = sorted((self.home[used], component))
                shared.setdefault((one, two), set()).add(used)
        return "".join(self.connection(*pair, sorted(names)) for pair, names in shared.items())

    def connection(self, one: str, two: str, names: list[str]) -> str:
        maps = "".join(f'<map_variables variable_1="{name}" variable_2="{name}"/>' for name in names)
        pair = f'component_1="{one}" component_2="{two}"'
        if self.is_2:
            return f"<connection {pair}>{maps}</connection>"
        return f"<connection><map_components {pair}/>{maps}</connection>"

    def equation(self, name: str, rhs: str, state: bool) -> str:
        left = f"<ci>{name}</ci>"
        if state:
            left = f"<apply><diff/><bvar><ci>time</ci></bvar>{left}</apply>"
        return f"<apply><eq/>{left}{self.mathml(ast.parse(rhs, mode='eval').body)}</apply>"

    def mathml(self, e: ast.expr) -> str:
        names: dict[type, str] = {
            ast.Add: "plus", ast.Sub: "minus", ast.Mult: "times", ast.Div: "divide", ast.Pow: "power",
            ast.USub: "minus", ast.GtE: "geq", ast.LtE: "leq", ast.Lt: "lt", ast.And: "and",
        }  # fmt: skip
        if isinstance(e, ast.Constant):
            mantissa, _, exponent = repr(e.value).partition("e")
            kind, number = ' type="e-notation"', f"{mantissa}<sep/>{exponent}"
            kind, number = (kind, number) if exponent else ("", mantissa)
            return f'<cn{kind} cellml:units="dimensionless">{number}</cn>'
        if isinstance(e, ast.Name):
            return f"<ci>{e.id}</ci>"
        if isinstance(e, ast.IfExp):
            condition, yes, no = map(self.mathml, (e.test, e.body, e.orelse))
            piece = f"<piece>{yes}{condition}</piece><otherwise>{no}</otherwise>"
            return f"<piecewise>{piece}</piecewise>"
        if isinstance(e, ast.Call):
            function = {"exp": "exp", "floor": "floor"}[ast.unparse(e.func)]
            return f"<apply><{function}/>{self.mathml(e.args[0])}</apply>"
        if isinstance(e, ast.BinOp):
            operator, operands = e.op, [e.left, e.right]
        elif isinstance(e, ast.UnaryOp):
            operator, operands = e.op, [e.operand]
        elif isinstance(e, ast.BoolOp):
            operator, operands = e.op, e.values
        else:
            assert isinstance(e, ast.Compare)
            operator, operands = e.ops[0], [e.left, e.comparators[0]]
        return f"<apply><{names[type(operator)]}/>{''.join(map(self.mathml, operands))}</apply>"
