"""A training that is interrupted goes on from its file, and ends as if nothing had been: bit by bit."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from ionwidgets.errors import TrainingError
from ionwidgets.gnn import Network, Stage1, checkpoint, descent, learn
from ionwidgets.jobs import Cancelled
from ionwidgets.models import IonicModel, load_model

SETTINGS = Stage1(step_mV=4.0, adam_updates=50, lbfgs_updates=150, lbfgs_history=10)
CHUNK, TOLD_EVERY = 20, 3  # updates
REPORTS = (50 + 150) // TOLD_EVERY
learning = import_module("ionwidgets.gnn.learn")  # the name in ionwidgets.gnn is the function


class Interrupted:
    """A control that stops the work at its `stop_at`-th report, having done `before` at each."""

    def __init__(self, stop_at: int | None = None, before: Callable[[int], None] = lambda n: None) -> None:
        self.stop_at, self.before, self.updates = stop_at, before, []

    def report(self, fraction: float, message: str, **facts: Any) -> None:
        if facts.get("update") in (None, *self.updates[-1:]):  # it only says that it is alive
            return
        self.updates.append(facts["update"])
        self.before(len(self.updates))
        if len(self.updates) == self.stop_at:
            raise Cancelled


@pytest.fixture(scope="module", autouse=True)
def _small_chunks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(descent, "CHUNK", CHUNK)
        patch.setattr(learning, "TOLD_EVERY", TOLD_EVERY)
        yield


@pytest.fixture(scope="module")
def model() -> IonicModel:
    return load_model("hh1952")


def train(model: IonicModel, **options: Any) -> Network:
    return learn(model, **{"fresh": True, "settings": SETTINGS} | options)


@pytest.fixture(scope="module")
def whole(model: IonicModel) -> Network:
    return train(model)


def same(a: Network, b: Network) -> bool:
    ours, theirs = a.module.state_dict(), b.module.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize("seed", range(6))
def test_whenever_it_is_interrupted_it_ends_the_same(
    model: IonicModel, whole: Network, tmp_path: Path, seed: int
) -> None:
    file, chance = tmp_path / "run.safetensors", np.random.default_rng(seed)
    for _ in range(3):
        listener = Interrupted(int(chance.integers(1, REPORTS // 3)))
        with pytest.raises(Cancelled):
            train(model, checkpoint=file, progress=listener)
    resumed = train(model, checkpoint=file)
    assert same(resumed, whole) and resumed.card == whole.card


def test_it_goes_on_rather_than_beginning_again(model: IonicModel, tmp_path: Path) -> None:
    file, first = tmp_path / "run.safetensors", Interrupted(30)
    with pytest.raises(Cancelled):
        train(model, checkpoint=file, progress=first)
    second = Interrupted(1)
    with pytest.raises(Cancelled):
        train(model, checkpoint=file, progress=second)
    assert second.updates[0] > first.updates[-1] - 1.5 * CHUNK
    assert [path.name for path in tmp_path.iterdir()] == [file.name], "nothing half-written stays"


def test_what_is_killed_goes_on_from_the_last_writing(
    model: IonicModel, whole: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    file, copies = tmp_path / "run.safetensors", []

    def copy(n: int) -> None:
        if n % 13 == 0:
            copies.append(shutil.copy(file, tmp_path / f"killed-{n}.safetensors"))

    assert same(train(model, checkpoint=file, progress=Interrupted(before=copy)), whole)
    assert len(copies) >= 3
    for killed in copies:
        assert same(train(model, checkpoint=killed), whole)


def test_it_is_written_every_few_seconds_and_no_more(
    model: IonicModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, written = [0.0], []
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    save = checkpoint.save_tensors

    def count(*args: Any) -> None:
        written.append(now[0])
        save(*args)

    monkeypatch.setattr(checkpoint, "save_tensors", count)

    def tick(n: int) -> None:
        now[0] += 1.0

    train(model, checkpoint=tmp_path / "run.safetensors", progress=Interrupted(before=tick))
    assert len(written) >= 4, "at its beginning, between, and at its end"
    assert all(b - a >= checkpoint.EVERY for a, b in pairwise(written[:-1]))


def test_a_finished_one_gives_its_network_at_once(model: IonicModel, whole: Network, tmp_path: Path) -> None:
    file = tmp_path / "run.safetensors"
    train(model, checkpoint=file)
    again = Interrupted()
    assert same(train(model, checkpoint=file, progress=again), whole) and again.updates == []


def test_a_checkpoint_means_a_training_even_of_a_shipped_model(model: IonicModel, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        learn(model, checkpoint=tmp_path / "run.safetensors", progress=Interrupted(1))
    assert (tmp_path / "run.safetensors").exists()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"seed": 1}, "seed 0, here 1"),
        ({"settings": replace(SETTINGS, adam_rate=1e-3)}, "settings "),
        ({"model": "br1977"}, "model hh1952, here br1977"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(
    model: IonicModel, tmp_path: Path, other: dict[str, Any], said: str
) -> None:
    file = tmp_path / "run.safetensors"
    with pytest.raises(Cancelled):
        train(model, checkpoint=file, progress=Interrupted(1))
    before = file.read_bytes()
    cell = load_model(other.pop("model")) if "model" in other else model
    with pytest.raises(TrainingError, match=f"run.safetensors: a checkpoint of another training .*{said}"):
        train(cell, checkpoint=file, **other)
    assert file.read_bytes() == before


def test_a_checkpoint_of_another_version_is_refused(
    model: IonicModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "run.safetensors"
    with pytest.raises(Cancelled):
        train(model, checkpoint=file, progress=Interrupted(1))
    monkeypatch.setattr(learning, "__version__", "99.0")
    with pytest.raises(TrainingError, match=r"versions .*, here ionwidgets 99\.0"):
        train(model, checkpoint=file)


def test_a_wrong_file_is_one_line(model: IonicModel, tmp_path: Path) -> None:
    text, network, cut, bare = (tmp_path / f"{name}.safetensors" for name in ("text", "net", "cut", "bare"))
    text.write_text("time [ms],V [mV]\n0,-80\n", encoding="utf-8")
    learn(model).save(network)
    with pytest.raises(Cancelled):
        train(model, checkpoint=cut, progress=Interrupted(20))
    with checkpoint.safe_open(str(cut), framework="pt") as good:
        save_file({"module.odd": torch.zeros(3)}, bare, metadata=good.metadata())
    cut.write_bytes(cut.read_bytes()[:-50])
    for file, said in (
        (text, "cannot be read as a checkpoint"),
        (network, "not a checkpoint of ionwidgets"),
        (cut, "cannot be read as a checkpoint"),
        (bare, "cannot be read as a checkpoint"),
        (tmp_path / "no" / "such.safetensors", "cannot be written"),
    ):
        with pytest.raises(TrainingError, match=said) as caught:
            train(model, checkpoint=file, progress=Interrupted(1))
        assert "\n" not in str(caught.value) and file.name in str(caught.value)


def test_what_diverges_leaves_the_last_good_state(model: IonicModel, tmp_path: Path) -> None:
    file = tmp_path / "run.safetensors"
    wild = replace(SETTINGS, adam_rate=1e200)
    for _ in range(2):  # nor does the file get worse by trying again
        with pytest.raises(TrainingError, match=r"diverged .* the last good state is in run\.safetensors"):
            train(model, checkpoint=file, settings=wild)
        with checkpoint.safe_open(str(file), framework="pt") as kept:
            names = [name for name in kept.keys() if name.startswith("module.")]  # noqa: SIM118 (no mapping)
            assert names and all(torch.isfinite(kept.get_tensor(name)).all() for name in names)
