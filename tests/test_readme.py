"""The README says what is so: its commands, options and files exist, and every command stands in it."""

import re
from pathlib import Path

import pytest
import typer

from flows.build import STAGES
from flows.cli import app
from flows.recipe import SHIPPED

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def test_every_command_stands_in_the_readme() -> None:
    table = README.split("## Commands")[1].split("## ")[0]

    told = {
        word for cell in re.findall(r"^\|([^|]*)\|", table, re.MULTILINE) for word in re.findall(r"`([a-z]+)", cell)
    }

    assert told - {"command"} == set(COMMANDS)


@pytest.mark.parametrize("line", re.findall(r"^ +(?:\$ )?\S*contrast-pairs (.+)$", README, re.MULTILINE))
def test_commands_and_options_exist(line: str) -> None:
    command, *words = line.split()

    options = {option for parameter in COMMANDS[command].params for option in parameter.opts}

    assert {word for word in words if word.startswith("--")} <= options


def test_the_file_tree_is_the_one_that_is_there() -> None:
    tree = README.split("## What is where")[1].split("## ")[0]
    folder, missing = "", []
    for indent, name in re.findall(r"^( {4,6})([\w./]+)", tree, re.MULTILINE):
        folder = name if len(indent) == 4 else folder
        path = ROOT / (folder if len(indent) == 4 else folder + name)
        missing += [] if path.exists() else [path]

    assert not missing
    assert {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()} <= set(re.findall(r"(\w+)/", tree))


def test_the_session_is_one_that_ran() -> None:
    session = README.split("## A session")[1].split("## ")[0]

    assert "published demo@v1" in session
    assert all(stage in session for stage in STAGES if stage != "references")  # the demo has none
    assert re.search(r"^ +model: +\S+$", session, re.MULTILINE)


def test_pictures_and_targets_exist() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    assert all((ROOT / picture).exists() for picture in re.findall(r"!\[.*?\]\((.*?)\)", README))
    assert set(re.findall(r"make ([a-z]+)", README)) <= set(targets)
    assert all(f"`{recipe}`" in README for recipe in SHIPPED)
