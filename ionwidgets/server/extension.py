"""The Jupyter server extension: one copy of plotly's script for all figures, which a browser keeps.

It is at ``{base_url}ionwidgets/plotly-<hash of its content>.js``. The page's configuration names it
(`ionwidgetsPlotly`), so that a page asks for it only where it is served.
"""

from __future__ import annotations

import asyncio
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

from ionwidgets.plotly_script import packed_script, script, script_name

FOLDER = "ionwidgets"
PAGE_KEY = "ionwidgetsPlotly"
YEAR_S = 365 * 24 * 3600


class PlotlyScript(JupyterHandler):
    """The script, for whoever may see the server's other pages."""

    auth_resource = "ionwidgets"

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        if name != script_name():
            raise web.HTTPError(404)
        packed = "gzip" in self.request.headers.get("Accept-Encoding", "")
        self.set_header("Cache-Control", f"private, max-age={YEAR_S}, immutable")
        self.set_header("Vary", "Accept-Encoding")
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.set_etag_header()
        if self.check_etag_header():
            self.set_status(304)
            return
        if packed:
            self.set_header("Content-Encoding", "gzip")
        # Packing takes 0.2 s, the first time: not in the thread that answers everyone else.
        work = packed_script if packed else script
        body = await asyncio.get_running_loop().run_in_executor(None, work)
        self.set_header("Content-Length", str(len(body)))
        await self.finish(body)

    head = get

    def compute_etag(self) -> str:
        """The name says what the content is, so it need not be read."""
        packed = "gzip" in self.request.headers.get("Accept-Encoding", "")
        return f'"{script_name()}{"-gzip" if packed else ""}"'


def script_path() -> str:
    """Where the script is, from the base URL on."""
    return f"{FOLDER}/{script_name()}"


def routes(base_url: str) -> list[tuple[str, Any]]:
    """The extension's handlers under `base_url`, for any Jupyter application."""
    return [(url_path_join(base_url, FOLDER, r"(plotly-\w+\.js)"), PlotlyScript)]


def _load_jupyter_server_extension(app: Any) -> None:
    """Called by Jupyter when the server starts."""
    web_app = app.web_app
    web_app.add_handlers(".*$", routes(web_app.settings["base_url"]))
    web_app.settings.setdefault("page_config_data", {})[PAGE_KEY] = script_path()
