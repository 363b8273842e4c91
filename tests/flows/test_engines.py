"""Builds on processes, a Dask cluster and Ray, each with two real workers, one of which may be killed."""

import os
import random
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from prefect import flow

from flows.build import build
from flows.engines import task_runner
from flows.recipe import Recipe, RunSettings, read_recipe
from flows.stage import StageError, across, stage
from pairgen.errors import RecipeError
from pairgen.store import Store
from tests.flows.conftest import Published
from tests.flows.test_build import leftovers, warm


def on(engine: str, recipe: Recipe) -> Recipe:
    return recipe.model_copy(update={"run": RunSettings(engine=engine, rows_per_shard=7)})  # type: ignore[arg-type]


def kill_a_worker(store: Path, outcomes: int, killed: list[int]) -> None:
    """Kill a worker as soon as `outcomes` stages of shards are done: the child that has used the most time."""
    deadline = time.monotonic() + 300
    while len(list(store.glob(".build-small/*/shard-*/*.json"))) < outcomes:
        if time.monotonic() > deadline:
            return
        time.sleep(0.01)
    children = psutil.Process().children(recursive=True)
    workers = [each for each in children if any(word in " ".join(each.cmdline()) for word in ("spawn", "ray::"))]
    worker = max(workers, key=lambda each: sum(each.cpu_times()[:2]))
    os.kill(worker.pid, signal.SIGKILL)
    killed.append(worker.pid)


@pytest.mark.slow
@pytest.mark.parametrize(
    "engine",
    ["processes", pytest.param("dask", marks=pytest.mark.cluster), pytest.param("ray", marks=pytest.mark.cluster)],
)
def test_every_engine_gives_the_same_digest(published: Published, tmp_path: Path, engine: str) -> None:
    version, is_new = build(on(engine, published.recipe), warm(tmp_path, published))

    assert is_new
    assert version.digest == published.version.digest
    assert leftovers(tmp_path) == []


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("engine", ["processes", "dask", "ray"])
def test_a_worker_that_is_killed_costs_no_more_than_its_shard(
    published: Published, tmp_path: Path, engine: str
) -> None:
    store, killed = warm(tmp_path, published), []
    outcomes = random.randint(10, 40)
    killer = threading.Thread(target=kill_a_worker, args=(store, outcomes, killed))
    killer.start()

    version, is_new = build(on(engine, published.recipe), store)

    killer.join()
    assert killed
    assert is_new
    assert version.digest == published.version.digest, f"a worker was killed after {outcomes} outcomes"


@pytest.mark.slow
@pytest.mark.parametrize("deaths", [1, pytest.param(3, marks=pytest.mark.cluster)])
def test_a_worker_process_that_dies_is_replaced_twice(prefect_server: None, tmp_path: Path, deaths: int) -> None:
    @stage("mine", run_name="{shard.name}")
    def die(shard: Path, recipe: Recipe) -> Path:
        with (shard / "tries").open("a") as tries:
            tries.write("x")
        if len((shard / "tries").read_text()) <= deaths:
            os.kill(os.getpid(), signal.SIGKILL)
        return shard

    @flow(task_runner=task_runner(RunSettings(engine="processes", workers=1)))
    def deadly() -> list[Path]:
        return across(die, [tmp_path], read_recipe("demo"))

    if deaths < 3:
        assert deadly() == [tmp_path]
    else:
        with pytest.raises(
            StageError, match=r"^mine: a worker process died, 3 times; is memory short\? With fewer `work"
        ):
            deadly()

    assert (tmp_path / "tries").read_text() == "x" * min(3, deaths + 1)


@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_a_cluster_that_does_not_answer_is_one_line(tmp_path: Path, engine: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(RecipeError, match=rf"^run.address: no cluster answers at '{address}' \(.*refused"):
            task_runner(RunSettings(engine=engine, address=address))  # type: ignore[arg-type]

    assert Store(tmp_path).versions() == []


@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_an_engine_that_is_not_installed_says_how_to_get_it(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, f"prefect_{engine}.task_runners", None)

    with pytest.raises(RecipeError, match=rf"^run.engine: '{engine}' is not installed; pip install 'contrast-pairs\["):
        task_runner(RunSettings(engine=engine))  # type: ignore[arg-type]


def test_only_a_cluster_has_an_address() -> None:
    with pytest.raises(ValueError, match='engine = "threads" has no address; expected "dask" or "ray"'):
        RunSettings(address="tcp://127.0.0.1:8786")
