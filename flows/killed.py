"""A build that is killed cannot tell Prefect, where it would run for ever: the next build of its data set does."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, State, TaskRun
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run
from prefect.states import Crashed

_PAGE = 200  # the most that Prefect gives at once
_DEAD = "its process was killed: another build of the data set has its lock"


@contextmanager
def noted(file: Path) -> Iterator[None]:
    """Until this ends `file` holds the id of this flow run; the run whose id stands there was killed, and is told so.

    For the one who holds the lock of the data set, while it is held.
    """
    own = str(flow_run.get_id())
    try:
        noted_before = file.read_text() if file.exists() else own  # a run that its server tries again has its id
        if noted_before != own:
            _crash(UUID(noted_before))
        file.write_text(own)
    except (ValueError, OSError, PrefectException, httpx.HTTPError) as error:  # none of this server's, or no answer
        get_run_logger().warning(f"what became of a build that was killed is not told: {type(error).__name__}")
    try:
        yield
    finally:
        with suppress(OSError):
            file.unlink(missing_ok=True)


def _crash(killed: UUID) -> None:
    """The flow run and its task runs that have not ended become Crashed."""
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(killed)
        crashed: State[None] = Crashed(message=_DEAD)
        tasks: list[TaskRun] = []
        within = FlowRunFilter(id=FlowRunFilterId(any_=[killed]))
        while page := client.read_task_runs(flow_run_filter=within, limit=_PAGE, offset=len(tasks)):
            tasks += page
        for each in filter(_is_open, tasks):
            client.set_task_run_state(each.id, crashed, force=True)
        if _is_open(run):
            client.set_flow_run_state(killed, crashed, force=True)


def _is_open(run: FlowRun | TaskRun) -> bool:
    return run.state_type not in TERMINAL_STATES
