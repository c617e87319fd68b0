"""The session's menu and links in a real browser: saved, opened in another page, handed on by its address."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

OpenPage = Callable[..., Any]
FINDING = re.compile(r"I_Kr is down to \d+ % of control")


def _step(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    _is_at(page, name)


def _is_at(page: Page, name: str) -> None:
    expect(page.get_by_role("button", name=name, exact=True)).to_have_attribute("aria-current", "step")


def _menu(page: Page) -> None:
    page.get_by_role("button", name="Session", exact=True).click()
    expect(page.get_by_role("button", name="Save session", exact=True)).to_be_visible()


def _slider(page: Page, name: str) -> Any:
    return page.get_by_role("slider", name=name, exact=True)


def _save(page: Page, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name="Save session", exact=True).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_a_session_is_saved_and_opened_in_another_page(open_page: OpenPage, tmp_path: Path) -> None:
    page: Page = open_page().page
    finding = page.get_by_role("heading", name=FINDING).inner_text()
    _step(page, "2 Experiment")
    _slider(page, "g_Ks").press("Home")
    expect(_slider(page, "g_Ks")).to_have_attribute("aria-valuetext", "×0, blocked")
    length = page.get_by_label("Cycle length (ms)", exact=True)
    length.fill("700")
    length.press("Enter")
    expect(page.get_by_text("at a cycle length of 700 ms")).to_be_visible()
    _menu(page)
    path = _save(page, tmp_path)
    expect(page.get_by_role("status").first).to_contain_text(f"{path.name} is saved")
    assert path.suffix == ".ionw"
    manifest = json.loads(zipfile.ZipFile(path).read("session.json"))
    assert manifest["schema"] == "ionwidgets/session/1" and manifest["experiment"]["scale"] == {"g_Ks": 0}

    other: Page = open_page().page
    _menu(other)
    other.get_by_label("Open session", exact=True).set_input_files(path)
    _is_at(other, "2 Experiment")
    expect(other.get_by_role("button", name="Save session", exact=True)).to_be_hidden()
    expect(other.get_by_role("status").first).to_contain_text("The session is open.")
    expect(_slider(other, "g_Ks")).to_have_attribute("aria-valuetext", "×0, blocked")
    expect(_slider(other, "g_Kr")).to_have_attribute("aria-valuetext", "×1, control")
    expect(other.get_by_label("Cycle length (ms)", exact=True)).to_have_value("700")
    _step(other, "5 Interpret")
    expect(other.get_by_role("heading", name=finding, exact=True)).to_be_visible()
    lines = [found.get_by_label("Python that redoes this session") for found in (page, other)]
    _step(page, "5 Interpret")
    expect(lines[0]).to_have_value(re.compile('scale={"g_Ks": 0}'))
    expect(lines[1]).to_have_value(lines[0].input_value())


def test_a_damaged_file_is_told_and_nothing_is_lost(open_page: OpenPage, tmp_path: Path) -> None:
    page: Page = open_page().page
    _step(page, "2 Experiment")
    _slider(page, "g_Ks").press("Home")
    broken = tmp_path / "broken.ionw"
    broken.write_bytes(b"PK\x03\x04 and no more")
    _menu(page)
    page.get_by_label("Open session", exact=True).set_input_files(broken)
    told = "broken.ionw: no session of ionwidgets, or a damaged one"
    expect(page.get_by_role("alert").filter(has_text=told)).to_be_visible()
    expect(page.get_by_role("status").first).to_contain_text(told)
    expect(_slider(page, "g_Ks")).to_have_attribute("aria-valuetext", "×0, blocked")
    page.keyboard.press("Escape")
    _step(page, "5 Interpret")
    expect(page.get_by_role("heading", name=FINDING)).to_be_visible()


def test_a_link_opens_its_set_up_and_is_made_again(
    open_page: OpenPage, browser: Browser, address: str
) -> None:
    page: Page = open_page(query="model=tnnp2004:M&g_Kr=0.25&cycle_length=700&bogus=x&g_Zz=3").page
    _is_at(page, "2 Experiment")
    expect(_slider(page, "g_Kr")).to_have_attribute("aria-valuetext", "×0.25")
    expect(page.get_by_label("Cycle length (ms)", exact=True)).to_have_value("700")
    status = page.get_by_role("status").first
    expect(status).to_contain_text("bogus=x")
    expect(status).to_contain_text("g_Zz")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    _menu(page)
    page.get_by_role("button", name="Copy link", exact=True).click()
    field = page.get_by_label("Link to this set-up", exact=True)
    expect(field).to_have_value(re.compile("g_Kr=0.25"))
    link = field.input_value()
    expect(page.get_by_text("Copied.", exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == link
    asked = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    assert asked == {"model": "tnnp2004:M", "g_Kr": "0.25", "cycle_length": "700"}
    assert urlsplit(link).netloc == urlsplit(address).netloc
    # Whoever is let in already needs no token; all others are asked for theirs, and get there with it.
    token = parse_qs(urlsplit(address).query)["token"][0]
    context = browser.new_context()
    other = context.new_page()
    other.set_default_timeout(60_000)
    other.goto(link)
    other.get_by_label("Password or token").fill(token)
    other.get_by_role("button", name="Log in", exact=True).click()
    expect(_slider(other, "g_Kr")).to_have_attribute("aria-valuetext", "×0.25")
    context.close()


def test_the_menu_goes_by_the_keyboard(looked_at: Callable[..., Page]) -> None:
    page = looked_at(width=390, height=800)
    button = page.get_by_role("button", name="Session", exact=True)
    page.get_by_role("button", name="5 Interpret", exact=True).focus()
    page.keyboard.press("Tab")
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    for name in ("Save session", "Open session", "Copy link"):
        page.keyboard.press("Tab")
        role = (
            page.get_by_label(name, exact=True)
            if name == "Open session"
            else page.get_by_role("button", name=name)
        )
        expect(role).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=FINDING).click(position={"x": 2, "y": 2})
    expect(button).to_have_attribute("aria-expanded", "false")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_menu_fits(looked_at: Callable[..., Page], width: int, scheme: str) -> None:
    page = looked_at(width=width, scheme=scheme)
    _menu(page)
    page.get_by_role("button", name="Copy link", exact=True).click()
    panel = page.locator(".ionw-menu-panel")
    expect(page.get_by_label("Link to this set-up", exact=True)).to_be_visible()
    box = panel.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("Escape")
