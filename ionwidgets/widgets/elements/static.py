"""Where the JavaScript and the style sheet lie."""

from pathlib import Path

STATIC = Path(__file__).parent.parent / "static"


def joined(*names: str) -> str:
    """Scripts as one module: a widget's is all that anywidget loads."""
    return "\n".join((STATIC / name).read_text(encoding="utf-8") for name in names)
