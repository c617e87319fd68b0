"""`sweep`: experiments x eta x seeds x models over the workers of Dask, each run a file as it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ionwidgets.discovery.reproduction.settings import Reproduction
from ionwidgets.discovery.sweep.cluster import check, connected
from ionwidgets.discovery.sweep.folder import Folder
from ionwidgets.discovery.sweep.plan import Scale, Task, tasks
from ionwidgets.discovery.sweep.task import Landed, work
from ionwidgets.errors import IonWidgetsError
from ionwidgets.jobs import Control

if TYPE_CHECKING:
    import pandas as pd

RETRIES = 2  # of a run whose worker raised what is no error of its settings: no memory, a full disk
LOOK = 0.1  # s between two looks at what has ended


def sweep(
    out: str | Path,
    *,
    models: Sequence[str | Path],
    experiments: Iterable[Scale],
    etas: Sequence[float] = (1e-3,),
    seeds: Sequence[float] = (0,),
    decoders: Sequence[str] = ("ode",),
    scheduler: Any = None,
    workers: int | None = None,
    settings: Reproduction | None = None,
    progress: Control | None = None,
) -> pd.DataFrame:
    """Retrain a network on every altered cell, at every eta, from every seed; spread over Dask's workers.

    Each run paces the cell (`models` with the conductances of `experiments`), trains stage 2 on its beats and
    measures what came out. A run whose worker dies is made again by another one; a sweep that is interrupted
    goes on where it was when it is called again.

    Parameters
    ----------
    out : folder for `runs/` (a file each, written whole as the run ends), `sweep.csv` and `sweep.json`. It
        may hold other sweeps: a run that it has is not made again, and the tables hold all.
    models : library names, or paths of .mmt and .cellml files, which travel to the workers.
    experiments : factors by conductance, ``{"g_Kr": 0.25}``; ``{}`` is the control.
    etas, seeds : prices of a change of a gate; seeds of the first weights.
    decoders : "ode", the model's own equations, or "emulator", the published recipe.
    scheduler : address of a Dask scheduler on loopback or under TLS, or a `distributed.Client`: Dask's own
        deployers make them for SLURM, Kubernetes and clouds, with workers that need ionwidgets. When left
        out, worker processes of this machine. Whoever shares the machine reaches its loopback too: on a
        login node, use TLS.
    workers : how many of those; a processor each when left out.
    settings : those of `reproduce`; `paper.etas` and `stage2.eta` are not used.
    progress : is told by ``progress.report(fraction, message)`` how far the sweep is, and may end it.

    Returns
    -------
    A row a run of this sweep: model, experiment, decoder, eta, seed, state ("done", or "failed" and why in
    `reason`), the losses, `apd90_error_..._ms` (neural ODE minus cell, by cycle length), `ratio_...` (each
    current beside that of stage 1 along the same beats).

    Raises
    ------
    IonWidgetsError : a name or number that cannot be; no Dask, or no scheduler at the address; the scheduler
        has gone.

    Examples
    --------
    In a script, below ``if __name__ == "__main__":``, for the workers import it:

    >>> from ionwidgets.discovery.sweep import sweep
    >>> experiments = [{"g_Kr": 0.25}, {"g_CaL": 0.25}, {"g_to": 3.0}]
    >>> table = sweep("sweep", models=["tnnp2004:M"], experiments=experiments, etas=[5e-4, 1e-3])
    >>> table.groupby("experiment")["ratio_I_Kr"].mean()
    """
    settings = settings or Reproduction()
    check(scheduler, workers)
    wanted = tasks(models, experiments, etas, seeds, decoders, settings)
    folder = Folder(out)
    missing = [task for task in wanted if not folder.has(task.name)]
    failed: list[dict[str, Any]] = []
    if missing:
        tell = _Telling(progress, len(wanted), len(wanted) - len(missing))
        tell.say("Starting the workers" if scheduler is None else "Looking for the scheduler")
        with connected(scheduler, workers) as client:
            tell.say("Pacing the cells" if client.nthreads() else "Waiting for workers to join")
            _spread(client, missing, folder, failed, tell)
    table = folder.write_tables(failed)
    return table[table["name"].isin([task.name for task in wanted])].reset_index(drop=True)


def _spread(
    client: Any, missing: Sequence[Task], folder: Folder, failed: list[dict[str, Any]], tell: _Telling
) -> None:
    from distributed import as_completed

    submitted = {
        client.submit(work, task, key=f"ionwidgets-{task.name}", pure=False, retries=RETRIES): task
        for task in missing
    }
    ending = as_completed(list(submitted), loop=client.loop)
    pause = threading.Event()
    try:
        while submitted:
            ended = ending.next_batch(block=False)
            for future in ended:
                landed = _landed(future)
                task = submitted.pop(future)
                if landed.failed:
                    failed.append({**task.about, "reason": landed.failed})
                else:
                    folder.keep(task.name, landed.file)
                future.release()  # the scheduler need not keep what lies on the disk
                tell.ended(failed)
            if not ended:
                if client.status not in ("running", "newly-created"):
                    raise CancelledError
                tell.alive()
                pause.wait(LOOK)
    except CancelledError:
        raise IonWidgetsError(
            f"the scheduler has gone, with {len(submitted)} runs to do; what has landed stays in "
            f"{folder.path}: call again with the same words, and the sweep goes on"
        ) from None
    finally:
        if submitted and client.status == "running":
            client.cancel(list(submitted), force=False)


def _landed(future: Any) -> Landed:
    from distributed import KilledWorker

    try:
        landed: Landed = future.result()
        return landed
    except CancelledError:
        raise
    except KilledWorker as error:
        times = error.allowed_failures + 1
        return Landed(failed=f"{times} workers died of it, one after another; is there too little memory?")
    except Exception as error:
        return Landed(failed=f"{type(error).__name__}: {' '.join(str(error).split())}")


class _Telling:
    """Says how many of the runs are there, and how long the rest will take."""

    def __init__(self, progress: Control | None, total: int, before: int) -> None:
        self._progress, self._total, self._before = progress, total, before
        self._done, self._since, self._message = before, time.monotonic(), ""

    def say(self, message: str) -> None:
        self._message = message
        self.alive()

    def ended(self, failed: Sequence[Any]) -> None:
        self._done += 1
        left = (time.monotonic() - self._since) * (self._total - self._done) / (self._done - self._before)
        words = [f"{self._done} of {self._total} runs"]
        words += [f"{len(failed)} failed"] if failed else []
        words += [_in_words(left)] if self._done < self._total else []
        self.say(", ".join(words))

    def alive(self) -> None:
        if self._progress is not None:
            self._progress.report(self._done / self._total, self._message)


def _in_words(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"about {seconds / size:.0f} {unit} left"
    return f"about {max(1, round(seconds))} s left"
