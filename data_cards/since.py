"""What is different from the version before, as a card tells it; `contrast-pairs diff` tells it pair by pair."""

from typing import Any

import polars as pl

from pairgen.diff import causes, counts, flat_settings
from pairgen.draft import Draft
from pairgen.errors import StoreError
from pairgen.schema import collected
from pairgen.version import count_rows


def since(draft: Draft) -> dict[str, Any] | None:
    """`reference` of the version before, what else decides the pairs, counts, and pairs by kind; None for the first.

    `causes` and `counts` are as in `pairgen.diff`, `counts` without those that stayed; `pairs` has a row a kind of
    negative: how many are in both versions (`same`), only in this one (`added`), only in the one before (`removed`).
    A version before that cannot be read gives its reference alone.
    """
    if draft.parent is None:
        return None
    contents = draft.contents
    counted = count_rows(contents.pairs, contents.members, contents.dropped)
    try:
        if draft.before is None:
            return {"reference": draft.parent}
        found = causes(
            draft.before,
            source=contents.source,
            settings=flat_settings(contents.recipe),
            fingerprints=contents.fingerprints,
            code=draft.code,
        )
        moved = counts(draft.before, counted, contents.dropped)
        with draft.before.reading("pairs"):
            pairs = _pairs(draft.before.scan("pairs"), contents.pairs)
    except StoreError:
        return {"reference": draft.parent}
    return {
        "reference": draft.parent,
        "causes": found,
        "counts": [each for each in moved if each["from"] != each["to"]],
        "pairs": pairs,
    }


def _pairs(before: pl.LazyFrame, after: pl.LazyFrame) -> list[dict[str, Any]]:
    """By the kind of the negative, the most frequent first: pairs of both, added and removed ones."""
    rows = []
    kinds = pl.concat([each.select("negative_kind") for each in (before, after)]).unique()
    for kind in collected(kinds)["negative_kind"].sort():
        of_kind = [each.filter(negative_kind=kind).select(pl.col("pair_id").hash()) for each in (before, after)]
        old, new = map(collected, of_kind)
        total = pl.concat([old, new])["pair_id"].n_unique()
        same, added, removed = old.height + new.height - total, total - old.height, total - new.height
        rows.append({"kind": kind, "same": same, "added": added, "removed": removed})
    return sorted(rows, key=lambda row: -(row["same"] + row["added"] + row["removed"]))
