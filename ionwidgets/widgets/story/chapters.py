"""What is said above the panels of each step."""

from __future__ import annotations

from typing import Final

from ionwidgets.widgets.formula import formula

QUESTION: Final = (
    "<h2>A cell has changed, and one sees only its voltage</h2>"
    "<p>Three cells of Iravanian (arXiv:2011.07388): of each one conductance was changed, and "
    "V<sub>m</sub> and [Ca<sup>2+</sup>]<sub>i</sub> were recorded. The figure has the changed cell in "
    "orange and the control in grey. What opens and closes the channels, the Hodgkin-Huxley gates, no "
    "electrode shows:</p>"
    + formula("{d h}/{d t} = {h_∞(V_m) - h}/{τ(V_m)}")
    + "<p>Choose one. Could you tell from the traces alone which current it is?</p>"
)
STAGE_1: Final = (
    "<h2>Stage one: a network learns the theory</h2>"
    "<p>A recurrent network with a gating layer learns h<sub>∞</sub> and τ of every gate from the "
    "model's equations. It is shipped, so that nothing needs to be trained; Train does it anew, in "
    "seconds. The curves below have the model's gates and the network's, one upon the other where it "
    "has learnt them.</p>"
)
STAGE_2: Final = (
    "<h2>Stage two: it is shown the recording</h2>"
    "<p>The network is retrained on the recording; what it moves, at the price η of moving a gate, "
    "proposes changes, and fits through the model's own equations settle which of them stand. The bars "
    "have what each change alone explains, as stored; Retrain makes it all again here.</p>"
)
CHANGE: Final = (
    "<h2>What has changed</h2>"
    "<p>The finding, then the recorded beat beside the found cell's, also at cycle lengths that were "
    "never recorded, then gates and currents. A network may express a smaller current by a gate that "
    "opens less; that is why the fit has the last word.</p>"
)
PAPER: Final = (
    "<h2>Beside the paper</h2>"
    "<p>The recipe as published, and ours, on the same three cells at twenty η each: figures 2 to 7 "
    "from our own runs. By the published recipe none of the three was found in these runs; the table "
    "says what was.</p>"
)
