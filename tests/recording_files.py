"""Recordings written for tests, as text files."""

from __future__ import annotations

from pathlib import Path

TIDY = "cycle_length [ms],time [ms],V [mV],Ca_i [mM]"


def made(folder: Path, text: str | bytes, name: str = "cell.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows(count: int = 20, line: str = "400,{i},-80.5,1e-4") -> list[str]:
    return [line.format(i=i) for i in range(count)]


def tidy(*, count: int = 20, change: dict[int, str] | None = None, header: str = TIDY) -> str:
    """A tidy file whose line numbers (from 1, the header) are replaced as `change` says."""
    lines = [header, *rows(count)]
    for number, line in (change or {}).items():
        lines[number - 1] = line
    return "\n".join(lines) + "\n"


# Forms
