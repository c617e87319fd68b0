"""A served workbench, and Chromium pages that watch what they load."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from browser.serving import DASHBOARD, free_port, jupyter_server, notebook, served
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Response,
    WebSocket,
    expect,
    sync_playwright,
)

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


PATIENCE_MS = 60_000  # until a page of a busy computer shows what was asked for

shown: list[Watched] = []  # every page so far


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """What was on the pages when a test failed, beside its traceback."""
    report = yield
    if report.when == "call" and report.failed:
        for watched in (one for one in shown if not one.page.is_closed()):
            report.sections.append((f"page {watched.page.url.split('?')[0]}", watched.told()))
    return report


MOST_TOLD = 4_000  # characters


@dataclass
class Watched:
    """A page, with what it fetched, and what it must not do: ask other hosts, or complain."""

    page: Page
    answers: list[Response] = field(default_factory=list)
    received: int = 0  # bytes, over websockets
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    foreign: bool = False  # a page that is not ours, which may

    def watch(self) -> None:
        shown.append(self)
        self.page.on("response", lambda response: self.answers.append(response))
        self.page.on("request", lambda request: self._check(request.url))
        self.page.on("websocket", self._attend)
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def told(self) -> str:
        """What can be read on the page, and what its console complains of."""
        try:
            text = self.page.locator("body").inner_text(timeout=5_000)
        except Error as error:
            text = str(error)
        return "\n".join([text[:MOST_TOLD], *self.complaints])

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            self.outside.append(url)

    def _attend(self, socket: WebSocket) -> None:
        self._check(socket.url)
        socket.on("framereceived", self._count)

    def _count(self, frame: str | bytes) -> None:
        self.received += len(frame)

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Full address of a dashboard that the command line serves."""
    command = [
        *(sys.executable, "-m", "ionwidgets.cli", "dashboard", "--no-browser"),
        *("--port", str(free_port())),
    ]
    data = {"XDG_DATA_HOME": str(tmp_path_factory.mktemp("data"))}  # for checkpoints of trainings
    with served(command, DASHBOARD, data) as found:
        yield found


@pytest.fixture(scope="session")
def browser(browser_path: str) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        yield made
        made.close()


@contextmanager
def pages(browser: Browser, address: str) -> Iterator[Callable[..., Watched]]:
    """Opens pages of a dashboard; they are closed, and checked for complaints, at the end."""
    opened: list[Watched] = []

    def open_one(
        width: int = 1440,
        height: int = 900,
        scheme: str = "light",
        prepare: Callable[[Page], None] = lambda page: None,
        query: str = "",
    ) -> Watched:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        watched = Watched(context.new_page())
        opened.append(watched)
        watched.watch()
        watched.page.set_default_timeout(PATIENCE_MS)
        prepare(watched.page)
        watched.page.goto(f"{address}&{query}" if query else address, wait_until="commit")
        watched.page.get_by_role("navigation", name="Steps", exact=True).wait_for()
        return watched

    yield open_one
    close_all(opened)


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Callable[..., Watched]]:
    """Open the workbench in a page, and so a kernel, of its own."""
    with pages(browser, address) as open_one:
        yield open_one


@pytest.fixture(scope="module")
def looked_at(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """One page for all tests of a module that only look: at another width, in other colours."""
    with pages(browser, address) as open_one:
        page = open_one().page

        def look(width: int = 1440, height: int = 900, scheme: str = "light", **media: str) -> Page:
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(
                color_scheme=scheme, **{"forced_colors": "none", "reduced_motion": "no-preference", **media}
            )
            return page

        yield look


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[bool], tuple[str, Path]]]:
    """Address and folder of a JupyterLab with our extension on (True) or off; each is started once."""
    started: dict[bool, tuple[str, Path]] = {}
    with ExitStack() as stack:

        def start(extension: bool) -> tuple[str, Path]:
            if extension not in started:
                folder = tmp_path_factory.mktemp("jupyter")
                started[extension] = stack.enter_context(jupyter_server(folder, extension)), folder
            return started[extension]

        yield start


@pytest.fixture
def lab(browser: Browser, jupyter: Callable[[bool], tuple[str, Path]]) -> Iterator[Callable[..., Watched]]:
    """Open a notebook of these cells in JupyterLab ("lab/tree"), Notebook 7 ("notebooks") or Voila on the
    same server ("voila/render", a page of Voila's own), and run its first cell; checked for complaints at
    the end.
    """
    opened: list[Watched] = []

    def open_one(*cells: str, app: str = "lab/tree", extension: bool = True) -> Watched:
        address, folder = jupyter(extension)
        name = f"notebook-{len(list(folder.glob('*.ipynb')))}.ipynb"
        (folder / name).write_text(notebook(*cells), encoding="utf-8")
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        watched = Watched(context.new_page())
        opened.append(watched)
        watched.watch()
        watched.page.set_default_timeout(PATIENCE_MS)
        base, token = address.split("lab?")[0], parse_qs(urlsplit(address).query)["token"][0]
        # In a workspace of its own: JupyterLab would open the notebooks of the page before beside it.
        place = app.replace("lab/", f"lab/workspaces/{Path(name).stem}/")
        watched.page.goto(f"{base}{place}/{name}?token={token}", wait_until="commit")
        if app.startswith("voila"):
            watched.foreign = True
        else:
            watched.page.locator(".jp-Notebook-ExecutionIndicator").first.wait_for(state="attached")
            watched.complaints.clear()  # what the front end says of itself as it starts
            run_cell(watched.page, 0)
        return watched

    yield open_one
    close_all(opened)


def close_all(opened: list[Watched]) -> None:
    for watched in opened:
        watched.page.context.close()
    for watched in opened:
        assert watched.outside == [] or watched.foreign, "something was fetched from outside this machine"
        assert watched.complaints == [] or watched.foreign


RUN = """async index => {
  await jupyterapp.restored;
  // JupyterLab takes no command while a kernel is being found, drops what it had sent to one that it then
  // changes, and may draw its cells anew: the cell is run again until it has the number of an execution.
  const prompt = () => document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')[index]?.textContent.trim();
  for (let tick = 0; tick < 240; tick++) {
    if (/\\d/.test(prompt() ?? '')) return;
    if (prompt() === '[ ]:') jupyterapp.commands.execute('notebook:run-cell');
    await new Promise(resolve => setTimeout(resolve, 500));
  }
  throw new Error(`cell ${index} was not run within 2 minutes: ${prompt()}`);
}"""


def run_cell(page: Page, index: int) -> None:
    """Run a cell of the notebook that is open in JupyterLab or Notebook 7, once its kernel is there."""
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for(state="attached")
    page.locator(".jp-CodeCell .cm-content").nth(index).click()
    page.evaluate(RUN, index)
