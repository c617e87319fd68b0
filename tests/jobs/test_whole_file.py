"""Whole and old, or whole and new."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ionwidgets.jobs.whole_file import whole_file


def test_a_file_is_replaced_when_the_block_ends_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text("old")
    with whole_file(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_the_old_file_is_there_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "run.json"
    path.write_text("old")
    with pytest.raises(error), whole_file(path) as part:
        part.write_text("hal")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_threads_that_write_the_same_file_do_not_mix(tmp_path: Path) -> None:
    path, meet = tmp_path / "run.json", threading.Barrier(4)
    errors: list[BaseException] = []

    def write(letter: str) -> None:
        try:
            with whole_file(path) as part, part.open("w") as file:
                for _ in range(100):
                    file.write(letter * 100)
                file.flush()
                meet.wait(20)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    text = path.read_text()
    assert len(text) == 10_000 and len(set(text)) == 1
    assert list(tmp_path.iterdir()) == [path]
