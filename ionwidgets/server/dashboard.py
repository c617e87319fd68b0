"""Voila, set up so that a page needs no configuration of the user's and nothing from outside this machine."""

from __future__ import annotations

import logging
import math
import os
import secrets
import sys
import threading
import webbrowser
from pathlib import Path
from typing import Any

import tornado.ioloop
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_server.utils import url_path_join
from traitlets.config import Config
from voila.app import Voila
from voila.tornado.handler import TornadoVoilaHandler

from ionwidgets.plotly_script import packed_script
from ionwidgets.server.catalogue import pages
from ionwidgets.server.extension import PAGE_KEY, routes, script_path
from ionwidgets.server.index_page import index_routes, page_path
from ionwidgets.server.kernels import Culling, Kernels, leave_route
from ionwidgets.server.launch import port_error

TEMPLATE = "ionwidgets"
SHARE = Path(__file__).parent / "share" / "jupyter"

# What a page of ours needs of JupyterLab's extensions; plotly's own renderer alone would be 4.8 MB more.
EXTENSIONS = ["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "anywidget"]


# s until the next kernel is made ready: while the page that took the last one is drawn, both would be slow.
REFILL = 4.0


class OwnKernel(KernelSpecManager):
    """One kernel, the Python that runs this: a user's own kernel of the same name has no ionwidgets."""

    def _kernel_dirs_default(self) -> list[str]:
        return []


class Dashboard(Voila):
    """Voila without the user's configuration, with our template, and with the routes of our extension."""

    address = ""

    def init_handlers(self) -> list[Any]:
        # Before Voila's, the last of which takes every address.
        threading.Thread(target=packed_script, daemon=True).start()  # the first page need not wait for it
        return [
            *routes(self.server_url),
            leave_route(self.server_url),
            *index_routes(self.server_url),
            *self._page_routes(),
            *super().init_handlers(),
        ]

    def _page_routes(self) -> list[Any]:
        """Every page, whichever of them is the first: that one alone has a kernel made ready."""
        shared = {
            "template_paths": self.template_paths,
            "config": self.config,
            "voila_configuration": self.voila_configuration,
        }
        return [
            (
                url_path_join(self.server_url, page_path(page.name)),
                TornadoVoilaHandler,
                {"notebook_path": os.path.relpath(page.path, self.root_dir), **shared},
            )
            for page in pages()
        ]

    def listen(self) -> None:
        """Listen on the one port that was asked for, say where, and run."""
        try:
            self.app.listen(self.port, self.ip)
        except OSError as error:
            print(f"ionwidgets: {port_error(self.port, error)}", file=sys.stderr)
            self.stop()
            self.exit(2)
        self.address = f"http://{self.ip}:{self.port}/?token={self.token}"
        print(f"ionwidgets is running at {self.address}\nStop it with Ctrl-C.", flush=True)
        if self.open_browser:
            threading.Thread(target=webbrowser.open, args=(self.address,), daemon=True).start()
        self.ioloop = tornado.ioloop.IOLoop.current()
        try:
            self.ioloop.start()
        except KeyboardInterrupt:
            print("Stopping…", file=sys.stderr)
        finally:
            self.stop()


def page_config(current: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Voila's page configuration, with the address of plotly's script, and a script of ours where it would
    fetch MathJax from outside.
    """
    stub = f"{current['baseUrl']}voila/templates/{TEMPLATE}/static/no-mathjax.js"
    return current | {"fullMathjaxUrl": stub, "mathjaxConfig": "none", PAGE_KEY: script_path()}


def run(notebook: Path, ip: str, port: int, open_browser: bool, culling: Culling) -> int:
    """Serve `notebook` until interrupted; the exit code."""
    Dashboard.clear_instance()
    app = Dashboard.instance(config=_settings(ip, port, open_browser, culling), config_file_paths=[])
    try:
        app.initialize([str(notebook)])
        app.start()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _settings(ip: str, port: int, open_browser: bool, culling: Culling) -> Config:
    _offer_template()
    return Config(
        {
            "Voila": {
                "ip": ip,
                "port": port,
                "open_browser": open_browser,
                "token": secrets.token_urlsafe(24),
                "log_level": logging.ERROR,
            },
            # No port that other users of the machine could read a kernel's talk from.
            "KernelManager": {"transport": "ipc"},
            "VoilaKernelManager": {"fill_delay": REFILL},
            "Kernels": {
                "cull_idle_timeout": math.ceil(culling.idle),
                "cull_interval": math.ceil(culling.every),
                "cull_connected": True,
                "left_timeout": culling.left,
                "unseen_timeout": culling.unseen,
            },
            "VoilaConfiguration": {
                "template": TEMPLATE,
                "allow_template_override": "NO",
                "allow_theme_override": "NO",
                "strip_sources": True,
                "preheat_kernel": True,
                "default_pool_size": 1,
                "multi_kernel_manager_class": Kernels,
                "kernel_spec_manager_class": OwnKernel,
                "extension_allowlist": EXTENSIONS,
                "file_allowlist": [],
                "page_config_hook": page_config,
                "show_tracebacks": False,
            },
        }
    )


def _offer_template() -> None:
    """Let Voila find our template, whatever folders it searches besides."""
    folders = os.environ.get("JUPYTER_PATH", "").split(os.pathsep)
    if str(SHARE) not in folders:
        os.environ["JUPYTER_PATH"] = os.pathsep.join([str(SHARE), *filter(None, folders)])
