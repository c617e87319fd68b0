"""Time stepping of one cell; `kernel` puts a model's `rhs` before this text and compiles both as one module.

Between t[n] and t[n+1] = t[n] + dt, gates h and the other states y (V among them) move by

    h[n+1] = h_inf + (h[n] - h_inf) exp(-dt / tau),   h_inf and tau at V[n] + dt/2 V'[n]  (Rush-Larsen 1978)
    y[n+1] = y[n] + dt ((1 + r/2) y'[n] - r/2 y'[n-1]),   r = dt / (t[n] - t[n-1])       (Adams-Bashforth 2)

both of second order, with one evaluation of the currents a step. dt follows |V'|: fine through the upstroke,
coarse in the plateau and at rest; events (stimulus on, stimulus off, a sample) end a step exactly.
"""

import math

import numpy as np
from numba import njit

TYPE_CHECKING = False
if TYPE_CHECKING:

    def rhs(y, k, s, a, b, w, pace, dy, current): ...


GROW = 1.2
RMP, PEAK, DVDT_MAX, UPSTROKE, APD30, APD50, APD90, CA_LOW, CA_HIGH = range(9)


@njit(cache=True, nogil=True, error_model="numpy")
def row_below(v, v_low, per_mV, rows):
    """Row of the table below v, and how far v lies on the way to the next; the table's ends are held."""
    u = min(max((v - v_low) * per_mV, 0.0), rows - 1.000001)
    i = int(u)
    return i, u - i


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})
def move_gates(y, n_gates, v, dt, gates, v_low, per_mV):
    """Rush-Larsen step of every gate at potential v; exp(-x) = 1 / exp(x) with exp's series to x^4.

    The reciprocal keeps 0 < rho < 1 for any rate, and is off by x^5/120 of exp(x): below 3e-6 for x < 0.2.
    """
    i, w = row_below(v, v_low, per_mV, gates.shape[0])
    a, b = gates[i], gates[i + 1]
    for j in range(n_gates):
        h_inf = a[j] + w * (b[j] - a[j])
        x = dt * (a[n_gates + j] + w * (b[n_gates + j] - a[n_gates + j]))
        rho = 1.0 / (1.0 + x * (1.0 + x * (0.5 + x * (1.0 / 6.0 + x / 24.0))))
        y[j] = h_inf + (y[j] - h_inf) * rho


