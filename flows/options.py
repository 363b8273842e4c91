"""What every command of the command line shares: its options, and how it answers machines."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

StoreOption = Annotated[Path, typer.Option("--store", help="The folder that versions live in.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout.")]
STORE = Path("store")


def write(content: dict[str, Any]) -> None:
    """One JSON object to stdout."""
    sys.stdout.write(json.dumps(content, indent=1, default=str) + "\n")
