"""Scheduled rebuilds: a Prefect deployment that builds a recipe by the clock, one build of it at a time.

`contrast-pairs serve` makes the deployment and runs what is due; `prefect.yaml` deploys the same flow to a work pool.
"""

from datetime import timedelta
from typing import Any

from prefect import flow, serve, task
from prefect.automations import Automation
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.core import Block, UnknownBlockType
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, State
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.settings import get_current_settings
from prefect.states import Completed
from prefect.tasks import exponential_backoff
from prefect.types.entrypoint import EntrypointType

from flows.build import build
from flows.recipe import Recipe, read_recipe
from pairgen.errors import ScheduleError
from pairgen.places import Place, place_of
from pairgen.store import Version

_NO_SERVER = (
    "start a server that stays, `prefect server start` (SQLite; PREFECT_API_DATABASE_CONNECTION_URL for PostgreSQL), "
    "and say where it is: export PREFECT_API_URL=http://127.0.0.1:4200/api"
)
_LONGEST_SECONDS = 366 * 24 * 3600
_FAILED = {"prefect.flow-run.Failed", "prefect.flow-run.Crashed"}


@flow(name="rebuild")
def rebuild(recipe: str, store: str, sources: list[str] | None = None, name: str | None = None) -> State[Any]:
    """Build `recipe`, read anew, and say what became of it; one that fails is tried again after 1, 2 and 4 minutes."""
    read, place = read_recipe(recipe, sources=sources or (), name=name), place_of(store)
    version, is_new = attempt(read, place)
    said = "nothing changed:" if not is_new else "candidate" if version.candidate else "published"
    return Completed(message=f"{said} {version.reference}")


@task(cache_policy=NO_CACHE, retries=3, retry_delay_seconds=exponential_backoff(backoff_factor=60))
def attempt(recipe: Recipe, store: Place) -> tuple[Version, bool]:
    """The build, in a task because Prefect backs off between the tries of a task, not of a flow."""
    return build(recipe.settled(store), store)


def schedule_of(*, cron: str | None, interval: float | None) -> CronSchedule | IntervalSchedule:
    """The schedule of a cron line (in UTC) or of so many seconds; `ScheduleError` where it is none."""
    if (cron is None) == (interval is None):
        raise ScheduleError('expected either --cron "0 3 * * *" or --interval SECONDS')
    if interval is not None:
        if not 1 <= interval <= _LONGEST_SECONDS:
            raise ScheduleError(f"--interval {interval}: expected one second or more, at most {_LONGEST_SECONDS}")
        return IntervalSchedule(interval=timedelta(seconds=interval))
    try:
        return CronSchedule(cron=str(cron), timezone="UTC")
    except ValueError as error:
        raise ScheduleError(
            f'--cron {cron!r}: no cron line; expected minute, hour, day, month and weekday, as in "0 3 * * *"'
        ) from error


def require_server() -> str:
    """The address of the Prefect server that is set; `ScheduleError` where none is, or it does not answer."""
    url = get_current_settings().api.url
    if not url:
        raise ScheduleError(f"PREFECT_API_URL is not set, and a schedule outlives this command: {_NO_SERVER}")
    with get_client(sync_client=True) as client:
        fault = client.api_healthcheck()
    if fault:
        raise ScheduleError(f"{url}: no Prefect server answers there; {_NO_SERVER}")
    return url


def deployment_of(
    recipe: str, read: Recipe, store: Place, schedule: CronSchedule | IntervalSchedule, *, sources: list[str]
) -> RunnerDeployment:
    """The deployment rebuild/NAME; a run that is due while another is at work is cancelled, and the next one is not."""
    made = rebuild.to_deployment(
        name=read.publish.name,
        schedules=[schedule],
        parameters={"recipe": recipe, "store": str(store), "sources": sources, "name": read.publish.name},
        concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    assert isinstance(made, RunnerDeployment)  # no coroutine, since nothing is asynchronous here
    return made


def notify(deployment: RunnerDeployment, block: str) -> None:
    """Have Prefect notify through `block` (TYPE/NAME) when a run of `deployment` fails or crashes.

    `ScheduleError` where the server has no such block. The automation of an earlier call is replaced.
    """
    try:
        found: object = Block.load(block)
    except (ValueError, RuntimeError, UnknownBlockType) as error:
        found = error
    if not isinstance(found, NotificationBlock) or found._block_document_id is None:
        raise ScheduleError(
            f"--notify {block!r}: no such notification block that can be loaded here; expected TYPE/NAME, such as "
            "slack-webhook/team; `prefect block ls` lists them"
        )
    named = f"rebuild/{deployment.name} failed"
    made = Automation(
        name=named,
        trigger=EventTrigger(
            expect=_FAILED,
            match_related={
                "prefect.resource.role": "deployment",
                "prefect.resource.id": f"prefect.deployment.{deployment.apply()}",
            },
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[
            SendNotification(
                block_document_id=found._block_document_id,
                subject=f"{deployment.name}: a build failed",
                body="{{ flow_run.name }}: {{ flow_run.state.message }}\n{{ flow_run|ui_url }}\n"
                "Nothing was published, unless this says so.",
            )
        ],
    )
    with get_client(sync_client=True) as client:
        for earlier in client.read_automations_by_name(named):
            client.delete_automation(earlier.id)
    made.create()


def run(deployment: RunnerDeployment) -> None:
    """Run what is due, until Ctrl-C or SIGTERM; the schedule is paused then."""
    serve(deployment, print_starting_message=False)
