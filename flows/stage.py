"""What a stage is to Prefect: a task that caches nothing, and whose failure tells no text of the corpus.

Prefect logs the exception of a task and stores its message; the message of a library may hold the row it failed on.
"""

import functools
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Task, get_run_logger, task, unmapped
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from flows.engines import renew_workers
from flows.progress import follow, timed
from flows.recipe import Recipe
from flows.shards import set_aside
from pairgen.draft import PACKAGES
from pairgen.errors import ContrastPairsError, StoreError

_P = ParamSpec("_P")
_R = TypeVar("_R")
_ROOT = Path(__file__).resolve().parent.parent
_POOLS = 3  # of worker processes, as a shard is tried three times


class StageError(ContrastPairsError):
    """A stage failed in a way that nobody foresaw; the exception itself is its `__context__`."""


def stage(
    name: str, *, run_name: str | None = None, again_after: Sequence[float] = ()
) -> Callable[[Callable[_P, _R]], Task[_P, _R]]:
    """A task called `name`; an exception that is none of ours becomes a `StageError`: it says where, never what.

    What failed so is tried again after each of these seconds; a mistake or a full disk, which are told, is not.
    """

    def decorate(function: Callable[_P, _R]) -> Task[_P, _R]:
        @functools.wraps(function)
        def discreet(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            try:
                with timed(name) if run_name is None else nullcontext():  # `follow` times what is mapped
                    return function(*args, **kwargs)
            except ContrastPairsError as error:
                raise error from None  # what caused it may hold a text, too
            except Exception as error:
                raise _told(name, error) from None

        return task(
            name=name,
            task_run_name=run_name,
            cache_policy=NO_CACHE,
            retries=len(again_after),
            retry_delay_seconds=list(again_after),
            retry_condition_fn=_is_unforeseen,
        )(discreet)

    return decorate


def across(task: Task[..., Path], shards: Sequence[Path], recipe: Recipe, *given: Any) -> list[Path]:
    """The `shards` after `task`, each given `recipe` and what else is `given`.

    One that fails for good stops the build, or is set aside, as the recipe says. When a worker process dies, all are
    given to new ones, which leave alone what is done.
    """

    standing = list(shards)

    def otherwise(place: int, error: Exception) -> Path:
        shard = standing[place]
        if recipe.run.on_failed_shard == "stop" or not isinstance(error, StageError):
            raise error
        get_run_logger().warning(f"{shard.name} is set aside: {error}")
        standing[place] = set_aside(shard, task.name)
        return task(standing[place], recipe, *given)

    for _ in range(_POOLS):
        try:
            futures = task.map(standing, *(unmapped(each) for each in (recipe, *given)))
            return follow(task.name, futures, otherwise=otherwise)
        except BrokenProcessPool:
            get_run_logger().warning(f"{task.name}: a worker process died; new ones go on")
            renew_workers()
    raise StageError(
        f"{task.name}: a worker process died, {_POOLS} times; is memory short? With fewer `workers` in [run] the same "
        "command goes on where it was"
    )


def _is_unforeseen(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), StageError)


def _told(name: str, error: Exception) -> ContrastPairsError:
    if isinstance(error, OSError) and error.strerror:
        at = f" at {error.filename}" if error.filename else ""
        return StoreError(f"{name}: {error.strerror}{at}. Is there room, may it be written?")
    ours = [
        f"{Path(frame.filename).relative_to(_ROOT)}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(_ROOT) and Path(frame.filename).relative_to(_ROOT).parts[0] in PACKAGES
    ]
    return StageError(
        f"{name}: {type(error).__name__} at {ours[-1]}. "
        "This is a defect of contrast-pairs: please report it (the message is left out, since it may hold a text)"
    )
