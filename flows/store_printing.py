"""What the commands that keep a store print for people. Texts of pairs are masked, whatever is printed is harmless."""

from typing import Any

from rich.text import Text

from flows.printing import console
from pairgen.version import Version
from pairgen.withdrawn import withdrawal_of


def tagged(name: str, move: dict[str, Any]) -> None:
    """Where a tag stands now, and where it stood before."""
    now, before = f"{name}@v{move['to']}", move["from"]
    came = "" if before is None else " already" if before == move["to"] else f", before: {name}@v{before}"
    _say(f"{name}@{move['tag']} is {now}{came}")


def withdrawn(version: Version) -> None:
    """That a version was withdrawn, and why."""
    stone = withdrawal_of(version) or {"reason": ""}
    _say(f"withdrew {version.reference}: {stone['reason']}; it stays on disk, nothing is trained or exported from it")


def _say(line: str) -> None:
    console.print(Text(line), soft_wrap=True)
