"""Who does the work: workers of this machine's own, or those of a scheduler that runs already.

Whoever reaches a Dask scheduler can have any code run by it. So it is spoken to on loopback, or under TLS.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from ionwidgets.errors import IonWidgetsError

CERTIFICATES = ("CA_FILE", "CLIENT__CERT", "CLIENT__KEY")
PATIENCE = 10.0  # s until a scheduler must have answered
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


def check(scheduler: Any, workers: int | None) -> None:
    """Refuse what cannot be or must not be, before anything is done.

    Raises
    ------
    IonWidgetsError : workers beside a scheduler, or fewer than one; an address that is open to others.
    """
    if scheduler is not None and workers is not None:
        raise IonWidgetsError("workers are those that the scheduler has: leave out one of the two")
    if workers is not None and workers < 1:
        raise IonWidgetsError(f"a sweep needs at least one worker; found {workers}")
    if isinstance(scheduler, str):
        _private(scheduler)


@contextmanager
def connected(scheduler: Any = None, workers: int | None = None) -> Iterator[Any]:
    """A `distributed.Client`: of the scheduler at an address, the one given, or one of a cluster made here.

    Raises
    ------
    IonWidgetsError : Dask is not installed; nobody answers at the address, or others can reach it too.
    """
    _check_installed()
    if scheduler is None:
        with _local(workers or os.cpu_count() or 1) as client:
            yield client
    elif not isinstance(scheduler, str):
        _private(scheduler.scheduler.address)
        yield scheduler
    else:
        with _reached(_private(scheduler)) as client:
            yield client


@contextmanager
def _reached(address: str) -> Iterator[Any]:
    from distributed import Client, Security

    if address.startswith("tls") and not Security().get_connection_args("client").get("ssl_context"):
        raise IonWidgetsError(
            f"{address}: no certificates to go with it; name them in Dask's configuration or environment: "
            + ", ".join(f"DASK_DISTRIBUTED__COMM__TLS__{name}" for name in CERTIFICATES)
        )
    # That it has gone, should it go, is said by us, in one line.
    log = logging.getLogger("distributed.client")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        try:
            client = Client(address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            why = " ".join(str(error).split())
            raise IonWidgetsError(
                f"{address}: no Dask scheduler answers there ({why}); start one with "
                "`dask scheduler --host 127.0.0.1`, or leave the address out"
            ) from None
        with client:
            yield client
    finally:
        log.setLevel(level)


def _check_installed() -> None:
    try:
        import distributed  # noqa: F401 (whether it can be)
    except ModuleNotFoundError as error:
        raise IonWidgetsError(
            f'a sweep needs Dask, and there is no {error.name}: pip install "ionwidgets[cluster]"'
        ) from None


def _private(address: str) -> str:
    """The address in full, if nobody else can reach it."""
    full = address if "://" in address else f"tcp://{address}"
    try:
        parts = urlsplit(full)
        host = parts.hostname or ""
    except ValueError:
        raise IonWidgetsError(f"{address}: not an address, such as tcp://127.0.0.1:8786") from None
    if parts.scheme in ("tls", "wss", "inproc") or host == "localhost":
        return full
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise IonWidgetsError(
            f"{address}: whoever reaches a Dask scheduler can run code on it, so it must be on loopback "
            "(127.0.0.1) or under TLS (tls://HOST:PORT, certificates in Dask's own configuration)"
        )
    return full


@contextmanager
def _local(workers: int) -> Iterator[Any]:
    """Worker processes of our own, on loopback, one thread each, gone at the end."""
    import dask
    from distributed import Client, LocalCluster

    # One run at a worker, none in wait: what a worker that dies takes with it is one run.
    one_each = dask.config.set({"distributed.scheduler.worker-saturation": 1.0})
    with (
        one_each,
        TemporaryDirectory(prefix="ionwidgets-sweep-") as scratch,
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, host="127.0.0.1",
            dashboard_address=None, scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # any free port
            worker_dashboard_address=None, memory_limit=None, local_directory=scratch, env=ONE_THREAD,
            silence_logs=logging.ERROR,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):  # fmt: skip
        yield client
