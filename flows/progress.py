"""Progress while a flow works: a bar a stage on a terminal, nothing where nobody looks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from prefect.futures import PrefectFuture  # takes seconds, which what runs no flow need not wait for

_T = TypeVar("_T")
console = Console(stderr=True)


def bar() -> Progress:
    """A progress bar on stderr; it draws nothing where stderr is no terminal."""
    return Progress(
        TextColumn("{task.description:<15}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def follow(
    stage: str, futures: "Sequence[PrefectFuture[Any]]", *, otherwise: Callable[[int, Exception], Any] | None = None
) -> list[Any]:
    """The results of `futures`, in order; of one that failed, what `otherwise` makes of its place and exception.

    Without that the first failure is raised: no flow ends well over a failed shard.
    """
    results = []
    with bar() as progress:
        shown = progress.add_task(stage, total=len(futures))
        for place, future in enumerate(futures):
            try:
                results.append(future.result())
            except Exception as error:
                if otherwise is None:
                    raise
                results.append(otherwise(place, error))
            progress.advance(shown)
    return results


@contextmanager
def steps(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for work that reports (steps done, steps in all)."""
    with bar() as progress:
        shown = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(shown, completed=done, total=total)
