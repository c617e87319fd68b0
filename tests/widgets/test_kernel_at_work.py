"""A kernel stays of use while a training runs in it: other cells answer, and buttons while a cell runs."""

from __future__ import annotations

import json
import os
import queue
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

START = """
import json, threading, time
import ionwidgets as iw
from ionwidgets.widgets.session import Session
panel = iw.widgets.TrainingPanel(model="tnnp2004:M")
state = panel.learn
state.start()
"""
MEDIAN = 0.3  # s


@pytest.fixture
def client(own_data: Path, tmp_path: Path) -> Iterator[Any]:
    environment = dict(os.environ, XDG_DATA_HOME=str(tmp_path / "data"))
    manager, made = start_new_kernel(startup_timeout=120, env=environment)
    yield made
    made.stop_channels()
    manager.shutdown_kernel(now=True)


def evaluate(client: Any, code: str, timeout: float = 120) -> str:
    """What a cell prints."""
    asked, printed = client.execute(code), ""
    while True:
        try:
            message = client.get_iopub_msg(timeout=timeout)
        except queue.Empty:
            pytest.fail(f"no answer within {timeout} s to {code!r}")
        if message["parent_header"].get("msg_id") != asked:
            continue
        content = message["content"]
        if message["msg_type"] == "stream" and content["name"] == "stdout":
            printed += content["text"]
        elif message["msg_type"] == "error":
            pytest.fail("\n".join(content["traceback"]))
        elif message["msg_type"] == "status" and content["execution_state"] == "idle":
            return printed


def test_cells_answer_and_buttons_work_while_a_training_runs(client: Any) -> None:
    evaluate(client, START)
    evaluate(client, "while not state.history[0]: time.sleep(0.05)")
    took = []
    for number in range(15):
        began = time.perf_counter()
        assert evaluate(client, f"print({number} + 1)").strip() == str(number + 1)
        took.append(time.perf_counter() - began)
    assert evaluate(client, "print(state.phase)").strip() == "running"
    print(f"\na cell while a training runs: median {1000 * statistics.median(took):.0f} ms")
    assert statistics.median(took) <= MEDIAN
    # A cell is at work, and a button is pressed on another thread: paused, resumed, stopped, within the cell.
    code = """
def press():
    told = []
    for name, wanted in (("pause", "paused"), ("pause", "running"), ("halt", "stopped")):
        getattr(panel.buttons, name).click()
        end = time.monotonic() + 20
        while state.phase != wanted and time.monotonic() < end:
            time.sleep(0.005)
        told.append(state.phase)
    seen.append(told)
seen = []
thread = threading.Thread(target=press)
thread.start()
while not seen:
    sum(range(10_000))  # the cell, which holds the main thread
print(json.dumps(seen[0]))
"""
    assert json.loads(evaluate(client, code)) == ["paused", "running", "stopped"]
