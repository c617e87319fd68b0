"""Step 5: the finding's traces, cut for drawing."""

from __future__ import annotations

from typing import Any

from traitlets import HasTraits

from ionwidgets.discovery.comparison import compared
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.session import Session


class InterpretState(HasTraits):
    """`comparison` follows the session's result."""

    comparison = Reference(None, allow_none=True)

    def __init__(self, session: Session, **traits: Any) -> None:
        super().__init__(**traits)
        self.session = session
        session.observe(self._on_result, "result")
        self._on_result()

    def _on_result(self, _: Any = None) -> None:
        result = self.session.result
        self.comparison = None if result is None else compared(result)
