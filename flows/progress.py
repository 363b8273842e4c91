"""Progress while a flow works, on a terminal and in the Prefect UI, and where the time went."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

if TYPE_CHECKING:
    from prefect.futures import PrefectFuture  # takes seconds, which what runs no flow need not wait for

_T = TypeVar("_T")
console = Console(stderr=True)
_UI_SECONDS = 5  # between two calls of the server
_stages: ContextVar[dict[str, float] | None] = ContextVar("stages", default=None)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:.2f}/s")


def bar() -> Progress:
    """A progress bar on stderr; it draws nothing where stderr is no terminal."""
    return Progress(
        TextColumn("{task.description:<15}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
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
    with timed(stage), bar() as progress, shown_in_ui(stage, len(futures)) as tell:
        shown = progress.add_task(stage, total=len(futures))
        for place, future in enumerate(futures):
            try:
                results.append(future.result())
            except Exception as error:
                if otherwise is None:
                    raise
                results.append(otherwise(place, error))
            progress.advance(shown)
            tell(len(results))
    return results


@contextmanager
def shown_in_ui(stage: str, total: int) -> Iterator[Callable[[int], None]]:
    """Progress of `stage` as an artifact of the run: shards done of `total`, their rate and how long the rest takes.

    A server that once did not answer is not asked again: the work is what counts.
    """
    from prefect.artifacts import create_progress_artifact, update_progress_artifact

    started = told = time.monotonic()
    artifact: UUID | None = None
    gone = False

    def tell(done: int) -> None:
        nonlocal artifact, told, gone
        now = time.monotonic()
        if gone or (now - told < _UI_SECONDS and (artifact is None or done < total)):
            return
        told = now
        rate = done / (now - started)
        said = f"{stage}: {done} of {total} shards, {rate:.2f}/s, {(total - done) / rate:.0f} s left"
        try:
            if artifact is None:
                artifact = UUID(str(create_progress_artifact(100 * done / total, description=said)))
            else:
                update_progress_artifact(artifact, 100 * done / total, description=said)
        except Exception:  # whatever a server that went away makes of it
            gone = True

    yield tell


@contextmanager
def timing() -> Iterator[dict[str, float]]:
    """The seconds by the clock of each stage that is `timed` meanwhile."""
    seconds: dict[str, float] = defaultdict(float)
    token = _stages.set(seconds)
    try:
        yield seconds
    finally:
        _stages.reset(token)


@contextmanager
def timed(stage: str) -> Iterator[None]:
    """Count these seconds for `stage`, if somebody asks for them."""
    seconds, started = _stages.get(), time.monotonic()
    try:
        yield
    finally:
        if seconds is not None:
            seconds[stage] += time.monotonic() - started


def where_time_went(stages: Mapping[str, float], models: Mapping[str, float]) -> list[dict[str, Any]]:
    """A row a stage, by the clock, then a row a model: `what`, `name`, `seconds`, and `share` of the stages' sum.

    Models work in several threads at once, and waiting for them is no work: their shares need not add up.
    """
    whole = sum(stages.values()) or 1.0
    rows = [("stage", *each) for each in stages.items()]
    rows += [("model", *each) for each in sorted(models.items(), key=lambda each: -each[1])]
    return [
        {"what": what, "name": name, "seconds": round(seconds, 1), "share": f"{seconds / whole:.0%}"}
        for what, name, seconds in rows
    ]


def tell_where_time_went(rows: Sequence[Mapping[str, Any]]) -> None:
    """The rows as a table on stderr, if that is a terminal."""
    if console.is_terminal:
        from rich.table import Table

        table = Table("where the time went", "", "seconds", "share", box=None, pad_edge=False, header_style="dim")
        for row in rows:
            table.add_row(row["what"], row["name"], f"{row['seconds']:.1f}", row["share"])
        console.print("\n", table)


@contextmanager
def steps(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for work that reports (steps done, steps in all)."""
    with bar() as progress:
        shown = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(shown, completed=done, total=total)
