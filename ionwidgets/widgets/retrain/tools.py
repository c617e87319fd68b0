"""The functions that retrain; they bring torch (2 s), so not before they are needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ionwidgets.jobs import Control, aside


@dataclass(frozen=True)
class Tools:
    """As the packages have them."""

    learn: Callable[..., Any]
    learn_as_published: Callable[..., Any]
    discover: Callable[..., Any]
    eta_trade_off: Callable[..., Any]
    taught_model: Callable[..., Any]


def load_tools(control: Control) -> Tools:
    """Import them; a stop is heard meanwhile."""

    def load() -> Tools:
        from ionwidgets import discovery, gnn
        from ionwidgets.discovery.conditions import taught_model
        from ionwidgets.discovery.trade_off import eta_trade_off
        from ionwidgets.gnn.paper import learn_as_published

        return Tools(gnn.learn, learn_as_published, discovery.discover, eta_trade_off, taught_model)

    return aside(lambda: control.report(0.0, "Loading PyTorch"), load)
