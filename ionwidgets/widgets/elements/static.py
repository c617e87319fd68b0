"""Where the JavaScript and the style sheet lie."""

from pathlib import Path

STATIC = Path(__file__).parent.parent / "static"
