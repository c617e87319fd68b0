"""Time stepping of one cell, compiled once for all models; a model's own `rhs` and `solve` are linked to it.

Between t[n] and t[n+1] = t[n] + dt, the three kinds of states, in this order in y, move by

    gates    h[n+1] = h_inf + (h[n] - h_inf) exp(-dt / tau),  h_inf and tau at V[n] + dt/2 V'[n], Ca_i alike
    fast     z[n+1] by the second-order backward formula, its derivative extrapolated from the last two and
             corrected by the slopes J = dz'/dz, so that one linear system is solved a step
    others   y[n+1] = y[n] + dt ((1 + r/2) y'[n] - r/2 y'[n-1]),  r = dt / (t[n] - t[n-1])

(Rush and Larsen 1978; its second-order form, Perego and Veneziani 2009; semi-implicit BDF2, Ascher, Ruuth and
Wetton 1995; Adams-Bashforth 2). All three are of second order, with one evaluation of the currents a step,
and keep what their states conserve. dt follows how V and the concentrations change and bend: fine through
the upstroke, coarse in the plateau and at rest; events (a change of the stimulus, a sample) end a step.
"""

import math

import numpy as np
from numba import njit, types

from ionwidgets.simulation.linking import RHS, SOLVE

_FLOAT, _PLACE, _ARRAY = types.float64, types.int64, types.CPointer(types.float64)
# rhs(y, k, s, columns, row, width, w, pace, dy, slopes, current) and solve(slopes, g, x), see `codegen`
rhs = types.ExternalFunction(RHS, types.void(*4 * [_ARRAY], _PLACE, _PLACE, _FLOAT, _FLOAT, *3 * [_ARRAY]))
solve = types.ExternalFunction(SOLVE, types.void(_ARRAY, _FLOAT, _ARRAY))

GROW = 1.2
FINEST = 0.2  # of the shortest step for V: a store may empty faster than V rises
STEEP = 5.0  # mV/ms; beyond it V's own rate changes from step to step
REWEIGH = 64  # steps between looks at how large the concentrations are
LATE = 50.0  # ms after the upstroke; the notch and the dome lie before
RMP, PEAK, DVDT_MAX, UPSTROKE, APD30, APD50, APD90 = range(7)
CA_LOW, CA_HIGH, CA_TIME, CATD90, LATE_RISE, CA_ONSET = range(7, 13)  # the last is not told
PROBE = 0.01  # mV
BEND_CLAMPED = 5e-4  # of a concentration, twice what it may leave its tangent by in a step
SHORTEST_CLAMPED = 0.001  # ms
STABLE = 0.5  # of the relaxation time of V; Adams-Bashforth of second order is stable up to 1


@njit(forceinline=True, nogil=True, error_model="numpy")
def row_below(v, v_low, per_mV, rows):
    """Row of the table below v, and how far v lies on the way to the next; the table's ends are held."""
    u = min(max((v - v_low) * per_mV, 0.0), rows - 1.000001)
    i = int(u)
    return i, u - i


@njit(forceinline=True, nogil=True, error_model="numpy")
def evaluate(y, k, s, columns, i, w, pace, dy, slopes, current):
    """The model's right-hand side at y, whose V is w of the way from row i of the table to the next."""
    width = columns.shape[1]
    rhs(
        y.ctypes, k.ctypes, s.ctypes, columns.ctypes, i * width, width, w, pace,
        dy.ctypes, slopes.ctypes, current.ctypes,
    )  # fmt: skip


@njit(forceinline=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})
def relaxed(h, h_inf, x):
    """h + (h_inf - h) (1 - exp(-x)), where exp(-x) = 1 / exp(x) with exp's series to x^4.

    The reciprocal keeps 0 < rho < 1 for any rate, and is off by x^5/120 of exp(x): below 3e-6 for x < 0.2.
    """
    rho = 1.0 / (1.0 + x * (1.0 + x * (0.5 + x * (1.0 / 6.0 + x / 24.0))))
    return h_inf + (h - h_inf) * rho


@njit(forceinline=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})
def along_v(gates, i, w, p, j):
    """Column j of the gates' table at level p of Ca_i, w of the way from row i to the next."""
    return gates[i, p, j] + w * (gates[i + 1, p, j] - gates[i, p, j])


