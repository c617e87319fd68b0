"""Gaussian elimination of a small sparse system, one pattern of whose entries at a time is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ionwidgets.simulation.llvm_ir import Value


def elimination_order(pattern: set[tuple[int, int]], size: int) -> list[int]:
    """Rows in an order that fills in few entries: of least degree first (Markowitz 1957)."""
    entries, left, order = set(pattern), set(range(size)), []
    while left:
        pivot = min(left, key=lambda i: (sum((i, j) in entries or (j, i) in entries for j in left), i))
        left.discard(pivot)
        order.append(pivot)
        rows = [i for i in left if (i, pivot) in entries]
        columns = [j for j in left if (pivot, j) in entries]
        entries |= {(i, j) for i in rows for j in columns}
    return order


def eliminate(J: Mapping[tuple[int, int], Value], g: Value, x: Sequence[Value]) -> list[Value]:
    """The solution x' of (1 - g J) x' = x, with J's entries by row and column where there are any.

    Computed as if with numbers, entry by entry, so that values which stand for numbers write it out. No
    pivoting: J is that of relaxing states, whose 1 - g J has a dominant diagonal.
    """
    size, solved = len(x), list(x)
    order = elimination_order(set(J), size)
    a: dict[tuple[int, int], Value | float] = {(i, i): 1.0 for i in range(size)}
    for entry in J:
        a[entry] = a.get(entry, 0.0) - g * J[entry]
    for n, p in enumerate(order):
        later = order[n + 1 :]
        columns = [j for j in later if (p, j) in a]
        for i in (i for i in later if (i, p) in a):
            f = a[i, p] / a[p, p]
            for j in columns:
                a[i, j] = a.get((i, j), 0.0) - f * a[p, j]
            solved[i] = solved[i] - f * solved[p]
    for n, p in reversed(list(enumerate(order))):
        for j in order[n + 1 :]:
            if (p, j) in a:
                solved[p] = solved[p] - a[p, j] * solved[j]
        solved[p] = solved[p] / a[p, p]
    return solved
