"""What the tests of the command line share."""

from __future__ import annotations


def one_line(answer: tuple[int, str, str]) -> str:
    """The single line on stderr of a command that was refused."""
    code, out, err = answer
    assert (code, out) == (2, ""), answer
    assert err.startswith("ionwidgets: ") and err.count("\n") == 1 and err.endswith("\n"), err
    return err