@njit(cache=True, nogil=True, error_model="numpy")
def close_beat(beats, n, found, onset):
    for j in range(9):
        beats[n, j] = found[j]
    for j in (APD30, APD50, APD90):
        beats[n, j] -= found[UPSTROKE]
    beats[n, UPSTROKE] -= onset


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})
def run_cell(
    y, k, s, gates, columns, v_low, per_mV, iv, ica, offset, pulse, period, duration,
    record_from, sample, dt_low, dt_high, dv, picks, out, beats,
):  # fmt: skip
    """Integrate one cell from 0 to `duration` [ms]; y is left at its end. Returns False when it broke down.

    gates (rows, 2 G): h_inf then 1/tau over V; columns (rows, E): the table behind rhs; iv, ica: indices of V
    and of Ca_i (-1: none); offset, pulse, period [ms]: the stimulus starts at offset + n period and lasts
    pulse; picks: which of [states, currents] go into out (samples, picks); beats (n, 9): biomarkers of every
    paced beat.
    """
    n_states, n_gates = y.size, gates.shape[1] // 2
    dy, before, current = np.zeros(n_states), np.zeros(n_states), np.zeros(s.size)
    found = np.full(9, np.nan)
    t, dt, last, pace, restart = 0.0, dt_low, dt_low, 0.0, True
    on, off, beat = offset, np.inf, -1
    taken, next_sample = 0, record_from if out.shape[0] > 0 else np.inf
    v_before, t_before = y[iv], 0.0
    while True:
        v = y[iv]
        i, w = row_below(v, v_low, per_mV, columns.shape[0])
        rhs(y, k, s, columns[i], columns[i + 1], w, pace, dy, current)
        slope = dy[iv]
        if not math.isfinite(slope):
            return False
        if t >= next_sample and taken < out.shape[0]:
            for j in range(picks.size):
                p = picks[j]
                out[taken, j] = y[p] if p < n_states else current[p - n_states]
            taken += 1
            # Rounding may put the last sample a hair behind the end.
            next_sample = min(record_from + taken * sample, duration) if taken < out.shape[0] else np.inf
        if beat >= 0:
            if slope > found[DVDT_MAX]:
                found[DVDT_MAX], found[UPSTROKE] = slope, t
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
            if ica >= 0:
                found[CA_LOW], found[CA_HIGH] = min(found[CA_LOW], y[ica]), max(found[CA_HIGH], y[ica])
        v_before, t_before = v, t
        if t >= duration:
            break

        event = min(on, off, next_sample, duration)
        dt = min(max(dv / (abs(slope) + 1e-9), dt_low), dt_high, GROW * last)
        if restart:
            dt = dt_low
        left = event - t
        at_event = left <= dt * 1.0000001
        if at_event:
            dt = left
        elif left < 2.0 * dt:
            dt = 0.5 * left
        move_gates(y, n_gates, v + 0.5 * dt * slope, dt, gates, v_low, per_mV)
        half = 0.0 if restart else 0.5 * dt / last
        for j in range(n_gates, n_states):
            y[j] += dt * (dy[j] + half * (dy[j] - before[j]))
            before[j] = dy[j]
        last, restart = max(dt, 0.1 * dt_low), False
        t = event if at_event else t + dt
        if at_event and t == on:
            if beat >= 0:
                close_beat(beats, beat, found, offset + beat * period)
            beat += 1
            found[:] = np.nan
            found[RMP], found[PEAK], found[DVDT_MAX] = y[iv], y[iv], 0.0
            if ica >= 0:
                found[CA_LOW], found[CA_HIGH] = np.inf, -np.inf
            pace, off, on, restart = 1.0, t + pulse, offset + (beat + 1) * period, True
            if beat >= beats.shape[0]:
                on = np.inf
        elif at_event and t == off:
            pace, off, restart = 0.0, np.inf, True
    if 0 <= beat < beats.shape[0]:
        close_beat(beats, beat, found, offset + beat * period)
    return True


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})
def clamp_cell(y, k, s, gates, columns, v_low, per_mV, driven, drive, sample, steps, picks, out):
    """Integrate what is not measured while the measured states follow `drive` (an action potential clamp).

    driven: indices of the measured states, V first; drive (T, len(driven)): their samples, `sample` [ms]
    apart, taken as straight between; steps: steps a sample; out (T, len(picks)) as in run_cell. The stimulus
    is off.
    """
    n_states, n_gates = y.size, gates.shape[1] // 2
    dy, current = np.zeros(n_states), np.zeros(s.size)
    dt = sample / steps
    for n in range(drive.shape[0]):
        for step in range(steps if n + 1 < drive.shape[0] else 1):
            part = step / steps
            for j in range(driven.size):
                y[driven[j]] = drive[n, j]
                if n + 1 < drive.shape[0]:
                    y[driven[j]] += part * (drive[n + 1, j] - drive[n, j])
            i, w = row_below(y[driven[0]], v_low, per_mV, columns.shape[0])
            rhs(y, k, s, columns[i], columns[i + 1], w, 0.0, dy, current)
            if step == 0:
                for j in range(picks.size):
                    p = picks[j]
                    out[n, j] = y[p] if p < n_states else current[p - n_states]
            if n + 1 < drive.shape[0]:
                middle = y[driven[0]] + 0.5 / steps * (drive[n + 1, 0] - drive[n, 0])
                move_gates(y, n_gates, middle, dt, gates, v_low, per_mV)
            for j in range(n_gates, n_states):
                y[j] += dt * dy[j]
