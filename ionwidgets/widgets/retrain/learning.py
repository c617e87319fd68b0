"""A network for a model that none has learnt yet: what it takes is kept as a training of step 3 is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ionwidgets.errors import TrainingError
from ionwidgets.jobs import Control
from ionwidgets.models import IonicModel
from ionwidgets.widgets.learn.kept import Kept


def learn_first(
    learn: Callable[..., Any], model: IonicModel, kept: Kept, progress: Control, seed: int | None = None
) -> Any:
    """``learn(model)``, from where a training of it was interrupted; another page's is left alone.

    `seed`: of the weights; None for 0, or that of the training that is gone on with.
    """
    with kept.held() as ours:
        if not ours:
            return learn(model, seed=seed or 0, progress=progress)
        found = None
        with suppress(ValueError):  # `learn` meets it too
            found = kept.look()
        begun = None if found is None else found.seed
        if begun is not None and seed not in (None, begun):
            kept.forget()
            begun = None
        try:
            return kept.learn(learn, model, seed=seed or 0 if begun is None else begun, progress=progress)
        except TrainingError as error:
            if not kept.is_unusable(error):
                raise
        kept.set_aside()
        return kept.learn(learn, model, seed=seed or 0, progress=progress)
