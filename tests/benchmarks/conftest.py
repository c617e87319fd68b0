"""The served workbench and its pages, for what is measured in a browser."""

from __future__ import annotations

from browser.conftest import address, browser, open_page

__all__ = ["address", "browser", "open_page"]
