"""Tables and lists as HTML; every text that comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from ionwidgets.symbols import marked


class Markup(str):
    """Text that is HTML already; anything else is escaped."""


def text(value: object) -> str:
    """`value` as HTML."""
    return str(value) if isinstance(value, Markup) else escape(str(value))


def table(
    caption: str,
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    numbers: Iterable[int] = (),
    kinds: Sequence[str] = (),
) -> str:
    """A table; the first column names its row, columns in `numbers` are set to the right.

    `kinds`: the CSS class of every row, "" where it has none; none at all where left out.
    """
    right = set(numbers)
    kind = [' class="is-number"' if column in right else "" for column in range(len(header))]
    head = "".join(
        f'<th scope="col"{kind[i]}>{text(name)}</th>' if name else "<td></td>"
        for i, name in enumerate(header)
    )
    body = "".join(
        (f'<tr class="{kinds[place]}">' if kinds and kinds[place] else "<tr>")
        + "".join(
            f'<th scope="row">{text(cell)}</th>' if i == 0 else f"<td{kind[i]}>{text(cell)}</td>"
            for i, cell in enumerate(row)
        )
        + "</tr>"
        for place, row in enumerate(rows)
    )
    return (
        f'<div class="ionw-table" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption><span>{text(caption)}</span></caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def named(plain: str) -> Markup:
    """Text with the names in it as they are printed: "I_Kr" with Kr lowered."""
    return Markup(marked(plain))


def became(*values: str) -> Markup:
    """A number, or two of them as before → after; each stays whole where the place is narrow."""
    return Markup(" → ".join(map(whole, values)))


def whole(value: str) -> Markup:
    """What is never parted between two lines."""
    return Markup(f'<span class="ionw-whole">{text(value)}</span>')


def facts(pairs: Mapping[str, object]) -> str:
    """Names and values, one pair a line."""
    return (
        "<dl>"
        + "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in pairs.items())
        + "</dl>"
    )


def reasons(why: Sequence[str]) -> str:
    """Why a button is disabled."""
    return (
        f'<ul class="ionw-blockers">{"".join(f"<li>{text(line)}</li>" for line in why)}</ul>' if why else ""
    )


def problem(line: str) -> str:
    """One line that says what is wrong."""
    return f'<p class="ionw-problem" role="alert">{text(line)}</p>' if line else ""


def explain(line: str, paragraph: str) -> str:
    """What one is looking at: a line that opens a paragraph (HTML, with the equation) when asked."""
    return f'<details class="ionw-explain"><summary>{text(line)}</summary><div>{paragraph}</div></details>'
