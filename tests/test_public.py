"""What a user meets first: the packages are ours, the command is there, and it starts at once."""

import importlib
import subprocess
import sys
from importlib.metadata import distribution, entry_points
from pathlib import Path

import pytest

import flows.cli
from pairgen.draft import PACKAGES

ROOT = Path(__file__).parents[1]


def imported_with(*modules: str) -> set[str]:
    """Every module that a fresh process has once it imported `modules`."""
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("package", PACKAGES)
def test_the_package_is_ours(package: str) -> None:
    """Others of these names are on the package index, and one in site-packages would hide ours."""
    file = Path(importlib.import_module(package).__file__ or "").resolve()
    installed = {Path(str(path.locate())).resolve() for path in distribution("contrast-pairs").files or ()}

    assert file.is_relative_to(ROOT / package) or file in installed


def test_these_are_all_packages() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert sorted(PACKAGES) == sorted(folders - {"tests"})


def test_the_distribution_has_a_version_and_one_command() -> None:
    installed = distribution("contrast-pairs")
    [command] = [each for each in entry_points(group="console_scripts") if each.name == "contrast-pairs"]

    assert installed.version == "0.1.0"
    assert command.load() is flows.cli.main
    assert [each.name for each in installed.entry_points] == ["contrast-pairs"]
    assert Path(sys.executable).with_name("contrast-pairs").is_file()


def test_help_waits_for_no_heavy_library() -> None:
    assert not imported_with("flows.cli") & {"torch", "polars", "prefect", "spacy"}


def test_what_lists_versions_waits_for_no_model_library() -> None:
    assert not imported_with("flows.printing", "pairgen.store") & {"torch", "prefect", "spacy"}
