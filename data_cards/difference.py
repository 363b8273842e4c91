"""Two versions held against each other as one page: what changed, why, and examples, masked until asked."""

from typing import Any

import polars as pl

from data_cards.page import render
from data_cards.wording import changed, decided, segments, sides
from pairgen.diff import Difference

_EXAMPLES = 20  # of added, of removed and of rewritten pairs
_MAX_EXAMPLE = 600


def page(difference: Difference, *, examples: bool = True) -> str:
    """The page of `difference`; without `examples` no text of either version stands in it."""
    causes = {name: getattr(difference, name) for name in ("corpus", "recipe", "models", "code")}
    rows = {"added": difference.added, "removed": difference.removed}
    return render(
        "diff.html",
        "reveal.js",
        older=difference.older,
        newer=difference.newer,
        numbers={
            **numbers(difference),
            "rescored": difference.rescored_pairs,
            "altered": difference.altered.height,
        },
        decided=decided(causes),
        why=[row for what, table in rows.items() for row in _why(what, table)],
        scores=_scores(difference.rescored),
        counts=[each for each in difference.counts if each["from"] != each["to"]],
        files=difference.files,
        examples=_examples(difference) if examples else [],
    )


def numbers(difference: Difference) -> dict[str, int]:
    """How many pairs were added, removed and rewritten."""
    return {name: getattr(difference, name).height for name in ("added", "removed", "rewritten")}


def _why(what: str, rows: pl.DataFrame) -> list[dict[str, Any]]:
    counted = rows.group_by("cause", "reason").len().sort("len", "cause", "reason", descending=[True, False, False])
    return [{"what": what, **row} for row in counted.to_dicts()]


def _scores(rescored: pl.DataFrame) -> list[dict[str, Any]]:
    by = pl.col("after") - pl.col("before")
    figures = (pl.len().alias("pairs"), by.mean().alias("mean"), by.abs().max().alias("most"))
    return rescored.group_by("score").agg(*figures).sort("score").to_dicts()


def _examples(difference: Difference) -> list[dict[str, Any]]:
    found = []
    for what, rows in (("Added", difference.added), ("Removed", difference.removed)):
        for row in rows.sort("pair_id").head(_EXAMPLES).iter_rows(named=True):
            pieces = sides({**row, **{side: row[side][:_MAX_EXAMPLE] for side in ("positive", "negative")}})
            texts = [(side.capitalize(), side, pieces[side]) for side in ("positive", "negative")]
            why = row["cause"] + (f": {row['reason'].replace('_', ' ')}" if row["reason"] else "")
            found.append({"what": what, "why": why, "texts": texts})
    for row in difference.rewritten.sort("before").head(_EXAMPLES).iter_rows(named=True):
        parent, before, after = (row[key][:_MAX_EXAMPLE] for key in ("parent", "positive", "positive_after"))
        marks = changed(before, after)
        texts = [
            ("Parent", "soft", segments(parent, changed(before, parent)[1], cover=True, plain=True)),
            ("Before", "negative", segments(before, marks[0], cover=False, plain=True)),
            ("Now", "positive", segments(after, marks[1], cover=False, plain=True)),
        ]
        found.append({"what": "Rewritten", "why": "the same parent, another positive", "texts": texts})
    return found
