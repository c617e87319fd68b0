"""The script of plotly's figures in a page: where it lies, and the name that a page may keep it under.

Server and kernel both need it, and neither needs plotly itself loaded for that.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path


@lru_cache(maxsize=1)
def script() -> bytes:
    """plotly's script for widgets (an ES module, some 5 MB), as the installed plotly has it."""
    found = find_spec("plotly")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("plotly is not installed", name="plotly")
    return (Path(found.origin).parent / "package_data" / "widgetbundle.js").read_bytes()


@lru_cache(maxsize=1)
def script_name() -> str:
    """A file name that changes with the content, so that a copy under it never grows old."""
    return f"plotly-{hashlib.sha256(script()).hexdigest()[:16]}.js"


@lru_cache(maxsize=1)
def packed_script() -> bytes:
    """`script`, packed by gzip: some 1.5 MB."""
    return gzip.compress(script(), compresslevel=6, mtime=0)
