"""What a stage is to Prefect: a task that caches nothing, and whose failure tells no text of the corpus.

Prefect logs the exception of a task and stores its message; the message of a library may hold the row it failed on.
"""

import functools
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE

from pairgen.draft import PACKAGES
from pairgen.errors import ContrastPairsError, StoreError

_P = ParamSpec("_P")
_R = TypeVar("_R")
_ROOT = Path(__file__).resolve().parent.parent


class StageError(ContrastPairsError):
    """A stage failed in a way that nobody foresaw; the exception itself is its `__context__`."""


def stage(name: str, *, run_name: str | None = None) -> Callable[[Callable[_P, _R]], Task[_P, _R]]:
    """A task called `name`; an exception that is none of ours becomes a `StageError`: it says where, never what."""

    def decorate(function: Callable[_P, _R]) -> Task[_P, _R]:
        @functools.wraps(function)
        def discreet(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            try:
                return function(*args, **kwargs)
            except ContrastPairsError as error:
                raise error from None  # what caused it may hold a text, too
            except Exception as error:
                raise _told(name, error) from None

        return task(name=name, task_run_name=run_name, cache_policy=NO_CACHE)(discreet)

    return decorate


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
