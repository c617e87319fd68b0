"""The pictures of the pages, from the real app: for the list of pages and the README (`make pictures`)."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from browser.conftest import FLAGS
from browser.serving import DASHBOARD, free_port, served
from playwright.sync_api import Page, sync_playwright

SIZE = {"width": 1280, "height": 800}
QUALITY = 82


def prepared(page: Page, name: str) -> None:
    """What of a page its picture shows."""
    page.locator(".ionw-figure .main-svg:visible").first.wait_for()
    if name == "channels":
        page.get_by_label("Preset", exact=True).select_option(label="Long QT (I_Kr × 0.25)")
    if name == "story":
        page.get_by_label("Experiment", exact=True).select_option(label="Short QT")
    if name == "paper":
        page.get_by_label("Figure", exact=True).select_option(label="Figure 4")
    page.wait_for_timeout(3_000)  # every figure has drawn
    page.mouse.move(0, 0)


def main(folder: Path) -> None:
    """Write NAME.jpg of every page into `folder`."""
    from ionwidgets.server.catalogue import pages

    folder.mkdir(exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "ionwidgets.cli",
        "dashboard",
        "--no-browser",
        "--port",
        str(free_port()),
    ]
    with (
        tempfile.TemporaryDirectory() as data,
        served(command, DASHBOARD, {"XDG_DATA_HOME": data}) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        page = browser.new_context(viewport=SIZE, color_scheme="light").new_page()
        page.set_default_timeout(60_000)
        page.goto(address)
        for one in pages():
            page.goto(f"{address.partition('?')[0]}page/{one.name}")
            prepared(page, one.name)
            page.screenshot(path=folder / f"{one.name}.jpg", type="jpeg", quality=QUALITY)
            print(folder / f"{one.name}.jpg")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
