"""Filters on rows that must all come back: a table with scores, `kept` and `drop_reason`, in the order of the rows."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from filters.base import Filter, apply_filters, keep_pairs, score_pairs
from pairgen.models import Models


def score_rows(rows: pl.DataFrame, filters: Sequence[Filter], models: Models, *, min_toxicity: float) -> pl.DataFrame:
    """`rows` with the score of each filter that needs no other row; null where `fault` says what is wrong with the row.

    Needs the texts, `negative_kind` and `fault`. A negative whose kind is null counts as `toxic` from `min_toxicity`.
    """
    sound = rows.filter(pl.col("fault").is_null())
    toxic = pl.Series(models.toxicity.toxicity(sound["negative"].to_list()) >= min_toxicity, dtype=pl.Boolean)
    kind = pl.col("negative_kind").fill_null(pl.when(toxic).then(pl.lit("toxic")))
    scored = score_pairs(sound.with_columns(kind), [each for each in filters if not each.across_sets], models)
    scores = scored.select("pair_id", pl.col("^score_.*$"))
    return rows.join(scores, on="pair_id", how="left", maintain_order="left")


def judge_rows(scored: pl.DataFrame, filters: Sequence[Filter], models: Models) -> pl.DataFrame:
    """For each row of `score_rows`, in order: `score_KIND` of every filter, `kept` and `drop_reason`.

    The reason is the row's fault, or the first filter that does not keep it. Filters that compare sets do so among the
    rows that all others keep, as in a build: the others have no such score.
    """
    sound = scored.filter(pl.col("fault").is_null())
    alone = keep_pairs(sound, [each for each in filters if not each.across_sets], stage="check")
    across = apply_filters(alone.kept, [each for each in filters if each.across_sets], models, stage="check")
    kept = across.kept.with_columns(id="pair_id", drop_reason=pl.lit(None, dtype=pl.String), kept=pl.lit(True))
    judged = pl.concat([kept, across.dropped, alone.dropped], how="diagonal").rename({"drop_reason": "reason"})
    scores = [f"score_{each.kind}" for each in filters]
    outcome = scored.select("pair_id", "fault").join(
        judged.select(pl.col("id").alias("pair_id"), "kept", "reason", *scores),
        on="pair_id",
        how="left",
        maintain_order="left",
    )
    return outcome.select(*scores, kept=pl.col("kept").fill_null(False), drop_reason=pl.coalesce("fault", "reason"))


def tally(checked: pl.DataFrame) -> dict[str, Any]:
    """Rows, how many were kept and dropped, and the reasons."""
    reasons = checked.filter(~pl.col("kept")).group_by("drop_reason").len()
    reasons = reasons.sort("len", "drop_reason", descending=[True, False])
    kept = int(checked["kept"].sum())
    return {
        "rows": checked.height,
        "kept": kept,
        "dropped": checked.height - kept,
        "drop_reasons": dict(reasons.rows()),
    }
