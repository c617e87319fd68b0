"""Screenshots held against kept ones, small enough that one font's edges look like another's.

A screenshot is shrunk to an eighth. What differs then is not how a letter is drawn but that something is
missing, has moved, or has another colour: told by the mean over tiles of 64 px of the page.
`IONWIDGETS_KEEP_LOOKS=1` writes the kept pictures anew; look at them before they are committed.
"""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

KEPT = Path(__file__).parents[1] / "data" / "looks"
SHRINK, TILE = 8, 8  # px of the page a px of the picture; px of the picture a tile
TALLER = 0.06  # of the height: another font breaks lines elsewhere
MEAN, WORST = 6.0, 64.0  # of 255: mean over the page, and of the tile that differs most


def shrunk(png: bytes) -> Image.Image:
    """An eighth of a screenshot, each px the mean of 64."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    width, height = (max(1, round(side / SHRINK)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BOX)


def difference(one: Image.Image, other: Image.Image) -> tuple[float, float]:
    """Mean difference over all tiles, and of the one that differs most, 0 to 255.

    `other` is stretched to the size of `one`.
    """
    tiles = -(-one.width // TILE), -(-one.height // TILE)
    values = [np.asarray(picture.resize(tiles, Image.Resampling.BOX), float) for picture in (one, other)]
    apart = np.abs(values[0] - values[1]).mean(2)
    return float(apart.mean()), float(apart.max())


def check(name: str, png: bytes) -> None:
    """AssertionError where the screenshot is not the kept one's like; writes it where one keeps anew."""
    seen, path = shrunk(png), KEPT / f"{name}.png"
    if os.environ.get("IONWIDGETS_KEEP_LOOKS"):
        KEPT.mkdir(exist_ok=True)
        seen.save(path, optimize=True)
        return
    with Image.open(path) as file:
        kept = file.convert("RGB")
    assert seen.width == kept.width, f"{name}: the page is {seen.width * SHRINK} px wide"
    taller = abs(seen.height - kept.height) / kept.height
    assert taller <= TALLER, f"{name}: {seen.height * SHRINK} px high, kept {kept.height * SHRINK}"
    mean, worst = difference(kept, seen)
    assert mean <= MEAN and worst <= WORST, f"{name}: differs by {mean:.1f} of 255, {worst:.0f} in one tile"
