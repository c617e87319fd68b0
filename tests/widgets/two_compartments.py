"""A cell of two compartments with two stimuli, which can be read in more than one way."""

TWO_COMPARTMENTS = """\
[[model]]
name: two_compartments
soma.Vs = -65
soma.n = 0.3
dendrite.Vd = -65

[engine]
time = 0 [ms] bind time
    in [ms]
pace = 0 bind pace

[soma]
dot(Vs) = -(I_K + I_link + I_near + I_far)
    in [mV]
dot(n) = (1 / (1 + exp(-(Vs + 40 [mV]) / 9 [mV])) - n) / 5 [ms]
I_K = g_K * n^4 * (Vs + 77 [mV])
    in [A/F]
g_K = 0.36 [mS/uF]
    in [mS/uF]
I_link = g_link * (Vs - dendrite.Vd)
    in [A/F]
g_link = 0.1 [mS/uF]
    in [mS/uF]
I_near = engine.pace * -20 [A/F]
    in [A/F]
I_far = engine.pace * 0 [A/F]
    in [A/F]

[dendrite]
use soma.Vs as Vs
dot(Vd) = -0.1 [mS/uF] * (Vd - Vs)
    in [mV]
"""
