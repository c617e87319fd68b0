"""A gate's curve over V as a formula of a few numbers, for programs that know no networks and no tables.

    h_inf = (1 + exp((V_h - V) / k))^-p                                                 Boltzmann power
    tau   = tau of the model * exp(c_0 + c_1 x + ... + c_4 x^4)        x = (V - centre) / half the range

by least squares, over the potentials that matter, of h_inf and of ln tau, with as few c as do. Where that
does not come within `TOLERANCE`, straight lines between as few knots as do, written as nested conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import myokit
import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray
from scipy.optimize import least_squares

TOLERANCE = {"h_inf": 0.001, "tau": 0.015}  # of h_inf, and of tau relative to itself
HIGHEST = 4  # degree of the polynomial

Function = Callable[[NDArray, NDArray], NDArray]


@dataclass(frozen=True)
class Form:
    """name: of the formula; expression: of V; error: the largest over the potentials, of tau relative."""

    name: str
    expression: myokit.Expression
    error: float


def steady_form(V: NDArray, h_inf: NDArray, voltage: myokit.Name) -> Form:
    """h_inf (V,) over `V` [mV] as a formula of `voltage`."""
    half, rises = V[np.abs(h_inf - 0.5).argmin()], h_inf[-1] > h_inf[0]
    starts = [
        np.array([half, np.log(width), power])
        for width in (5.0, 12.0)
        for power in (0.0, np.log(2), np.log(3))
    ]
    sign = 1.0 if rises else -1.0

    def boltzmann(p: NDArray, x: NDArray) -> NDArray:
        z = sign * (p[0] - x) * np.exp(-p[1])
        return np.exp(-np.exp(p[2]) * np.logaddexp(0.0, z))

    def written(p: NDArray, x: myokit.Name, unit: myokit.Unit | None) -> myokit.Expression:
        k = myokit.Number(sign * np.exp(p[1]), unit)
        z = myokit.Divide(myokit.Minus(myokit.Number(p[0], unit), x), k)
        return myokit.Divide(
            myokit.Number(1),
            myokit.Power(myokit.Plus(myokit.Number(1), myokit.Exp(z)), myokit.Number(float(np.exp(p[2])))),
        )

    p, error = _fitted(boltzmann, starts, V, h_inf)
    if error <= TOLERANCE["h_inf"]:
        return Form("Boltzmann power", written(p, voltage, _unit(voltage)), error)
    return _straight_lines(V, h_inf, voltage, None, TOLERANCE["h_inf"], np.ones_like(h_inf))


def tau_form(
    V: NDArray,
    tau: NDArray,
    own: NDArray,
    voltage: myokit.Name,
    unit: myokit.Unit | None,
    own_expression: myokit.Expression,
) -> Form:
    """tau (V,) [ms] over `V` [mV] as a formula of `voltage`, in `unit`; `own`: the model's, in numbers and as
    it is written."""
    with np.errstate(all="ignore"):
        ratio = np.log(tau / own)
    for degree in range(HIGHEST + 1) if np.isfinite(ratio).all() else ():
        fitted = Polynomial.fit(V, ratio, degree)
        error = float(np.abs(np.expm1(fitted(V) - ratio)).max())
        if error <= TOLERANCE["tau"]:
            scale = myokit.Exp(_polynomial(fitted, voltage))
            return Form(
                f"the model's own times exp(polynomial of degree {degree})",
                myokit.Multiply(own_expression, scale),
                error,
            )
    return _straight_lines(V, tau, voltage, unit, TOLERANCE["tau"], tau)


def _polynomial(fitted: Polynomial, voltage: myokit.Name) -> myokit.Expression:
    """c0 + x (c1 + x (c2 + ...)), x = (V - centre) / half of the range."""
    low, high = fitted.domain
    unit = _unit(voltage)
    centred = myokit.Minus(voltage, myokit.Number(float(low + high) / 2, unit))
    x = myokit.Divide(centred, myokit.Number(float(high - low) / 2, unit))
    *lower, highest = (float(c) for c in fitted.coef)
    total: myokit.Expression = myokit.Number(highest)
    for c in reversed(lower):
        total = myokit.Plus(myokit.Number(c), myokit.Multiply(x, total))
    return total


def _fitted(
    function: Function,
    starts: Sequence[NDArray],
    V: NDArray,
    curve: NDArray,
) -> tuple[NDArray, float]:
    """The parameters that fit best of all starts, and the largest residual."""
    best, least = starts[0], np.inf

    def off(p: NDArray) -> NDArray:
        with np.errstate(all="ignore"):
            return np.nan_to_num(function(p, V) - curve, nan=1e6, posinf=1e6, neginf=-1e6)

    for start in starts:
        p = least_squares(off, start, x_scale=np.maximum(np.abs(start), 0.1), max_nfev=200).x
        error = float(np.abs(off(p)).max())
        if error < least:
            best, least = p, error
    return best, least


def _straight_lines(
    V: NDArray, curve: NDArray, voltage: myokit.Name, unit: myokit.Unit | None, tolerance: float, of: NDArray
) -> Form:
    """Straight lines between knots, one added where most is missed, until that is `tolerance` times `of`."""
    knots = [0, V.size - 1]
    while True:
        off = np.abs(np.interp(V, V[knots], curve[knots]) - curve) / of
        if off.max() <= tolerance:
            return Form(
                f"{len(knots)} knots", _nested(V[knots], curve[knots], voltage, unit), float(off.max())
            )
        knots = sorted({*knots, int(off.argmax())})


def _nested(V: NDArray, values: NDArray, voltage: myokit.Name, unit: myokit.Unit | None) -> myokit.Expression:
    """if(V < middle, left half, right half), and so on down to one line; level beyond the ends."""
    mV = _unit(voltage)
    level = np.concatenate([[V[0]], V, [V[-1]]]), np.concatenate([values[:1], values, values[-1:]])

    def between(first: int, last: int) -> myokit.Expression:
        if last - first == 1:
            x, y = (array[first : last + 1] for array in level)
            start = myokit.Number(float(y[0]), unit)
            if y[0] == y[1]:
                return start
            slope = myokit.Number(float((y[1] - y[0]) / (x[1] - x[0])), _per(unit, mV))
            return myokit.Plus(start, myokit.Multiply(slope, myokit.Minus(voltage, myokit.Number(x[0], mV))))
        middle = (first + last) // 2
        below = myokit.Less(voltage, myokit.Number(float(level[0][middle]), mV))
        return myokit.If(below, between(first, middle), between(middle, last))

    return between(0, level[0].size - 1)


def _per(unit: myokit.Unit | None, mV: myokit.Unit | None) -> myokit.Unit | None:
    if mV is None:
        return unit
    return (myokit.units.dimensionless if unit is None else unit) / mV


def _unit(voltage: myokit.Name) -> myokit.Unit | None:
    return voltage.var().unit()
