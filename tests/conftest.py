"""What every test shares: hypothesis settings, and the fixtures that reach outside (browser, recordings).

Warnings are errors (pyproject.toml); an exception made there names the third party and its reason.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# No deadline: the first example of a property may compile a kernel. The gate repeats its examples.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as ``browser`` what drives one, before ``-m`` chooses."""
    for item in items:
        if "browser_path" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser_path() -> str:
    """Path of Chromium; without one a test skips, or fails where IONWIDGETS_REQUIRE_BROWSER is set."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        word = "no chromium on this machine (Debian: apt-get install chromium)"
        if os.environ.get("IONWIDGETS_REQUIRE_BROWSER"):
            pytest.fail(word, pytrace=False)
        pytest.skip(word)
    return found


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real recordings beside the checkout; a clone of its own has none, and the test skips."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real recordings are not distributed with the code: no folder {folder}")
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Run the command line in this process; returns exit code, stdout, stderr."""

    from ionwidgets import cli

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ionwidgets", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        out, err = capsys.readouterr()
        return (0 if code is None else int(code)), out, err

    return call
