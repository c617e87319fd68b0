"""What a recording cannot tell apart is named so that a reader can tell it apart."""

from __future__ import annotations

from types import SimpleNamespace

from ionwidgets.discovery.change import Change
from ionwidgets.discovery.finding import _rivals
from ionwidgets.models import load_model

SHIFT, SLOPE, TAU = (Change(kind, "f") for kind in ("v_half", "slope", "tau"))


def test_rivals_of_the_same_gate_are_named_by_what_they_change() -> None:
    judged = SimpleNamespace(changes={SHIFT: -6.0}, rivals=[SLOPE, Change("scale", "I_CaL"), TAU])
    assert _rivals(load_model("tnnp2004:M"), judged) == ["gate:f slope", "g_CaL", "gate:f tau"]


def test_two_changes_of_another_gate_are_one_rival() -> None:
    judged = SimpleNamespace(changes={Change("scale", "I_CaL"): -0.5}, rivals=[SLOPE, TAU])
    assert _rivals(load_model("tnnp2004:M"), judged) == ["gate:f"]
