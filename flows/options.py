"""What every command of the command line shares: its options, and how it answers machines."""

import json
import sys
from typing import Annotated, Any

import typer

StoreOption = Annotated[
    str, typer.Option("--store", help="The folder that versions live in, or a URL: s3://BUCKET/FOLDER.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout.")]
STORE = "store"


def write(content: dict[str, Any]) -> None:
    """One JSON object to stdout."""
    sys.stdout.write(json.dumps(content, indent=1, default=str) + "\n")
