"""Files damaged at random end in a table or in one RecordingError, soon, and never in a crash."""

from __future__ import annotations

from pathlib import Path

import pytest
from damaged_files import HDF5, outcome, tried, tried_apart
from format_examples import EXAMPLES
from recordings.mutations import mutate

QUICK = 200
THOROUGH = 10_000  # files together, the formats shared alike


def test_damage_is_the_same_for_the_same_seed_and_changes_the_file() -> None:
    sound = bytes(range(256)) * 20
    damaged = [mutate(sound, seed) for seed in range(50)]
    assert damaged == [mutate(sound, seed) for seed in range(50)]
    assert sum(found != sound for found in damaged) >= 48 and len(set(damaged)) >= 48
    assert mutate(b"", 0) == b""


@pytest.mark.parametrize("example", [name for name in EXAMPLES if name not in HDF5])
def test_damaged_file_is_a_table_or_one_error(example: str, tmp_path: Path) -> None:
    found, _ = tried(tmp_path, example, range(QUICK))
    assert sum(found.values()) == QUICK and found["error"] > QUICK // 4


@pytest.mark.parametrize("example", HDF5)
def test_damaged_hdf5_is_a_table_or_one_error(example: str, tmp_path: Path) -> None:
    check(example, tmp_path, range(QUICK))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("example", EXAMPLES)
def test_no_damaged_file_ends_the_process(example: str, tmp_path: Path) -> None:
    check(example, tmp_path, range(10_000, 10_000 - (-THOROUGH // len(EXAMPLES))))


def check(example: str, folder: Path, seeds: range) -> None:
    """In another process; what ends that one, as HDF5's library may, is an error to who opens the file."""
    found, ends = tried_apart(folder, example, seeds)
    assert sum(found.values()) == len(seeds) and found["error"] > len(seeds) // 4
    assert not ends or example in HDF5, ends
    path = EXAMPLES[example](folder)
    sound = path.read_bytes()
    for seed in ends:
        path.write_bytes(mutate(sound, seed))
        assert outcome(path) == "error"