@njit(forceinline=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})
def move_gates(y, n_gates, v, ca, dt, gates, v_low, per_mV, ca_low, per_mM):
    """Rush-Larsen step of every gate at potential v and, where the table has levels of it, at Ca_i = ca."""
    i, w = row_below(v, v_low, per_mV, gates.shape[0])
    if gates.shape[1] == 1:
        for j in range(n_gates):
            h_inf = along_v(gates, i, w, 0, j)
            y[j] = relaxed(y[j], h_inf, dt * along_v(gates, i, w, 0, n_gates + j))
        return
    # In this order max gives ca_low where ca is no number, which is no place in a table.
    p, u = row_below(max(ca_low, ca), ca_low, per_mM, gates.shape[1])
    for j in range(n_gates):
        m = n_gates + j
        h_inf, rate = along_v(gates, i, w, p, j), along_v(gates, i, w, p, m)
        h_inf += u * (along_v(gates, i, w, p + 1, j) - h_inf)
        rate += u * (along_v(gates, i, w, p + 1, m) - rate)
        y[j] = relaxed(y[j], h_inf, dt * rate)


@njit(forceinline=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})
def move_others(y, n_gates, dy, slopes, before, fast_before, moved, dt, last, restart):
    """Move the fast states, then what is neither gate nor fast; `last` is the step before this one.

    before: y' at the last step, fast_before: the fast states there; moved: room for the linear system.
    """
    n_fast = moved.size
    r = 0.0 if restart else dt / last
    if n_fast > 0:
        # z[n+1] = z[n] + c (z[n] - z[n-1]) + g z'[n+1], z'[n+1] = z'* + J (z[n+1] - z*); * is extrapolated
        c = r * r / (1.0 + 2.0 * r)
        g = dt * (1.0 + r) / (1.0 + 2.0 * r)
        for q in range(n_fast):
            j = n_gates + q
            step = y[j] - fast_before[q]
            moved[q] = (c - r) * step + g * (dy[j] + r * (dy[j] - before[j]))
            fast_before[q] = y[j]
            y[j] += r * step
            before[j] = dy[j]
        solve(slopes.ctypes, g, moved.ctypes)
        for q in range(n_fast):
            y[n_gates + q] += moved[q]
    half = 0.5 * r
    for j in range(n_gates + n_fast, y.size):
        y[j] += dt * (dy[j] + half * (dy[j] - before[j]))
        before[j] = dy[j]


@njit(forceinline=True, nogil=True, error_model="numpy", fastmath=True)
def bent(first, dy, before, weight):
    """Greatest weighted change of slope since the last step, of the states from `first` on."""
    most = 0.0
    for j in range(first, dy.size):
        most = max(most, abs(dy[j] - before[j]) * weight[j])
    return most


@njit(forceinline=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})
def landing(dt, left):
    """The step [ms], and whether it ends on an event `left` [ms] away: two that are equal lead up to it, so
    that none is left over which is much shorter than the one before."""
    at_end = left <= dt * 1.0000001  # not returned early: that makes a clamp 12 % slower
    if at_end:
        dt = left
    elif left < 2.0 * dt:
        dt = 0.5 * left
    return dt, at_end


@njit(nogil=True, error_model="numpy")
def close_beat(beats, n, found, onset):
    for j in range(beats.shape[1]):
        beats[n, j] = found[j]
    for j in (APD30, APD50, APD90, CA_TIME, CATD90):
        beats[n, j] -= found[UPSTROKE]
    beats[n, UPSTROKE] -= onset


@njit(nogil=True, error_model="numpy")
def open_beat(found, v, ca):
    for j in range(found.size):
        found[j] = np.nan
    found[RMP], found[PEAK], found[DVDT_MAX], found[LATE_RISE] = v, v, 0.0, 0.0
    found[CA_LOW] = found[CA_HIGH] = found[CA_ONSET] = ca


