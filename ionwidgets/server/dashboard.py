"""Voila, set up so that a page needs no configuration of the user's and nothing from outside this machine."""

from __future__ import annotations

import logging
import os
import secrets
import sys
import threading
import webbrowser
from pathlib import Path
from typing import Any

import plotly
import tornado.ioloop
from jupyter_client.kernelspec import KernelSpecManager
from traitlets.config import Config
from voila.app import Voila

from ionwidgets.server.launch import port_error

TEMPLATE = "ionwidgets"
SHARE = Path(__file__).parent / "share" / "jupyter"
PLOTLY = Path(plotly.__file__).parent / "package_data"

# What a page of ours needs of JupyterLab's extensions; plotly's own renderer alone would be 4.8 MB more.
EXTENSIONS = ["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "anywidget"]


class OwnKernel(KernelSpecManager):
    """One kernel, the Python that runs this: a user's own kernel of the same name has no ionwidgets."""

    def _kernel_dirs_default(self) -> list[str]:
        return []


class Dashboard(Voila):
    """Voila without the user's configuration, with our template, and with plotly.js at an address of its
    own.
    """

    address = ""

    def setup_template_dirs(self) -> None:
        super().setup_template_dirs()
        self.static_paths.append(str(PLOTLY))

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
    """Voila's page configuration, with a script of ours where it would fetch MathJax from outside."""
    stub = f"{current['baseUrl']}voila/templates/{TEMPLATE}/static/no-mathjax.js"
    return current | {"fullMathjaxUrl": stub, "mathjaxConfig": "none"}


def run(notebook: Path, ip: str, port: int, open_browser: bool) -> int:
    """Serve `notebook` until interrupted; the exit code."""
    Dashboard.clear_instance()
    app = Dashboard.instance(config=_settings(ip, port, open_browser), config_file_paths=[])
    try:
        app.initialize([str(notebook)])
        app.start()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _settings(ip: str, port: int, open_browser: bool) -> Config:
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
            "VoilaConfiguration": {
                "template": TEMPLATE,
                "allow_template_override": "NO",
                "allow_theme_override": "NO",
                "strip_sources": True,
                "preheat_kernel": True,
                "default_pool_size": 1,
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
