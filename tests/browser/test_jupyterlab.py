"""Figures in a real JupyterLab, Notebook 7 and Voila behind a prefix as JupyterHub's."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from email.message import Message
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from browser.serving import PREFIX
from playwright.sync_api import Page

from ionwidgets.plotly_script import packed_script, script, script_name

Lab = Callable[..., Any]

TWO = """
from IPython.display import display
from ionwidgets import figures
from ionwidgets.widgets.elements import FigureView

def draw(name):
    trace = figures.Trace(name, [0.0, 1.0, 2.0], [-80.0, 30.0, -70.0], None)
    return FigureView(figures.action_potential([trace]), name)

views = [draw("First"), draw("Second")]
display(*views)
"""
MEGABYTE = 1_000_000


def drawn(page: Page, name: str, lines: int = 1) -> None:
    figure = page.get_by_role("img", name=name, exact=True)
    figure.locator(".scatterlayer .trace path.js-line").nth(lines - 1).wait_for(state="attached")


@pytest.mark.parametrize("app", ["lab/tree", "notebooks", "voila/render"])
def test_figures_share_one_script_from_the_server(lab: Lab, app: str) -> None:
    watched = lab(TWO, app=app)
    drawn(watched.page, "First")
    drawn(watched.page, "Second")
    (answer,) = [answer for answer in watched.answers if "/ionwidgets/" in answer.url]
    assert answer.url.endswith(f"{PREFIX}ionwidgets/{script_name()}")
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.body() == script()
    assert watched.received < MEGABYTE


@pytest.mark.parametrize("app", [pytest.param("lab/tree", marks=pytest.mark.slow), "notebooks"])
def test_where_the_extension_is_off_the_kernel_sends_the_script_once(lab: Lab, app: str) -> None:
    watched = lab(TWO, app=app, extension=False)
    drawn(watched.page, "First")
    drawn(watched.page, "Second")
    assert [answer.url for answer in watched.answers if "/ionwidgets/" in answer.url] == []
    assert len(packed_script()) < watched.received < len(packed_script()) + MEGABYTE


def _ask(
    address: str, name: str, method: str = "GET", token: bool = True, **headers: str
) -> tuple[int, Message, bytes]:
    parts = urlsplit(address)
    if token:
        headers["Authorization"] = f"token {parse_qs(parts.query)['token'][0]}"
    connection = HTTPConnection(parts.hostname or "", parts.port or 0, timeout=30)
    connection.request(method, f"{parts.path.removesuffix('lab')}ionwidgets/{name}", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


@pytest.mark.parametrize("server", ["jupyter", "dashboard"])
def test_the_script_is_for_those_who_may_see_the_pages_and_is_kept(
    server: str, request: pytest.FixtureRequest
) -> None:
    if server == "jupyter":
        address = request.getfixturevalue("jupyter")(True)[0]
    else:
        address = request.getfixturevalue("address")
    status, headers, body = _ask(address, script_name())
    assert (status, body) == (200, script())
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["Cache-Control"] == "private, max-age=31536000, immutable"
    compressed = {"Accept-Encoding": "gzip, br"}
    status, headers, body = _ask(address, script_name(), **compressed)
    assert (status, headers["Content-Encoding"], headers["Vary"]) == (200, "gzip", "Accept-Encoding")
    assert gzip.decompress(body) == script()
    known = {"If-None-Match": headers["ETag"]}
    status, headers, body = _ask(address, script_name(), **compressed, **known)
    assert (status, body) == (304, b"")
    status, headers, body = _ask(address, script_name(), "HEAD")
    assert (status, body, int(headers["Content-Length"])) == (200, b"", len(script()))
    assert _ask(address, "plotly-0123456789abcdef.js")[0] == 404
    status, _, body = _ask(address, script_name(), token=False)
    assert status in (302, 403) and b"FigureModel" not in body