@njit(forceinline=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})
def follow_beat(found, t, v, slope, ca, t_before, v_before, ca_before, low):
    """Take what step (t_before, t) tells of a beat's biomarkers; returns the lowest V of its late phase."""
    if slope > found[DVDT_MAX]:
        found[DVDT_MAX], found[UPSTROKE] = slope, t
        for j in (APD30, APD50, APD90):  # a fall before the upstroke is none of this action potential
            found[j] = np.nan
    if v > found[PEAK]:
        found[PEAK] = v
        for j in (APD30, APD50, APD90):
            found[j] = np.nan
    elif v < v_before:
        height = found[PEAK] - found[RMP]
        for j, part in ((APD30, 0.3), (APD50, 0.5), (APD90, 0.9)):
            level = found[PEAK] - part * height
            if math.isnan(found[j]) and v < level <= v_before:
                found[j] = t_before + (t - t_before) * (v_before - level) / (v_before - v)
    if t < found[UPSTROKE] + LATE or not math.isnan(found[APD90]):
        low = v
    else:
        low = min(low, v)
        found[LATE_RISE] = max(found[LATE_RISE], v - low)
    found[CA_LOW] = min(found[CA_LOW], ca)
    if ca > found[CA_HIGH]:
        found[CA_HIGH], found[CA_TIME], found[CATD90] = ca, t, np.nan
    elif ca < ca_before:
        level = found[CA_HIGH] - 0.9 * (found[CA_HIGH] - found[CA_ONSET])
        if math.isnan(found[CATD90]) and ca < level <= ca_before:
            found[CATD90] = t_before + (t - t_before) * (ca_before - level) / (ca_before - ca)
    return low


@njit(nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})
def run_cell(
    y, k, s, gates, columns, v_low, per_mV, ca_low, per_mM, iv, ica, changes, levels, duration,
    record_from, sample, dt_low, dt_high, dv, bend, bend_others, picks, out, beats, found,
    dy, before, current, slopes, fast_before, moved, weight,
):  # fmt: skip
    """Integrate one cell from 0 to `duration` [ms]; y is left at its end. Returns the time that was reached.

    gates (rows, P, 2 G): h_inf then 1/tau over V and P levels of Ca_i (1: V alone), per_mM of them a mM from
    ca_low on; columns (rows, E): the table behind rhs; iv, ica: indices of V and of Ca_i (-1: none); changes,
    levels (N,): from changes[n] [ms] on, ascending, the stimulus has levels[n] times its amplitude; picks:
    which of [states, currents] go into out (samples, picks); beats (n, 12): biomarkers of every beat, from
    one onset of the stimulus to the next; found (13,) and what follows: room to work in. A cell whose V
    leaves the table, or all numbers, stops before `duration`.
    """
    n_states, n_gates = y.size, gates.shape[2] // 2
    t, dt, last, pace, restart = 0.0, dt_low, dt_low, 0.0, True
    event, beat, onset, low = 0, -1, 0.0, 0.0
    taken, next_sample = 0, record_from if out.shape[0] > 0 else np.inf
    v_before, t_before, ca_before, steps = y[iv], 0.0, 0.0, 0
    slope, beside, longest, v_high = 0.0, 0.0, dt_high, v_low + (columns.shape[0] - 1) / per_mV
    while True:
        while event < changes.size and changes[event] <= t:
            if levels[event] != 0.0 and pace == 0.0:
                if 0 <= beat < beats.shape[0]:
                    close_beat(beats, beat, found, onset)
                beat, onset = beat + 1, t
                open_beat(found, y[iv], y[ica] if ica >= 0 else np.nan)
            pace, restart = levels[event], True
            event += 1
        v, ca = y[iv], y[ica] if ica >= 0 else np.nan
        # Now and then V' is asked for beside V too: how fast V itself relaxes bounds dt.
        probed = steps % REWEIGH == 0 or (abs(dy[iv]) > STEEP and steps % 8 == 0)
        for last_time in range(0 if probed else 1, 2):
            y[iv] = v if last_time == 1 else v + PROBE
            i, w = row_below(y[iv], v_low, per_mV, columns.shape[0])
            beside = slope
            evaluate(y, k, s, columns, i, w, pace, dy, slopes, current)
            slope = dy[iv]
        if probed:
            longest = STABLE * PROBE / max(slope - beside, 1e-9)
        if not (math.isfinite(slope) and v_low <= v <= v_high):
            return t
        if t >= next_sample and taken < out.shape[0]:
            for j in range(picks.size):
                p = picks[j]
                out[taken, j] = y[p] if p < n_states else current[p - n_states]
            taken += 1
            # Rounding may put the last sample a hair behind the end.
            next_sample = min(record_from + taken * sample, duration) if taken < out.shape[0] else np.inf
        if beat >= 0:
            low = follow_beat(found, t, v, slope, ca, t_before, v_before, ca_before, low)
        v_before, t_before, ca_before = v, t, ca
        if t >= duration:
            break

        end = min(next_sample, duration)
        if event < changes.size:
            end = min(end, changes[event])
        if restart:
            dt = dt_low
        else:
            if steps % REWEIGH == 0:
                for j in range(n_gates, n_states):
                    weight[j] = 0.0 if j == iv else 1.0 / (bend_others * (abs(y[j]) + 1e-12))
            steps += 1
            curved = abs(slope - before[iv]) / bend
            dt = max(min(dv / (abs(slope) + 1e-9), math.sqrt(last / (curved + 1e-9))), dt_low)
            curved = bent(n_gates, dy, before, weight)
            finer = max(min(longest, math.sqrt(last / (curved + 1e-9))), FINEST * dt_low)
            dt = min(dt, dt_high, GROW * last, finer)
        dt, at_end = landing(dt, end - t)
        middle = ca + 0.5 * dt * dy[ica] if ica >= 0 else ca
        move_gates(y, n_gates, v + 0.5 * dt * slope, middle, dt, gates, v_low, per_mV, ca_low, per_mM)
        move_others(y, n_gates, dy, slopes, before, fast_before, moved, dt, last, restart)
        last, restart = max(dt, 0.1 * dt_low), False
        t = end if at_end else t + dt
    if 0 <= beat < beats.shape[0]:
        close_beat(beats, beat, found, onset)
    return t


