"""What the commands that keep a store print for people. Texts of pairs are masked, whatever is printed is harmless."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from flows.printing import console, grid
from pairgen.prune import Verdict
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


def pruned(verdicts: Sequence[Verdict], leftovers: Sequence[Path], *, models: Path, removed: bool) -> None:
    """A line a version: what becomes of it and why; then the leftovers."""
    listed = grid("version", "published", "pairs", "", "why")
    for version, reasons in verdicts:
        count = f"{version.manifest['counts']['pairs']:,}"
        fate = "stays" if reasons else "removed" if removed else "would go"
        cells = (version.reference, version.manifest["created"], count, fate, Text(", ".join(reasons)))
        listed.add_row(*cells)
    console.print(listed)
    gone = sum(not verdict.reasons for verdict in verdicts)
    what = f"{gone} version{'' if gone == 1 else 's'} and {len(leftovers)} leftovers of stopped builds"
    _say(f"\n{'removed' if removed else 'would remove'} {what}; trained models were looked for in {models}/")
    if not removed and (gone or leftovers):
        _say("nothing was removed yet: give --yes")


def _say(line: str) -> None:
    console.print(Text(line), soft_wrap=True)
