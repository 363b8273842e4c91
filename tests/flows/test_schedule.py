"""Scheduled rebuilds on a real Prefect server: by the clock, cancelled, failing, at once, and without the server."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.recipe import read_recipe
from flows.schedule import schedule_of
from pairgen.errors import ScheduleError
from pairgen.store import Store, verify

ROOT = Path(__file__).parents[2]
TEXTS = [
    "Only an idiot parks 2 cars in front of the school in York.",
    "That stupid driver from Leeds was 45 minutes late again.",
    "The orchestra from Bergen played for 45 minutes in the old harbour.",
    "My uncle sold 12 beehives to a farmer from Porto last spring.",
]
PATIENCE_SECONDS = 240  # a machine that others use may take minutes for what takes seconds


class Server:
    """A Prefect server of its own, on a SQLite file of its own; it can go away and come back."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.home, self.url = home, f"http://127.0.0.1:{self.port}/api"
        self.environment = {
            **{name: found for name, found in os.environ.items() if not name.startswith("PREFECT_")},
            "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(ROOT)]),
            "PREFECT_HOME": str(home),
            "PREFECT_API_URL": self.url,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "1",
            "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        }
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, env=self.environment, cwd=self.home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(lambda: self._answers())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE_SECONDS)

    def ask(self, path: str, **content: Any) -> Any:
        return self.send("POST", path, content).json()

    def send(self, method: str, path: str, content: dict[str, Any]) -> httpx.Response:
        def answer() -> httpx.Response | None:
            found = httpx.request(method, f"{self.url}/{path}", json=content, timeout=30)
            return None if found.status_code == 503 else found  # SQLite is locked

        found: httpx.Response = until(answer)
        return found.raise_for_status()

    def due(self) -> str:
        """The id of a new run of rebuild/tiny, due now, once that is served."""

        def deployment() -> Any:
            found = httpx.get(f"{self.url}/deployments/name/rebuild/tiny").json()
            return found if found.get("paused") is False else None

        found = until(deployment)
        return str(self.ask(f"deployments/{found['id']}/create_flow_run", state={"type": "SCHEDULED"})["id"])

    def ended(self, run: str) -> dict[str, Any]:
        """The state of that run when it has ended."""
        ended = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")

        def state() -> Any:
            found = httpx.get(f"{self.url}/flow_runs/{run}").json()["state"]
            return found if found["type"] in ended else None

        found: dict[str, Any] = until(state)
        return found

    def rest(self) -> None:
        """Nothing is due by the clock any more, and what was at work has ended.

        A run that is stopped in the middle may still count as one at work, and the next be cancelled for it.
        """
        found = httpx.get(f"{self.url}/deployments/name/rebuild/tiny").json()
        for schedule in found["schedules"]:
            self.send("PATCH", f"deployments/{found['id']}/schedules/{schedule['id']}", {"active": False})
        at_work = {"state": {"type": {"any_": ["PENDING", "RUNNING"]}}}
        until(lambda: not self.ask("flow_runs/filter", flow_runs=at_work))

    def completed(self) -> list[dict[str, Any]]:
        """The runs of rebuild/tiny that ended well, oldest first."""
        wanted = {"state": {"type": {"any_": ["COMPLETED"]}}}
        found: list[dict[str, Any]] = self.ask(
            "flow_runs/filter", deployments={"name": {"any_": ["tiny"]}}, flow_runs=wanted, sort="START_TIME_ASC"
        )
        return found

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


