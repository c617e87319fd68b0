"""The page that lists all pages of the dashboard."""

from __future__ import annotations

from html import escape
from typing import Any, Final

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

from ionwidgets.server.catalogue import ROOM, pages

INDEX: Final = "ionwidgets/pages"
_PICTURES: Final = ROOM / "pictures"
_STYLE: Final = """
:root { color-scheme: light dark; --paper: light-dark(#fff, #15181c); --ink: light-dark(#1b2026, #e8ebef);
  --soft: light-dark(#555e69, #a9b2bd); --line: light-dark(#d5dae0, #394049);
  --accent: light-dark(#0b64a0, #62b6ee); }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 400 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main { box-sizing: border-box; max-width: 1240px; margin: 0 auto; padding: 32px clamp(12px, 2.4vw, 32px); }
h1 { font-size: 24px; line-height: 1.25; margin: 0 0 8px; }
ul { list-style: none; margin: 32px 0 0; padding: 0; display: grid; gap: 32px;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 360px), 1fr)); }
a { color: var(--accent); text-decoration: none; font-weight: 620; font-size: 17px; }
a:hover { text-decoration: underline; }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
img { display: block; width: 100%; height: auto; border-radius: 5px; border: 1px solid var(--line);
  margin-bottom: 12px; }
p { margin: 4px 0 0; color: var(--soft); max-width: 60ch; }
"""


def page_path(name: str) -> str:
    """Where a page is, from the base URL on."""
    return f"page/{name}"


class IndexPage(JupyterHandler):
    """Title, picture and goal of every page."""

    auth_resource = "ionwidgets"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        await self.finish(index_html(self.base_url))


class Picture(JupyterHandler):
    """The picture of a page."""

    auth_resource = "ionwidgets"

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        path = _PICTURES / f"{name}.jpg"
        if name not in {page.name for page in pages()} or not path.exists():
            raise web.HTTPError(404)
        self.set_header("Content-Type", "image/jpeg")
        self.set_header("Cache-Control", "private, max-age=86400")
        await self.finish(path.read_bytes())


def index_html(base_url: str) -> str:
    """The whole page."""
    items = "".join(
        f'<li><a href="{escape(url_path_join(base_url, page_path(page.name)))}">'
        f'<img src="{escape(url_path_join(base_url, INDEX, page.name))}.jpg" alt="" width="1280" '
        f'height="800">{escape(page.title)}</a><p>{escape(page.goal)}</p></li>'
        for page in pages()
    )
    icon = escape(url_path_join(base_url, "voila/templates/ionwidgets/static/icon.svg"))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>ionwidgets: all pages</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" type="image/svg+xml" href="{icon}">'
        f"<style>{_STYLE}</style></head><body><main><h1>ionwidgets</h1>"
        "<p>Which currents changed in this cell? Every page has a kernel of its own; nothing is fetched from "
        f"outside this machine.</p><ul>{items}</ul></main></body></html>"
    )


def index_routes(base_url: str) -> list[tuple[str, Any]]:
    """The list of pages, and their pictures."""
    return [
        (url_path_join(base_url, INDEX), IndexPage),
        (url_path_join(base_url, INDEX, r"(\w+)\.jpg"), Picture),
    ]
