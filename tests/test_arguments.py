"""What the command line's words mean, where no command has to run for it."""

from __future__ import annotations

import pytest

from ionwidgets.cli.arguments import cycle_lengths
from ionwidgets.errors import IonWidgetsError


def test_ranges_and_numbers_may_be_mixed() -> None:
    assert cycle_lengths("1000, 300:400:50,280.5") == [1000.0, 300.0, 350.0, 400.0, 280.5]


@pytest.mark.parametrize(("text", "count"), [("1:20000:1", "20000"), ("0:1e308:1e-300", "inf")])
def test_a_range_of_too_many_cells_is_refused(text: str, count: str) -> None:
    with pytest.raises(IonWidgetsError, match=f"{text}: {count} cells are too many; at most 10000"):
        cycle_lengths(text)
