"""The button of a download when words get lost: it asks again, waits for long work, and is never dead."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from ionwidgets.widgets.elements.static import STATIC

# A model that nobody is behind: what the button sends is kept, what it hears is said by the test.
BEGIN = """async source => {
  const state = {label: "Download", filename: "a.bin", busy: false, problem: "", media_type: "text/plain"};
  const hear = {};
  window.sent = [];
  window.state = state;
  window.say = (message, buffers) => hear["msg:custom"](message, buffers);
  const on = (name, act) => { hear[name] = act; };
  const model = {get: name => state[name], send: message => sent.push(message), on};
  const url = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
  (await import(url)).default.render({model, el: document.body});
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_context().new_page()
    made.clock.install()
    made.evaluate(BEGIN, (STATIC / "download.js").read_text(encoding="utf-8"))
    yield made
    made.context.close()


def _sent(page: Page) -> list[dict[str, Any]]:
    return list(page.evaluate("sent.splice(0)"))


def _click(page: Page) -> str:
    """The key of what is asked for."""
    page.get_by_role("button", name="Download").click()
    (asked,) = _sent(page)
    assert asked["kind"] == "make"
    return str(asked["key"])


def test_a_word_that_is_lost_is_said_again_and_then_the_file_comes(page: Page) -> None:
    key = _click(page)
    page.clock.run_for(5_000)
    assert _sent(page) == [{"kind": "make", "key": key}]
    page.evaluate("key => say({kind: 'ready', key, pieces: 1})", key)
    page.clock.run_for(5_000)
    assert _sent(page) == [{"kind": "ask", "key": key, "index": 0}] * 2
    packed = list(gzip.compress(b"whole"))
    with page.expect_download() as download:
        page.evaluate(
            "([key, packed]) => say({kind: 'piece', key, index: 0}, [new Uint8Array(packed)])", [key, packed]
        )
    assert Path(download.value.path()).read_bytes() == b"whole"
    assert _sent(page) == [{"kind": "done", "key": key}]


def test_a_kernel_that_is_gone_is_said_and_the_button_can_be_pressed_again(page: Page) -> None:
    key = _click(page)
    page.clock.run_for(61_000)
    expect(page.get_by_role("alert")).to_have_text("a.bin: the kernel does not answer")
    _sent(page)
    assert _click(page) != key


def test_long_work_is_waited_for_and_a_kernel_that_ends_in_it_is_noticed(page: Page) -> None:
    key = _click(page)
    page.evaluate("state.busy = true")
    for _ in range(4):  # twenty minutes, in which it is heard of now and then
        page.clock.run_for(300_000)
        page.evaluate("key => say({kind: 'working', key})", key)
    expect(page.get_by_role("alert")).to_be_hidden()
    assert {message["key"] for message in _sent(page)} == {key}
    page.clock.run_for(601_000)
    expect(page.get_by_role("alert")).to_have_text("a.bin: the kernel does not answer")
    _sent(page)
    assert _click(page) != key
