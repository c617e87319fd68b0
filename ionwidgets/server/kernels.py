"""When the kernel of a page is ended: soon after the page was left, or when nobody has used it for long."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jupyter_client.manager import KernelManager
from jupyter_server.base.handlers import APIHandler
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from jupyter_server.utils import url_path_join
from tornado.web import authenticated
from traitlets import Float


@dataclass(frozen=True)
class Culling:
    """Seconds: without use until a kernel is ended (0: never), for a page that was left to come back (a
    reload), for one that was handed out to appear, and between two looks.
    """

    idle: float = 8 * 3600
    left: float = 60
    unseen: float = 300
    every: float = 5


class Kernels(AsyncMappingKernelManager):
    """Ends the kernels that nobody will come back to; one whose job is under way is never idle.

    What counts as use is whatever the kernel says: every answer to a control, every report of a job, and the
    beat of one that is paused, which ends after hours (`ionwidgets.widgets.heartbeat`).
    """

    left_timeout = Float(Culling.left, config=True, help="Seconds for a page that was left to come back.")
    unseen_timeout = Float(Culling.unseen, config=True, help="Seconds for a page to appear.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._left: dict[str, float] = {}
        self._handed_out: dict[str, float] = {}
        self._seen: set[str] = set()

    def leave(self, kernel_id: str) -> None:
        """The page of this kernel says that it goes."""
        if kernel_id in self:
            self._left[kernel_id] = time.monotonic()

    def notify_connect(self, kernel_id: str) -> None:
        super().notify_connect(kernel_id)
        self._left.pop(kernel_id, None)
        self._seen.add(kernel_id)
        if kernel_id in self:
            self._kernels[kernel_id].last_activity = datetime.now(UTC)  # it may have been ready for hours

    def remove_kernel(self, kernel_id: str) -> KernelManager:
        self._left.pop(kernel_id, None)
        self._handed_out.pop(kernel_id, None)
        self._seen.discard(kernel_id)
        return super().remove_kernel(kernel_id)

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End the kernel if its time has come; Voila asks only for those that are not being preheated."""
        if self._nobody_comes(kernel_id):
            await self.shutdown_kernel(kernel_id)
        elif self.cull_idle_timeout > 0 and kernel_id in self._seen:
            await super().cull_kernel_if_idle(kernel_id)

    def _nobody_comes(self, kernel_id: str) -> bool:
        kernel = self._kernels[kernel_id]
        if self._kernel_connections.get(kernel_id, 0) or kernel.execution_state == "busy":
            return False
        now = time.monotonic()
        if kernel_id in self._left:
            since, patience = self._left[kernel_id], self.left_timeout
        elif kernel_id not in self._seen:
            since, patience = self._handed_out.setdefault(kernel_id, now), self.unseen_timeout
        else:
            return False  # the connection was lost: a computer that sleeps comes back
        quiet = time.time() - kernel.last_activity.timestamp()
        return min(now - since, quiet) > patience

    def initialize_culler(self) -> None:
        # It would not look at all where no time of idling is given; pages are left all the same.
        given, self.cull_idle_timeout = self.cull_idle_timeout, max(self.cull_idle_timeout, 1)
        super().initialize_culler()
        self.cull_idle_timeout = given


class LeaveHandler(APIHandler):
    """What a page calls when it goes; Voila's own would end the kernel under a reload."""

    def check_xsrf_cookie(self) -> None:
        """None is needed: Voila's pages get no such cookie, the kernel's id is known to its page alone, and
        other origins are refused all the same.
        """

    @authenticated
    def post(self, kernel_id: str) -> None:
        kernels: Kernels = self.settings["kernel_manager"]
        kernels.leave(kernel_id)
        self.set_status(204)
        self.finish()


def leave_route(base_url: str) -> tuple[str, type[LeaveHandler]]:
    """The address at which a page says that it goes."""
    return url_path_join(base_url, r"/ionwidgets/leave/([\w-]+)"), LeaveHandler
