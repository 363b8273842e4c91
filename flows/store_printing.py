"""What the commands that keep a store print for people. Texts of pairs are masked, whatever is printed is harmless."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich.text import Text

from flows.printing import candidate, console, grid, paths
from pairgen.diff import Difference
from pairgen.places import Place
from pairgen.prune import Verdict
from pairgen.version import Version
from pairgen.withdrawn import withdrawal_of

_EXAMPLES = 3
_ON_CARD = 8  # examples of what was kept, and of what was dropped
_WIDTH = 300  # characters of an example


def tagged(name: str, move: dict[str, Any]) -> None:
    """Where a tag stands now, and where it stood before."""
    now, before = f"{name}@v{move['to']}", move["from"]
    came = "" if before is None else " already" if before == move["to"] else f", before: {name}@v{before}"
    _say(f"{name}@{move['tag']} is {now}{came}")


def withdrawn(version: Version) -> None:
    """That a version was withdrawn, and why."""
    stone = withdrawal_of(version) or {"reason": ""}
    _say(f"withdrew {version.reference}: {stone['reason']}; it stays on disk, nothing is trained or exported from it")


def pruned(verdicts: Sequence[Verdict], leftovers: Sequence[Place], *, models: Path, removed: bool) -> None:
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


def card(version: Version, *, reveal: bool) -> None:
    """The verdict of the checks and examples of what was kept and dropped, with the words marked that differ."""
    stats = version.stats()
    checks = grid("", "check", "found")
    for check in stats["checks"]:
        checks.add_row("ok" if check["ok"] else "[red]look[/red]", _cell(check["check"]), _cell(check["found"]))
    _say(f"\n{version.reference}: {stats['pairs']['total']:,} pairs in {stats['sets']['total']:,} sets\n")
    console.print(checks)
    for fate in ("kept", "dropped"):
        for example in stats["examples"][fate][:_ON_CARD]:
            _example(example, fate, reveal=reveal)
    paths({"data card": version.place / "card.html"})


def _example(example: dict[str, Any], fate: str, *, reveal: bool) -> None:
    from data_cards.wording import segments, sides

    why = example["negative_kind"] if fate == "kept" else f"{example['stage']}: {example['drop_reason']}"
    _say(f"\n{fate}  {_cell(why)}")
    if example.get("positive") is not None and example.get("negative") is not None:
        shown = sides(example)
    else:  # a text that was dropped, perhaps before it was scored: whatever stands in it may be toxic
        text = example.get("text") or example.get("positive") or example.get("negative") or ""
        shown = {"text": segments(text, [(0, len(text))], cover=True, plain=True)}
    for side, pieces in shown.items():
        said = "".join(piece["raw" if reveal else "masked"] for piece in pieces)
        _say(f"  {side:<8}  {said if len(said) <= _WIDTH else said[:_WIDTH] + '...'}")


def exhibited(out: Path, *, pages: int, versions: int) -> None:
    """How many pages a gallery has, and where it begins."""
    _say(f"wrote {pages:,} pages over {versions:,} versions")
    paths({"gallery": out / "index.html"})


def exported(version: Version, out: Path, rows: dict[str, int]) -> None:
    """How many rows each split has, and where."""
    counts = ", ".join(f"{split} {number:,}" for split, number in rows.items())
    _say(f"exported {version.reference}: {counts}")
    paths({"files": out})


def pushed(version: Version, repo: str, *, new: bool) -> None:
    """Where a version is on the hub."""
    _say(f"{'pushed' if new else 'already there:'} {version.reference} as {repo}@v{version.number}")


def pulled(version: Version, repo: str, *, new: bool) -> None:
    """Which version came, or was there."""
    _say(f"{'pulled' if new else 'already there:'} {version.reference} of {repo}, digest {version.digest[:12]}")
    candidate(version)
    paths({"data set": version.place})


def differences(difference: Difference, *, reveal: bool) -> None:
    """What changed and why, in short; examples of pairs with their toxic words covered."""
    older, newer = difference.older, difference.newer
    same = "the same pairs and members" if older.digest == newer.digest else "other pairs or members"
    _say(f"\n{older.reference} -> {newer.reference}: {same}; digests {older.digest[:12]}, {newer.digest[:12]}\n")
    causes = grid("changed", "what", "from", "to")
    for row in [
        *(("corpus", f"{each['source']} {each['change']}", each) for each in difference.corpus),
        *(("recipe", each["key"], each) for each in difference.recipe),
        *(("model", each["role"], each) for each in difference.models),
        *((("code", "", difference.code),) if difference.code else ()),
    ]:
        kind, what, each = row
        causes.add_row(kind, _cell(what), *(_cell(each[end]) for end in ("from", "to")))
    console.print(causes if causes.row_count else "corpus, recipe, models and code are the same")
    files = (f"{len(names)} {what}" for what, names in difference.files.items())
    _say(f"\nfiles: {', '.join(files)}\n")
    counted = grid("count", "before", "after", "change")
    for each in difference.counts:
        if each["from"] != each["to"] or each["count"] in {"sets", "pairs"}:
            numbers = (f"{each['from']:,}", f"{each['to']:,}", f"{each['to'] - each['from']:+,}")
            counted.add_row(_cell(each["count"]), *numbers)
    console.print(counted)
    _rows(difference)
    _examples(difference, reveal=reveal)


def _rows(difference: Difference) -> None:
    told = grid("pairs", "", "why")
    counts = (("added", difference.added), ("removed", difference.removed))
    for what, rows in counts:
        causes = rows.group_by("cause", "reason").len().sort("len", "cause", "reason", descending=[True, False, False])
        why = (f"{cause}{f' ({reason})' if reason else ''} {count:,}" for cause, reason, count in causes.iter_rows())
        told.add_row(f"{rows.height:,}", what, _cell(", ".join(why)))
    told.add_row(
        f"{difference.rewritten.height:,}",
        "rewritten",
        _cell(f"same parent, another positive{_because(difference.rewritten)}"),
    )
    told.add_row(f"{difference.altered.height:,}", "altered", _cell(", ".join(_altered_columns(difference))))
    told.add_row(f"{difference.rescored_pairs:,}", "re-scored", _cell(_because(difference.rescored).lstrip(": ")))
    console.print("\n", told)
    if difference.rescored.height:
        scores = grid("score moved", "pairs", "mean change", "most")
        moved = difference.rescored.with_columns(by=pl.col("after") - pl.col("before")).group_by("score")
        for score, count, mean, most in (
            moved.agg(pl.len(), pl.col("by").mean().alias("mean"), pl.col("by").abs().max().alias("most"))
            .sort("score")
            .iter_rows()
        ):
            numbers = ("none", "none") if mean is None else (f"{mean:+.4f}", f"{most:.4f}")
            scores.add_row(_cell(score), f"{count:,}", *numbers)
        console.print("\n", scores)


def _because(rows: pl.DataFrame) -> str:
    causes = rows["cause"].unique().sort().to_list()
    return f": {', '.join(causes)}" if causes else ""


def _altered_columns(difference: Difference) -> list[str]:
    return sorted(set(difference.altered["columns"].explode(empty_as_null=True).drop_nulls().to_list()))


def _examples(difference: Difference, *, reveal: bool) -> None:
    for what, rows in (("added", difference.added), ("removed", difference.removed)):
        for row in rows.head(_EXAMPLES).iter_rows(named=True):
            _say(f"\n{what} {row['pair_id'][:12]}  {row['cause']}")
            _say(f"  positive  {_harmless(row['positive'], reveal=reveal)}")
            _say(f"  negative  {_harmless(row['negative'], reveal=reveal)}")
    for row in difference.rewritten.head(_EXAMPLES).iter_rows(named=True):
        _say(f"\nrewritten {row['before'][:12]} -> {row['after'][:12]}")
        for name, column in (("parent", "parent"), ("before", "positive"), ("after", "positive_after")):
            _say(f"  {name:<8}  {_harmless(row[column], reveal=reveal)}")


def _harmless(text: str, *, reveal: bool) -> str:
    """The beginning of `text` on one line, its toxic words covered unless `reveal`, no control character in it."""
    from data_cards.wording import visible  # loads spaCy's tables, which the other commands need not wait for
    from pairgen.masking import mask

    shown = text if reveal else mask(text, plain=True)
    return visible(shown if len(shown) <= _WIDTH else f"{shown[:_WIDTH]}...")


def _cell(found: Any) -> Text:
    from data_cards.wording import visible

    return Text("none" if found is None else visible(str(found)))


def _say(line: str) -> None:
    console.print(Text(line), soft_wrap=True)
