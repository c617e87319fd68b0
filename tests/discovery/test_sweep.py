"""Sweeps over a real scheduler and two worker processes: workers and clients are killed, no run is lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import distributed
import numpy as np
import pandas as pd
import psutil
import pytest

from ionwidgets.discovery.reproduction.settings import Reproduction
from ionwidgets.discovery.sweep import sweep
from ionwidgets.discovery.sweep.cluster import connected
from ionwidgets.discovery.sweep.plan import Task, tasks
from ionwidgets.discovery.sweep.task import read, work
from ionwidgets.errors import IonWidgetsError
from ionwidgets.gnn import Network
from ionwidgets.gnn.paper import Paper
from ionwidgets.gnn.retrain import Stage2
from ionwidgets.jobs import Cancelled
from ionwidgets.models import load_model

PAPER = Paper(
    cycle_lengths=(400.0, 500.0, 600.0, 800.0), used=(1000.0, 3000.0), duration=3000.0, rate=1e-3, epochs=1,
    held=200.0, stage2_epochs=1,
)  # fmt: skip
SMALL = Reproduction(paper=PAPER, stage2=Stage2(updates=15), recorded=(500.0, 800.0), measured=(500.0,))
LONGER = replace(SMALL, stage2=Stage2(updates=150))  # a second or two a run: time to be killed in
LONG_QT = {"g_Kr": 0.25}
M = "tnnp2004:M"


@pytest.fixture(scope="module")
def client() -> Iterator[distributed.Client]:
    """Of a scheduler and two worker processes of one thread each.

    A run is made here first: workers that find nothing compiled would each compile it for itself.
    """
    (first,) = tasks([M], [{}], [1e-3], [0], ["emulator"], SMALL)
    assert not work(first).failed
    with connected(workers=2) as made:
        yield made


@pytest.fixture
def address(client: distributed.Client) -> str:
    return client.scheduler.address


def wait_until(true: Callable[[], Any], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it has not come about"
        time.sleep(0.02)


def landed(out: Path) -> list[Path]:
    return sorted((out / "runs").glob("*.safetensors"))


def assert_made_by_hand(out: Path, task: Task) -> None:
    """The run's file is what the same run gives without Dask.

    In a process that loads what was compiled, as the workers do: where numba compiles and links in one go,
    the last bits differ.
    """
    file = out / "runs" / f"{task.name}.safetensors"
    alone = file.with_suffix(".alone")
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        alone.write_bytes(pool.submit(work, task).result().file)
    found, expected = Network.load(file), Network.load(alone)
    for name, tensor in expected.module.state_dict().items():
        np.testing.assert_array_equal(found.module.state_dict()[name], tensor, err_msg=name)
    assert {**found.card["run"], "elapsed_s": 0} == {**expected.card["run"], "elapsed_s": 0}


def test_the_scheduler_and_the_workers_listen_on_loopback_alone(client: distributed.Client) -> None:
    def listening(pid: int) -> list[str]:
        found = psutil.Process(pid).net_connections()
        return [c.laddr.ip for c in found if c.status == psutil.CONN_LISTEN]

    pids = [os.getpid(), *client.run(os.getpid).values()]
    assert len(set(pids)) == 3
    for pid in pids:
        assert set(listening(pid)) == {"127.0.0.1"}
    assert set(client.nthreads().values()) == {1}
    for threads in client.run(
        lambda: os.environ["NUMBA_NUM_THREADS"] + os.environ["OMP_NUM_THREADS"]
    ).values():
        assert threads == "11"


def test_a_sweep_lands_and_is_what_the_runs_are_without_dask(
    client: distributed.Client, tmp_path: Path
) -> None:
    told: list[str] = []

    class Listen:
        def report(self, fraction: float, message: str, **facts: Any) -> None:
            told.append(message)

    wanted: dict[str, Any] = {
        "models": [M], "experiments": [LONG_QT, {}], "etas": [1e-3], "seeds": [0],
        "decoders": ["ode", "emulator"], "settings": SMALL,
    }  # fmt: skip
    table = sweep(tmp_path, **wanted, scheduler=client, progress=Listen())
    assert list(table["state"]) == ["done"] * 4
    assert told[-1] == "4 of 4 runs" and any(" left" in message for message in told)
    for task in tasks(**wanted)[:2]:
        assert_made_by_hand(tmp_path, task)
    ode = table[table["decoder"] == "ode"].set_index(["experiment", "seed"])
    assert ode.loc[("g_Kr=0.25", 0), "ratio_I_Kr"] < 0.5 < ode.loc[("control", 0), "ratio_I_Kr"]
    saved = pd.read_csv(tmp_path / "sweep.csv", keep_default_na=False)
    assert list(saved["name"]) == list(table["name"]) and set(saved["experiment"]) == {"control", "g_Kr=0.25"}
    text = (tmp_path / "sweep.json").read_text(encoding="utf-8")
    assert [run["name"] for run in json.loads(text)["runs"]] == list(table["name"]) and "NaN" not in text
    before = {path: path.stat().st_mtime_ns for path in landed(tmp_path)}
    # All there: no scheduler is asked for, and a further eta is all that is new.
    again = sweep(tmp_path, **wanted, scheduler="tcp://127.0.0.1:1")
    pd.testing.assert_frame_equal(again, table)
    more = sweep(
        tmp_path, **wanted | {"etas": [1e-3, 2e-3], "seeds": [0], "decoders": ["ode"]}, scheduler=client
    )
    assert len(more) == 4 and len(pd.read_csv(tmp_path / "sweep.csv")) == 6
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_worker_that_is_killed_loses_its_run_and_no_other(
    client: distributed.Client, tmp_path: Path
) -> None:
    wanted: dict[str, Any] = {
        "models": [M], "experiments": [LONG_QT], "etas": [1e-3, 2e-3], "seeds": [0, 1], "decoders": ["ode"],
        "settings": LONGER,
    }  # fmt: skip
    names = [task.name for task in tasks(**wanted)]
    tables = []
    at_work = threading.Thread(
        target=lambda: tables.append(sweep(tmp_path, **wanted, scheduler=client)), daemon=True
    )
    pids = client.run(os.getpid)
    at_work.start()
    wait_until(lambda: landed(tmp_path))
    running: dict[str, Any] = {}

    def caught() -> bool:
        running.update(client.processing())
        return any(running.values())

    wait_until(caught)
    victim = next(worker for worker, keys in running.items() if keys)
    safe = {f"ionwidgets-{path.stem}" for path in landed(tmp_path)}
    os.kill(pids[victim], signal.SIGKILL)
    at_work.join(60)
    assert not at_work.is_alive()
    assert list(tables[0]["state"]) == ["done"] * len(names) == ["done"] * len(landed(tmp_path))
    keys = [f"ionwidgets-{name}" for name in names]
    begun = [
        event[1] for event in client.story(*keys) if event[0] == "scheduler" and event[3] == "processing"
    ]
    lost = set(running[victim])
    # With what it ran and what waited there may go a run that had just ended, before it was fetched.
    again = {key for key in keys if begun.count(key) > 1}
    assert set(begun) == set(keys) and lost <= again and len(again - lost) <= 1 and not again & safe
    assert pids[victim] not in client.run(os.getpid).values()
    assert_made_by_hand(tmp_path, tasks(**wanted)[keys.index(min(lost))])


@pytest.mark.slow
def test_a_command_that_is_killed_goes_on_when_it_is_called_again(address: str, tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "ionwidgets.cli", "sweep", "--model", M, "--experiment", "g_CaL=0.25",
        "--seeds", "0,1,2", "--cycle-lengths", "500", "--scheduler", address, "--out", str(tmp_path),
    ]  # fmt: skip
    first = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: landed(tmp_path))
    finally:
        first.kill()
        first.wait()
    before = {path: path.stat().st_mtime_ns for path in landed(tmp_path)}
    assert 0 < len(before) < 3 and not (tmp_path / "sweep.csv").exists()
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines()[-1] == f"{tmp_path}/sweep.csv: 3 runs, 0 failed"
    assert again.stderr.splitlines()[0] == f"Looking for the scheduler ({len(before) / 3:.0%})"
    assert again.stderr.splitlines()[-1] == "3 of 3 runs (100%)"
    assert {path: path.stat().st_mtime_ns for path in before} == before
    settings = replace(Reproduction(), recorded=(500.0,), measured=(500.0,))
    by_hand = tasks([M], [{"g_CaL": 0.25}], [1e-3], [0, 1, 2], ["ode"], settings)
    new = next(task for task in by_hand if not any(task.name == path.stem for path in before))
    assert_made_by_hand(tmp_path, new)


def test_a_run_that_fails_stops_no_other(client: distributed.Client, tmp_path: Path) -> None:
    # A beat every 400 ms is more than a cell without I_Kr and I_Ks can follow.
    fast = replace(SMALL, recorded=(400.0,))
    slow = {"g_Kr": 0.0, "g_Ks": 0.0}
    table = sweep(tmp_path, models=[M], experiments=[slow, {}], settings=fast, scheduler=client)
    assert dict(zip(table["experiment"], table["state"], strict=True)) == {
        "control": "done", "g_Kr=0,g_Ks=0": "failed"
    }  # fmt: skip
    table = table.sort_values("state", ascending=False)
    reason = table["reason"].iloc[0]
    assert "CL 400 does not follow 1:1" in reason and "\n" not in reason
    assert pd.isna(table["loss_gates"].iloc[0]) and len(landed(tmp_path)) == 1
    runs = json.loads((tmp_path / "sweep.json").read_text(encoding="utf-8"))["runs"]
    assert [run["state"] for run in runs] == ["done", "failed"] and runs[1]["reason"] == reason
    # Of this sweep every run fails, whatever else the folder holds.
    command = [
        sys.executable, "-m", "ionwidgets.cli", "sweep", "--model", M, "--experiment", "g_Kr=0,g_Ks=0",
        "--cycle-lengths", "400", "--scheduler", client.scheduler.address, "--out", str(tmp_path),
    ]  # fmt: skip
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 2 and not answer.stdout
    assert (
        "every run failed; the first: recording: no cell with a whole beat" in answer.stderr.splitlines()[-1]
    )


def test_stop_ends_it_and_keeps_what_has_landed(client: distributed.Client, tmp_path: Path) -> None:
    class Stop:
        def report(self, fraction: float, message: str, **facts: Any) -> None:
            if fraction > 0:
                raise Cancelled

    with pytest.raises(Cancelled):
        sweep(
            tmp_path,
            models=[M],
            experiments=[LONG_QT],
            seeds=range(9),
            settings=SMALL,
            scheduler=client,
            progress=Stop(),
        )
    assert 0 < len(landed(tmp_path)) < 9
    wait_until(lambda: not any(client.processing().values()))


def test_a_model_of_ones_own_travels_to_the_workers(client: distributed.Client, tmp_path: Path) -> None:
    file = tmp_path / "mine.mmt"
    load_model("hh1952").save(file)
    (task,) = tasks([file], [{}], [1e-3], [0], ["ode"], SMALL)
    own = load_model(file)
    file.unlink()
    assert client.submit(lambda source: read(source).hash, task.source).result() == own.hash
    assert task.about["model"] == "mine"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"models": ["tnnp204"]}, "unknown model 'tnnp204'; did you mean tnnp2004"),
        ({"experiments": [{"g_Kx": 1.0}]}, "unknown conductance of tnnp2004:M 'g_Kx'"),
        ({"experiments": [{"g_Kr": -1.0}]}, "scale of g_Kr must be a factor from 0 to 1000; found -1"),
        ({"experiments": []}, "at least one experiment"),
        ({"etas": [1.0]}, "eta must lie between 0 and 1; found 1"),
        ({"seeds": [-1]}, "a seed is a whole number from 0 on; found -1"),
        ({"decoders": ["lstm"]}, "unknown decoder 'lstm'"),
        ({"models": ["hh1952"], "decoders": ["emulator"], "experiments": [{}]}, "hh1952 has no Ca_i"),
        ({"workers": 0}, "at least one worker; found 0"),
        ({"workers": 1, "scheduler": "127.0.0.1:8786"}, "leave out one of the two"),
        ({"scheduler": "tcp://10.0.0.1:8786"}, "must be on loopback .* or under TLS"),
        ({"scheduler": "example.org:8786"}, "must be on loopback"),
        ({"scheduler": "tcp://0.0.0.0:8786"}, "must be on loopback"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_any_work(tmp_path: Path, wrong: dict[str, Any], words: str) -> None:
    wanted: dict[str, Any] = {"models": [M], "experiments": [LONG_QT]}
    with pytest.raises(IonWidgetsError, match=words):
        sweep(tmp_path / "out", **wanted | wrong)
    assert not (tmp_path / "out").exists()


def test_nobody_at_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ionwidgets.discovery.sweep.cluster.PATIENCE", 0.5)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(IonWidgetsError, match="no Dask scheduler answers there"):
            sweep(tmp_path, models=[M], experiments=[LONG_QT], scheduler=address)


def test_tls_asks_for_certificates(tmp_path: Path) -> None:
    with pytest.raises(IonWidgetsError, match=r"no certificates .*DASK_DISTRIBUTED__COMM__TLS__CA_FILE"):
        sweep(tmp_path, models=[M], experiments=[LONG_QT], scheduler="tls://cluster.example.org:8786")


def test_without_dask_the_way_to_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)  # as where it is not installed
    with pytest.raises(IonWidgetsError, match=r'pip install "ionwidgets\[cluster\]"'):
        sweep(tmp_path, models=[M], experiments=[LONG_QT])
