"""The paper's experiments, all of them: read experiments, folder, train, measure, every_run; then reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ionwidgets.discovery.reproduction.reading import Reproduced, read_reproduction, shipped_reproduction

if TYPE_CHECKING:
    from ionwidgets.discovery.reproduction.every_run import reproduce

__all__ = ["Reproduced", "read_reproduction", "reproduce", "shipped_reproduction"]


def __getattr__(name: str) -> Any:
    # It brings torch, and what was made before is shown without it.
    if name == "reproduce":
        from ionwidgets.discovery.reproduction.every_run import reproduce

        return reproduce
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
