"""Where the JavaScript and the style sheet lie."""

from pathlib import Path

STATIC = Path(__file__).parent.parent / "static"


def joined(*names: str) -> str:
    """Scripts as one module, or style sheets as one: a widget's is all that anywidget loads.

    As text: of a file, anywidget tells every widget when it changes, and so holds each for ever.
    """
    return "\n".join((STATIC / name).read_text(encoding="utf-8") for name in names)
