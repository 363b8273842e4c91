"""Where the shards of a build are worked on: threads, processes, or a Dask or Ray cluster, by Prefect's task runners.

A version does not depend on it: a stage takes a shard's folder, and each worker loads the models once.
"""

import os
import socket
from typing import Any
from urllib.parse import urlsplit

from prefect.context import FlowRunContext
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner

from flows.recipe import RunSettings
from pairgen.errors import RecipeError

_PATIENCE_SECONDS = 10


def task_runner(run: RunSettings) -> TaskRunner[Any]:
    """The task runner that `run` names; `RecipeError` where it is not installed, or no cluster is at its address."""
    if run.address not in (None, "auto"):
        _ask(run.address)
    match run.engine:
        case "threads":
            return ThreadPoolTaskRunner(max_workers=run.workers)
        case "processes":
            return ProcessPoolTaskRunner(max_workers=run.workers, initializer=_share_cores, initargs=(run.workers,))
        case "dask":
            return _dask(run)
        case "ray":
            return _ray(run)


def renew_workers() -> None:
    """New workers for the flow that runs: of a process pool none is left when one died."""
    running = FlowRunContext.get()
    if running is not None:
        running.task_runner.__exit__(None, None, None)
        running.task_runner.__enter__()


def _dask(run: RunSettings) -> TaskRunner[Any]:
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise _not_installed("dask") from error
    here = {"n_workers": run.workers, "threads_per_worker": 1, "dashboard_address": None}
    runner: TaskRunner[Any] = DaskTaskRunner(address=run.address, cluster_kwargs=None if run.address else here)
    return runner


def _ray(run: RunSettings) -> TaskRunner[Any]:
    try:
        from prefect_ray.task_runners import RayTaskRunner
    except ImportError as error:
        raise _not_installed("ray") from error
    here = {"num_cpus": run.workers, "include_dashboard": False, "log_to_driver": False}
    runner: TaskRunner[Any] = RayTaskRunner(address=run.address, init_kwargs={} if run.address else here)
    return runner


def _share_cores(workers: int) -> None:
    """So many workers compute on this machine: Dask and Ray give each its threads, a process pool does not."""
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))


def _ask(address: str) -> None:
    found = urlsplit(address if "://" in address else f"tcp://{address}")
    try:
        socket.create_connection((found.hostname or "", found.port or 0), timeout=_PATIENCE_SECONDS).close()
    except (OSError, ValueError) as error:
        raise RecipeError(
            f"run.address: no cluster answers at {address!r} ({error}); start it there, or leave the address out for "
            "workers on this machine"
        ) from error


def _not_installed(engine: str) -> RecipeError:
    return RecipeError(f"run.engine: {engine!r} is not installed; pip install 'contrast-pairs[{engine}]'")
