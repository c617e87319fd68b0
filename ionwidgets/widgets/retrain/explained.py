"""What step 4 shows, with its equation."""

from __future__ import annotations

WHAT = (
    "What am I looking at? How much of what was observed each single change explains.",
    "<p>The gates h of the network become h′, and every current X is scaled by s<sub>X</sub>, until</p>"
    "<math display='block'><mi>L</mi><mo>=</mo><mi>q</mi><mspace width='0.2em'/><mtext>misfit</mtext>"
    "<mo>(</mo><mi>h</mi><mo>′</mo><mo>,</mo><mi>s</mi><mo>)</mo><mo>+</mo><mi>η</mi><mo>⟨</mo><mi>c</mi>"
    "<mo>|</mo><mi>h</mi><mo>−</mo><mi>h</mi><mo>′</mo><mo>|</mo><mo>⟩</mo><mo>+</mo><msub><mi>η</mi>"
    "<mi>s</mi></msub><munder><mo>∑</mo><mi>X</mi></munder><mo>|</mo><mi>ln</mi><msub><mi>s</mi><mi>X</mi>"
    "</msub><mo>|</mo></math>"
    "<p>is least. With the ODE as decoder the misfit is the share of (dV/dt)² that the model's currents "
    "leave; with the emulator it is how far the next V and Ca_i are missed. η is the price of moving a gate, "
    "η<sub>s</sub> (3·10⁻⁵) of scaling a current, so that what the recording does not ask for stays; c says "
    "where the recording tells little of a gate. A bar is the share of the squared residual that this change "
    "alone takes away. What is proposed so is then fitted through the model's equations, which decide.</p>",
)
