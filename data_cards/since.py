"""What is different from the version before, as a card tells it; `contrast-pairs diff` tells it pair by pair."""

from typing import Any

import polars as pl

from pairgen.diff import causes, counts, flat_settings
from pairgen.draft import Draft
from pairgen.errors import StoreError
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
        pairs = _pairs(draft.before.pairs(), contents.pairs)
    except StoreError:
        return {"reference": draft.parent}
    return {
        "reference": draft.parent,
        "causes": found,
        "counts": [each for each in moved if each["from"] != each["to"]],
        "pairs": pairs,
    }


def _pairs(before: pl.DataFrame, after: pl.DataFrame) -> list[dict[str, Any]]:
    """By the kind of the negative, the most frequent first: pairs of both, added and removed ones."""
    both = before.select("pair_id", "negative_kind").join(
        after.select("pair_id", "negative_kind"), on=["pair_id", "negative_kind"], how="full", suffix="_after"
    )
    kind = pl.coalesce("negative_kind", "negative_kind_after").alias("kind")
    old, new = pl.col("pair_id").is_not_null(), pl.col("pair_id_after").is_not_null()
    counted = both.group_by(kind).agg(
        *(
            which.sum().cast(pl.Int64).alias(name)
            for name, which in (("same", old & new), ("added", new & ~old), ("removed", old & ~new))
        ),
        pl.len().alias("total"),
    )
    return counted.sort("total", "kind", descending=[True, False]).drop("total").to_dicts()
