"""A trait that holds any object, and tells of a change when it is another object."""

from __future__ import annotations

from typing import Any

from traitlets import Any as AnyTrait
from traitlets import HasTraits


class Reference(AnyTrait):
    """Compared by identity: `==` of Datasets is a Dataset, and its truth says nothing."""

    def set(self, obj: HasTraits, value: Any) -> None:
        old = self.get(obj)
        name = str(self.name)
        obj._trait_values[name] = value
        if old is not value:
            obj._notify_trait(name, old, value)
