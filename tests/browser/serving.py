"""Servers as a user starts them, for the tests that look at their pages."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue

import pytest

START_S = 180  # a fresh venv compiles all of JupyterLab first
DASHBOARD = r"http://127\.0\.0\.1:\d+/\?token=\S+"  # the address that a dashboard prints
PREFIX = "/user/some%20one/"  # as JupyterHub gives one


@contextmanager
def served(command: list[str], address: str, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """What matches `address` in the words of the server that `command` starts; it is ended afterwards."""
    with running(command, env) as server:
        yield said(server, address)


@contextmanager
def running(command: list[str], env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """The server that `command` starts; `said` reads its words."""
    server = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **(env or {})},
    )
    try:
        yield server
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(20)


def said(server: subprocess.Popen[str], sought: str) -> str:
    """What matches `sought` in what the server says, as soon as it says it."""
    lines: Queue[str] = Queue()

    def read() -> None:  # to the end, or the server would wait for a reader
        assert server.stdout is not None
        with server.stdout:
            for line in server.stdout:
                lines.put(line)

    threading.Thread(target=read, daemon=True).start()
    seen = ""
    while (found := re.search(sought, seen)) is None:
        try:
            seen += lines.get(timeout=START_S)
        except Empty:
            pytest.fail(f"no address within {START_S} s; the server said: {seen}")
        if server.poll() is not None and lines.empty():
            pytest.fail(f"the server ended: {seen}")
    return found.group()


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def jupyter_server(folder: Path, extension: bool = True) -> Iterator[str]:
    """Address, token included, of a JupyterLab on the notebooks in `folder`, with no settings of a user's.

    Notebook 7 and Voila are on the same server, under ``tree`` and ``voila``, as their packages install them.
    """
    config = folder / ".config"
    settings: dict[str, object] = {}
    # The wheel switches the extension on, and a checkout on PYTHONPATH cannot.
    installed = Path(sys.prefix, "etc", "jupyter", "jupyter_server_config.d", "ionwidgets.json").exists()
    if not (extension and installed):
        settings = {"ServerApp": {"jpserver_extensions": {"ionwidgets": extension}}}
    _write(config / "jupyter_server_config.d" / "test.json", settings)
    private = {
        "JUPYTER_CONFIG_PATH": str(config),
        "JUPYTER_CONFIG_DIR": str(folder / ".user"),
        "JUPYTER_DATA_DIR": str(folder / ".data"),
        "JUPYTER_RUNTIME_DIR": str(folder / ".run"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / ".settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / ".workspaces"),
        "IPYTHONDIR": str(folder / ".ipython"),
        "XDG_DATA_HOME": str(folder / ".own"),  # for checkpoints of trainings
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        f"--ServerApp.port={free_port()}",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.base_url={PREFIX}",
        f"--ServerApp.root_dir={folder}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        "--LabApp.expose_app_in_browser=True",  # as window.jupyterapp
        "--JupyterNotebookApp.expose_app_in_browser=True",
    ]
    with served(command, r"http://127\.0\.0\.1:\d+\S+lab\?token=\w+", private) as address:
        yield address


def _write(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")


def notebook(*cells: str) -> str:
    """The text of a notebook of these code cells."""
    made = [
        {
            "cell_type": "code",
            "id": f"cell-{index}",
            "execution_count": None,
            "metadata": {},
            "outputs": [],
            "source": source,
        }
        for index, source in enumerate(cells)
    ]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})
