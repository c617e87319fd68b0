"""States that hear of other states for as long as somebody needs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from traitlets import HasTraits


class Listening(HasTraits):
    """A state that observes others, its session first of all, until it is closed.

    Whom it observes holds it, and through it every panel that shows it, for as long as a session lives.
    """

    _heard: tuple[tuple[HasTraits, Callable[[Any], None], str | list[str]], ...] = ()

    def hear(self, other: HasTraits, handler: Callable[[Any], None], names: str | list[str]) -> None:
        """Call `handler`, as `other.observe` does, until this is closed."""
        other.observe(handler, names)
        self._heard = (*self._heard, (other, handler, names))

    def close(self) -> None:
        """Hear of nothing any more; may be said twice."""
        heard, self._heard = self._heard, ()
        for other, handler, names in heard:
            other.unobserve(handler, names)
