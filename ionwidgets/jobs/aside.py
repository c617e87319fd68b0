"""Work that cannot be told to stop (an import, a compilation), so that the job around it still can."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

PERIOD = 0.05  # s


def aside(alive: Callable[[], None] | None, work: Callable[[], T]) -> T:
    """`work()`, in a thread of its own while this one calls `alive` every 50 ms; here, where there is none.

    What `alive` raises ends the waiting: `work` then runs to its end unheard, so it should take seconds at
    most and change nothing that others see.
    """
    if alive is None:
        return work()
    answer: dict[str, Any] = {}
    ended = threading.Event()

    def run() -> None:
        try:
            answer["value"] = work()
        except BaseException as error:
            answer["error"] = error
        finally:
            ended.set()

    threading.Thread(target=run, name="ionwidgets-aside", daemon=True).start()
    while not ended.wait(PERIOD):
        alive()
    if "error" in answer:
        raise answer["error"]
    return answer["value"]
