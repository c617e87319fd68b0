"""Starting a dashboard, for the command line."""

from __future__ import annotations

import errno
import socket

from ionwidgets.errors import IonWidgetsError
from ionwidgets.server.catalogue import dashboard_path

ADDRESS = "127.0.0.1"
UNUSED = 480.0  # minutes: a working day


def serve(name: str = "workbench", port: int = 8866, open_browser: bool = True, cull: float = UNUSED) -> int:
    """Serve a packaged dashboard on 127.0.0.1 until interrupted, and print its full address, token included.

    Every page has a kernel of its own, which is ended soon after the page is closed, and when the page has
    not been used for `cull` minutes (0: never); one that has a job under way is spared.

    Returns
    -------
    The exit code: 0 after an interrupt.

    Raises
    ------
    IonWidgetsError : there is no such dashboard, the port cannot be had, or `cull` is no time.
    """
    notebook = dashboard_path(name)
    check_port(port)
    if not 0 <= cull < float("inf"):
        raise IonWidgetsError(f"--cull {cull:g}: minutes, 0 for never")
    # They bring Voila, a second: not before it is needed.
    from ionwidgets.server.dashboard import run
    from ionwidgets.server.kernels import Culling

    return run(notebook, ADDRESS, port, open_browser, Culling(idle=60 * cull))


def check_port(port: int) -> None:
    """IonWidgetsError if `port` cannot be listened on."""
    if not 1 <= port <= 65535:
        raise IonWidgetsError(f"port {port}: give one from 1024 to 65535")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the server itself does: a port that is only waiting for old connections to end is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise port_error(port, error) from None


def port_error(port: int, error: OSError) -> IonWidgetsError:
    """What to say where a port cannot be had."""
    if error.errno == errno.EADDRINUSE:
        return IonWidgetsError(f"port {port} is taken by another program; choose one: --port {port + 1}")
    return IonWidgetsError(f"port {port} cannot be used ({error.strerror}); choose another: --port 8866")