@njit(nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})
def clamp_cell(
    y, k, s, gates, columns, v_low, per_mV, ca_low, per_mM, ica, driven, drive, sample, steps, picks, out,
    dy, before, current, slopes, fast_before, moved, weight,
):  # fmt: skip
    """Integrate what is not measured while the measured states follow `drive` (an action potential clamp).

    driven: indices of the measured states, V first; drive (T, len(driven)): their samples, `sample` [ms]
    apart, taken as straight between; steps: steps a sample, more where a concentration bends; out
    (T, len(picks)) as in run_cell; dy and what follows: room to work in. The stimulus is off.
    """
    n_states, n_gates, coarse = y.size, gates.shape[2] // 2, sample / steps
    last, taken = coarse, 0
    for n in range(drive.shape[0]):
        t = 0.0
        while t < sample:
            for j in range(driven.size):
                y[driven[j]] = drive[n, j]
                if n + 1 < drive.shape[0]:
                    y[driven[j]] += t / sample * (drive[n + 1, j] - drive[n, j])
            i, w = row_below(y[driven[0]], v_low, per_mV, columns.shape[0])
            evaluate(y, k, s, columns, i, w, 0.0, dy, slopes, current)
            if t == 0.0:
                for j in range(picks.size):
                    p = picks[j]
                    out[n, j] = y[p] if p < n_states else current[p - n_states]
            if n + 1 == drive.shape[0]:
                return
            dt = coarse
            if taken > 0:
                if (taken - 1) % REWEIGH == 0:
                    for j in range(n_gates, n_states):
                        weight[j] = 1.0 / (BEND_CLAMPED * (abs(y[j]) + 1e-12))
                    for j in range(driven.size):
                        weight[driven[j]] = 0.0
                curved = bent(n_gates, dy, before, weight)
                dt = min(coarse, GROW * last, max(math.sqrt(last / (curved + 1e-9)), SHORTEST_CLAMPED))
            dt, at_end = landing(dt, sample - t)
            middle = y[driven[0]] + 0.5 * dt / sample * (drive[n + 1, 0] - drive[n, 0])
            ca = y[ica] + 0.5 * dt * dy[ica] if ica >= 0 else np.nan
            for j in range(1, driven.size):
                if driven[j] == ica:
                    ca = y[ica] + 0.5 * dt / sample * (drive[n + 1, j] - drive[n, j])
            move_gates(y, n_gates, middle, ca, dt, gates, v_low, per_mV, ca_low, per_mM)
            move_others(y, n_gates, dy, slopes, before, fast_before, moved, dt, last, taken == 0)
            last, taken = dt, taken + 1
            t = sample if at_end else t + dt
