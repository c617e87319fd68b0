"""A number that may be typed or slid."""

from __future__ import annotations

from traitlets import Float, Unicode

from ionwidgets.widgets.elements.static import joined
from ionwidgets.widgets.elements.told import Told


class Amount(Told):
    """`value` of `unit`, from 0 on; the slider goes from `low` to `high` on a logarithmic scale."""

    _esm = joined("told.js", "amount.js")
    label = Unicode().tag(sync=True)
    unit = Unicode().tag(sync=True)
    value = Float(0.0)
    low = Float(0.001).tag(sync=True)
    high = Float(1000.0).tag(sync=True)
