"""One Prefect server for the session, forty mild comments, the version built of them, and the command line."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import flows.cli
from flows.recipe import Recipe, read_recipe
from pairgen.store import Version
from tests.training.conftest import tiny_model

__all__ = ["tiny_model"]

flows.cli._quieten()  # Prefect reads its environment when it is first imported, which is before any command runs here

COMMENTS = Path(__file__).parent / "comments.csv"


class Said(NamedTuple):
    """What a command left: its exit code, stdout and stderr."""

    code: int
    out: str
    err: str


class Published(NamedTuple):
    """The version built of `COMMENTS`, its store, and what the build wrote to stdout."""

    version: Version
    store: Path
    recipe: Recipe


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Prefect server with an empty database, for all tests that run a flow."""
    from prefect.settings import PREFECT_HOME, PREFECT_LOGGING_TO_API_BATCH_INTERVAL, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    home = tmp_path_factory.mktemp("prefect")
    settings = {PREFECT_HOME: home, PREFECT_LOGGING_TO_API_BATCH_INTERVAL: 0.2}
    with temporary_settings(settings), prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(scope="session")
def published(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """The version `small@v1`, built of `COMMENTS` by the embedded recipe. Tests must not change its store."""
    from flows.build import build

    store = tmp_path_factory.mktemp("published")
    recipe = read_recipe("embedded", sources=[str(COMMENTS)], name="small").settled(store)
    version, is_new = build(recipe, store)
    assert is_new
    return Published(version, store, recipe)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """`contrast-pairs` with these arguments, in this process; an exception that is no exit fails the test."""

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["contrast-pairs", *map(str, arguments)])
        capfd.readouterr()
        code = 0
        try:
            flows.cli.main()
        except SystemExit as stopped:
            code = int(stopped.code or 0)
        return Said(code, *capfd.readouterr())

    return run
