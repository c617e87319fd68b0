"""A served workbench, and Chromium pages that watch what they load."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from queue import Empty, Queue
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_S = 60


@dataclass
class Watched:
    """A page, with what it must not do: ask other hosts, or complain."""

    page: Page
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("request", lambda request: self._check(request.url))
        self.page.on("websocket", lambda socket: self._check(socket.url))
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            self.outside.append(url)

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Full address of a dashboard that the command line serves."""
    command = [
        sys.executable,
        "-m",
        "ionwidgets.cli",
        "dashboard",
        "--no-browser",
        "--port",
        str(free_port()),
    ]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines: Queue[str] = Queue()
    assert server.stdout is not None
    reader = threading.Thread(target=lambda: [lines.put(line) for line in server.stdout], daemon=True)
    reader.start()
    seen = ""
    try:
        while (found := re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", seen)) is None:
            try:
                seen += lines.get(timeout=START_S)
            except Empty:
                pytest.fail(f"no address within {START_S} s; the server said: {seen}")
            if server.poll() is not None and lines.empty():
                pytest.fail(f"the server ended: {seen}")
        yield found.group()
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(20)
        reader.join(10)
        server.stdout.close()


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def browser(browser_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        yield made
        made.close()


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Callable[..., Watched]]:
    """Open the workbench in a page, and so a kernel, of its own; checked for complaints at the end."""
    opened: list[Watched] = []

    def open_one(
        width: int = 1440,
        height: int = 900,
        scheme: str = "light",
        prepare: Callable[[Page], None] = lambda page: None,
    ) -> Watched:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        watched = Watched(context.new_page())
        opened.append(watched)
        watched.watch()
        watched.page.set_default_timeout(60_000)
        prepare(watched.page)
        watched.page.goto(address, wait_until="commit")
        watched.page.get_by_role("navigation", name="Steps", exact=True).wait_for()
        return watched

    yield open_one
    for watched in opened:
        watched.page.context.close()
        assert watched.outside == [], "something was fetched from outside this machine"
        assert watched.complaints == []
