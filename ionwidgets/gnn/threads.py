"""Threads for small matrices: one for torch, and shares of our own where there is enough to share.

Torch's own threads meet at a barrier after every operation, and burn the cores there while others want them.
A share goes through everything on its own, and nobody waits before the end.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def in_shares(work: Callable[[int, int], None], size: int, worth: int, multiple: int = 1) -> None:
    """Call ``work(first, last)`` on shares of ``0:size``, each on a thread of its own and without gradients.

    `worth`: how many threads there is work for; as many at most as torch has been given
    (``torch.get_num_threads()``). `multiple`: what a share's size must be a multiple of. Within a share torch
    has one thread. The first share is the calling thread's.
    """
    threads = max(1, min(torch.get_num_threads(), worth))
    share = max(1, -(-size // (threads * multiple))) * multiple

    def one(first: int) -> None:
        with torch.no_grad():
            work(first, min(first + share, size))

    with one_thread():
        others = [_pool.submit(one, first) for first in range(share, size, share)]
        one(0)
        for other in others:
            other.result()


def _new_pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(
        os.cpu_count(), thread_name_prefix="shares", initializer=torch.set_num_threads, initargs=(1,)
    )


# The pool is ours because numba's own (prange on the workqueue layer) must not be entered from two Python
# threads at once, and here a slider may compute while a network trains.  It starts none before its use.
_pool = _new_pool()


def _renew_pool() -> None:
    # A forked child inherits the pool's books but not its threads, and would wait for them for ever.
    global _pool
    _pool = _new_pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_pool)
