"""A dashboard whose kernels are ended after seconds, and a look at which there are."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from browser.serving import DASHBOARD, free_port, running, said

LEFT_S = 8.0  # a beat comes every 5 s
PROGRAM = """
import sys
from pathlib import Path
from ionwidgets.server.dashboard import run
from ionwidgets.server.kernels import Culling
notebook, port, idle = sys.argv[1:]
run(Path(notebook), "127.0.0.1", int(port), False, Culling(idle=float(idle), left=8, unseen=300, every=1))
"""


@dataclass
class Dashboard:
    """The address, the kernels that the server has started and not ended, and what they see as the user's
    own data.
    """

    address: str
    server: psutil.Process
    data: Path

    @property
    def kernels(self) -> set[int]:
        """Process ids."""
        found = set()
        for child in self.server.children(recursive=True):
            try:
                if "ipykernel_launcher" in " ".join(child.cmdline()):
                    found.add(child.pid)
            except psutil.Error:  # it has just ended
                continue
        return found

    def wait_for(self, count: int, within: float = 60) -> set[int]:
        """The kernels once there are `count`."""
        end = time.monotonic() + within
        while len(found := self.kernels) != count:
            assert time.monotonic() < end, f"{len(found)} kernels, and not {count}, after {within} s"
            time.sleep(0.2)
        return found

    def settle(self) -> set[int]:
        """The kernels once the one that is made ready has run the notebook."""
        quiet, before = 0, self._spent()
        while quiet < 4:
            time.sleep(0.5)
            now = self._spent()
            quiet = quiet + 1 if self.kernels and now - before < 0.05 else 0
            before = now
        return self.kernels

    def _spent(self) -> float:
        """Seconds of processor time of the kernels that there are."""
        spent = 0.0
        for kernel in self.kernels:
            try:
                spent += sum(psutil.Process(kernel).cpu_times()[:2])
            except psutil.Error:  # it has just ended
                continue
        return spent


@contextmanager
def dashboard(notebook: Path, idle: float = 0) -> Iterator[Dashboard]:
    """Serve `notebook`; kernels that are not used are ended after `idle` s (0: never)."""
    command = [sys.executable, "-c", PROGRAM, str(notebook), str(free_port()), str(idle)]
    # A checkpoint among the developer's own data would greet the next page with a training to go on with.
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as data,
        running(command, {"XDG_DATA_HOME": data}) as server,
    ):
        yield Dashboard(said(server, DASHBOARD), psutil.Process(server.pid), Path(data))
