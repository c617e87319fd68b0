"""Gaussian elimination of a small sparse system, written out as straight code for one pattern of entries."""

from __future__ import annotations

from collections.abc import Sequence


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


def write_solve(pattern: Sequence[tuple[int, int]], size: int) -> list[str]:
    """Lines of ``solve(slopes, g, x)``: x becomes the solution of (1 - g J) x' = x.

    slopes[n] is the entry pattern[n] of J. No pivoting: J is that of relaxing states, whose 1 - g J has a
    dominant diagonal.
    """
    place = {entry: n for n, entry in enumerate(pattern)}
    order = elimination_order(set(pattern), size)
    present = set(place) | {(i, i) for i in range(size)}
    lines = [
        f"    a{i}_{j} = {'1.0' if i == j else '0.0'}"
        + (f" - g * slopes[{place[i, j]}]" if (i, j) in place else "")
        for i, j in sorted(present)
    ]
    lines += [f"    x{i} = x[{i}]" for i in range(size)]
    for n, p in enumerate(order):
        later = order[n + 1 :]
        columns = [j for j in later if (p, j) in present]
        for i in (i for i in later if (i, p) in present):
            lines.append(f"    f = a{i}_{p} / a{p}_{p}")
            for j in columns:
                before = f"a{i}_{j} - " if (i, j) in present else "-"
                lines.append(f"    a{i}_{j} = {before}f * a{p}_{j}")
                present.add((i, j))
            lines.append(f"    x{i} = x{i} - f * x{p}")
    for n in reversed(range(size)):
        p = order[n]
        sums = "".join(f" - a{p}_{j} * x{j}" for j in order[n + 1 :] if (p, j) in present)
        lines.append(f"    x{p} = (x{p}{sums}) / a{p}_{p}")
    return [*lines, *(f"    x[{i}] = x{i}" for i in range(size))]
