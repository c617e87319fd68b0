"""Small models written for tests, as `.mmt` text."""

from __future__ import annotations

HEAD = """\
[[model]]
name: handwritten
{initial}
[engine]
time = 0 bind time
pace = 0 bind pace
[stimulus]
amplitude = {amplitude} label stimulus_amplitude
duration = 1 label stimulus_duration
I_stim = engine.pace * amplitude label stimulus_current
"""

# Hodgkin and Huxley, J Physiol 117, 500-544 (1952), rest at -65 mV; alpha_m, alpha_n are 0/0 at -40, -55 mV.
HODGKIN_HUXLEY = (
    HEAD.format(
        initial="membrane.V = -65\nna.m = 0.05293\nna.h = 0.59612\nk.n = 0.31768",
        amplitude=-20,
    )
    + """
[membrane]
C = 1
dot(V) = -(na.I_Na + k.I_K + leak.I_leak + stimulus.I_stim) / C
    label membrane_potential
[na]
use membrane.V as V
g_Na = 120
E_Na = 50
I_Na = g_Na * m^3 * h * (V - E_Na)
dot(m) = a * (1 - m) - b * m
    a = if(abs(V + 40) < 0.01, 1 + (V + 40) / 20, 0.1 * (V + 40) / (1 - exp(-(V + 40) / 10)))
    b = 4 * exp(-(V + 65) / 18)
dot(h) = a * (1 - h) - b * h
    a = 0.07 * exp(-(V + 65) / 20)
    b = 1 / (1 + exp(-(V + 35) / 10))
[k]
use membrane.V as V
g_K = 36
E_K = -77
I_K = g_K * n^4 * (V - E_K)
dot(n) = a * (1 - n) - b * n
    a = if(abs(V + 55) < 0.01, 0.1 + (V + 55) / 200, 0.01 * (V + 55) / (1 - exp(-(V + 55) / 10)))
    b = 0.125 * exp(-(V + 65) / 80)
[leak]
g_leak = 0.3
E_leak = -54.387
I_leak = g_leak * (membrane.V - E_leak)
"""
)

UNGUARDED_HODGKIN_HUXLEY = HODGKIN_HUXLEY.replace(
    "if(abs(V + 40) < 0.01, 1 + (V + 40) / 20, 0.1 * (V + 40) / (1 - exp(-(V + 40) / 10)))",
    "0.1 * (V + 40) / (1 - exp(-(V + 40) / 10))",
).replace(
    "if(abs(V + 55) < 0.01, 0.1 + (V + 55) / 200, 0.01 * (V + 55) / (1 - exp(-(V + 55) / 10)))",
    "0.01 * (V + 55) / (1 - exp(-(V + 55) / 10))",
)


def one_gate_model(equation: str, *, nested: str = "", dvdt: str = "-(k.I_K + stimulus.I_stim)") -> str:
    """A model with V, Ca_i and one state x whose derivative is `equation` (V and Ca_i by these names).

    `nested` are lines of variables of component k, the current I_K = g_K x (V + 85) is there already.
    """
    return (
        HEAD.format(initial="membrane.V = -80\nk.x = 0.1\ncalcium.Ca_i = 1e-4", amplitude=-20)
        + f"""
[membrane]
dot(V) = {dvdt}
    label membrane_potential
[calcium]
dot(Ca_i) = (1e-4 - Ca_i) / 100
[k]
use membrane.V as V, calcium.Ca_i as Ca_i
g_K = 0.1
I_K = g_K * x * (V + 85)
inf = 1 / (1 + exp((-20 - V) / 7))
tau = 5 + 50 * exp(-(V + 30)^2 / 400)
alpha = inf / tau
beta = (1 - inf) / tau
dot(x) = {equation}
{nested}
"""
    )