def until(ask: Callable[[], Any]) -> Any:
    """What `ask` answers as soon as that is something."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = ask()
        if found:
            return found
        time.sleep(0.5)
    raise TimeoutError(f"nothing in {PATIENCE_SECONDS} s")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("server"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus, a recipe and, once something was built, a store that remembers its scores."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "texts.txt").write_text("\n".join(TEXTS))
    recipe = read_recipe("embedded", sources=["texts.txt"], name="tiny")
    (folder / "tiny.toml").write_text(recipe.toml())
    return folder


def command(server: Server, place: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "flows", *arguments],
        env={**server.environment, **environment},
        cwd=place,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@contextmanager
def serving(server: Server, place: Path, *arguments: str) -> Iterator[None]:
    """`contrast-pairs serve tiny.toml` meanwhile."""
    process = command(server, place, "serve", "tiny.toml", *arguments)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_SECONDS)


@contextmanager
def held(place: Path) -> Iterator[None]:
    """Builds wait where they write their first new score: nobody else can write there meanwhile."""
    with closing(sqlite3.connect(place / "store" / ".cache" / "scores.sqlite", isolation_level=None)) as memory:
        memory.execute("BEGIN IMMEDIATE")
        yield
        memory.execute("ROLLBACK")


def changed(place: Path, text: str) -> None:
    with (place / "texts.txt").open("a") as file:
        file.write(f"\n{text}")


def shape(place: Path) -> list[str]:
    """Every file and folder of the store but what is remembered, and what a stopped build goes on with."""
    store = place / "store"
    return sorted(str(path.relative_to(store)) for path in store.rglob("*") if not _beside(path))


def _beside(path: Path) -> bool:
    return any(part == ".cache" or part.startswith(".build-") for part in path.parts)


def is_building(place: Path) -> bool:
    return any((place / "store").glob(".build-*/*/shards.json"))


@pytest.mark.parametrize("cron", ["nightly", "0 3 * *", "61 3 * * *", ""])
def test_a_cron_that_is_none_is_a_line(cron: str) -> None:
    with pytest.raises(ScheduleError, match=r"^--cron '.*': no cron line; expected minute, hour, .*$"):
        schedule_of(cron=cron, interval=None)


def test_a_schedule_is_one_cron_or_one_interval() -> None:
    assert schedule_of(cron="0 3 * * *", interval=None).model_dump()["cron"] == "0 3 * * *"
    for cron, interval in ((None, None), ("0 3 * * *", 5.0)):
        with pytest.raises(ScheduleError, match=r"^expected either --cron"):
            schedule_of(cron=cron, interval=interval)
    for seconds in (0.0, -3.0, 0.5, float("inf"), float("nan"), 1e300):
        with pytest.raises(ScheduleError, match="expected one second or more"):
            schedule_of(cron=None, interval=seconds)


@pytest.mark.slow
def test_a_schedule_that_fires_publishes_and_then_says_that_nothing_changed(server: Server, place: Path) -> None:
    with serving(server, place, "--interval", "5"):
        runs = until(lambda: len(done := server.completed()) > 1 and done)
        server.rest()

    assert [run["state"]["message"] for run in runs[:2]] == ["published tiny@v1", "nothing changed: tiny@v1"]
    assert verify(Store(place / "store").resolve("tiny")) == []
    deployment = httpx.get(f"{server.url}/deployments/name/rebuild/tiny").json()
    assert deployment["global_concurrency_limit"]["limit"] == 1
    assert deployment["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert deployment["paused"] is True  # nobody serves it any more
    keys = {each["key"]: each["type"] for each in server.ask("artifacts/filter")}
    made = {"tiny-card": "markdown", "tiny-funnel": "table", "tiny-page": "markdown", "tiny-time": "table"}
    assert keys.items() >= made.items()


@pytest.mark.slow
def test_a_run_that_is_cancelled_from_outside_leaves_the_store_as_it_was(server: Server, place: Path) -> None:
    before = shape(place)
    changed(place, "Only a moron sells 7 boats to a baker from Lyon.")
    with serving(server, place, "--cron", "0 3 * * *"):
        with held(place):
            run = server.due()
            until(lambda: is_building(place))
            assert server.ended(server.due())["type"] == "CANCELLED"  # due while another is at work
            server.ask(f"flow_runs/{run}/set_state", state={"type": "CANCELLING"})
        assert server.ended(run)["type"] == "CANCELLED"
        until(lambda: shape(place) == before)


@pytest.mark.slow
def test_a_failed_build_notifies_and_leaves_the_store_as_it_was(server: Server, place: Path) -> None:
    told: list[dict[str, str]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    hook = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    save = (
        "from prefect.blocks.notifications import CustomWebhookNotificationBlock as Hook\n"
        f"Hook(name='team', url='http://127.0.0.1:{hook.server_port}', "
        "json_data={'subject': '{{subject}}', 'body': '{{body}}'}).save('team', overwrite=True)"
    )
    subprocess.run([sys.executable, "-c", save], env=server.environment, check=True, capture_output=True)
    before = shape(place)
    recipe = (place / "tiny.toml").read_text()
    try:
        with serving(server, place, "--cron", "0 3 * * *", "--notify", "custom-webhook/team"):
            until(lambda: server.ask("automations/filter"))
            (place / "tiny.toml").write_text(recipe.replace("min_toxicity", "min_toxcity"))
            run = server.due()
            assert server.ended(run)["type"] == "FAILED"
            until(lambda: told)
    finally:
        (place / "tiny.toml").write_text(recipe)
        hook.shutdown()
        hook.server_close()

    assert told[0]["subject"] == "tiny: a build failed"
    assert "mine.min_toxcity: unknown key; did you mean min_toxicity?" in told[0]["body"]
    assert shape(place) == before


@pytest.mark.slow
def test_two_builds_at_once_publish_one_version(server: Server, place: Path) -> None:
    before = Store(place / "store").versions("tiny")[-1].number
    changed(place, "A stupid moron sold 9 sheds to a painter from Graz.")

    builds = [command(server, place, "build", "tiny.toml", "--json") for _ in range(2)]
    answers = [json.loads(build.communicate(timeout=PATIENCE_SECONDS)[0]) for build in builds]

    assert sorted(answer["published"] for answer in answers) == [False, True]
    assert {answer["version"] for answer in answers} == {before + 1}
    assert verify(Store(place / "store").versions("tiny")[-1]) == []


@pytest.mark.slow
def test_what_is_built_is_published_though_the_server_goes_away_in_mid_build(server: Server, place: Path) -> None:
    before = Store(place / "store").versions("tiny")[-1].number
    changed(place, "The idiot of a plumber from Brest broke 3 taps.")
    with held(place):
        build = command(server, place, "build", "tiny.toml", "--json", PREFECT_CLIENT_MAX_RETRIES="1")
        until(lambda: is_building(place))
        server.stop()
    try:
        out, err = build.communicate(timeout=PATIENCE_SECONDS)
    finally:
        server.start()

    assert (build.returncode, out) == (1, "")
    assert "contrast-pairs: the Prefect server went away before it could be told how this ended; what was " in err
    assert "Traceback" not in err
    version = Store(place / "store").versions("tiny")[-1]
    assert version.number == before + 1
    assert verify(version) == []


@pytest.mark.slow
def test_without_a_server_or_block_it_says_what_to_do(server: Server, place: Path) -> None:
    asked = [
        (command(server, place, "serve", "tiny.toml", "--cron", "0 3 * * *", PREFECT_API_URL=""), "is not set"),
        (
            command(server, place, "serve", "tiny.toml", "--interval", "5", PREFECT_API_URL="http://127.0.0.1:9/api"),
            "http://127.0.0.1:9/api: no Prefect server answers there; start",
        ),
        (
            command(server, place, "serve", "tiny.toml", "--interval", "5", "--notify", "slack/x"),
            "no such notification block that can be loaded here",
        ),
        (command(server, place, "serve", "tiny.toml", "--cron", "x"), "no cron line"),
    ]
    for process, line in asked:
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 1
        assert line in err
        assert err.count("\n") == 1, err


@pytest.mark.slow
def test_prefect_yaml_deploys(server: Server) -> None:
    def prefect(*arguments: str) -> None:
        command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
        done = subprocess.run(command, env=server.environment, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    prefect("work-pool", "create", "contrast-pairs", "--type", "process")
    prefect("deploy", "--all")

    for name, recipe, active in (("demo", "demo", True), ("comments", "embedded", False)):
        found = httpx.get(f"{server.url}/deployments/name/rebuild/{name}").json()
        assert found["parameters"]["recipe"] == recipe
        assert found["entrypoint"] == "flows/schedule.py:rebuild"
        assert [each["active"] for each in found["schedules"]] == [active]
        assert found["global_concurrency_limit"]["limit"] == 1
        assert found["pull_steps"][0]["prefect.deployments.steps.set_working_directory"] == {"directory": str(ROOT)}
