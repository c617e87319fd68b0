"""One slider a conductance: 0, then 0.05 to 4 times control on a log scale."""

from __future__ import annotations

from typing import Final

from traitlets import Dict, Float, List

from ionwidgets.widgets.elements.static import joined
from ionwidgets.widgets.elements.told import Told

# 16 stops an octave, three digits each, so that the readout is exactly what is simulated; 1, 0.25, 0.5, 2
# and 4 are among them. 0 (blocked) has its own stop at the left end, where a logarithm has none.
SCALE_STOPS: Final = [0.0, 0.05, *(float(f"{2 ** (step / 16):.3g}") for step in range(-68, 33))]


class ConductanceSliders(Told):
    """`scale` maps the conductances that differ from control to their factor.

    `conductances` lists {"name": "g_Kr", "note": "0.096 mS/µF"} in the order of display.
    """

    of = "scale"
    _esm = joined("told.js", "sliders.js")
    conductances = List(Dict()).tag(sync=True)
    stops = List(Float(), SCALE_STOPS).tag(sync=True)
    scale = Dict()
