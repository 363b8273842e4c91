"""What moved thresholds would keep of a version, from the scores that stand in it: no model is asked.

Each row that reached the filters goes through them again, as in a build: first the filters that need no other row, by
their stored scores, then, among the rows that these keep, the comparison of sets and of splits, which is by rule.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

import polars as pl
from pydantic import ValidationError

from filters.base import Filter, apply_filters, keep_pairs
from pairgen.models import Models
from pairgen.schema import PAIRS, Outcome, collected
from pairgen.splits import drop_shared, find_shared

STAGES = ("filter", "near_duplicate", "disjoint")  # where a pair was dropped that a threshold may bring back
KEPT, UNKNOWN = "kept", "unknown"
_REACHED = (pl.col("unit") == "pair") & pl.col("stage").is_in(STAGES)
_MOST = 20_000  # pairs that a curve is of: near duplicates are looked for again at each of some 60 thresholds
_NO_MODELS = cast(Models, None)  # filters across sets ask none


def judged_pairs(pairs: pl.DataFrame, dropped: pl.DataFrame) -> pl.DataFrame:
    """Every pair of a version that reached the filters, as `PAIRS` with `score_*`, and `now`: "kept" or its reason."""
    back = dropped.filter(_REACHED).rename({"id": "pair_id", "drop_reason": "now"})
    scores = [name for name in dropped.columns if name.startswith("score_")]
    return pl.concat([pairs.with_columns(now=pl.lit(KEPT)), back.select(*PAIRS, "now", *scores)], how="diagonal")


def what_if(judged: pl.DataFrame, filters: Sequence[Filter]) -> pl.DataFrame:
    """`judged` with `then`: "kept", the reason of `filters`, or "unknown".

    Unknown is what would pass every filter that scored it, and has no score of another, although it was dropped before
    that could decide. What was dropped because it has no score stays so.
    """
    return _what_if(judged, filters, {})


def _what_if(judged: pl.DataFrame, filters: Sequence[Filter], known: dict[Any, pl.DataFrame]) -> pl.DataFrame:
    """`what_if`; `known` remembers what becomes of the pairs that reach the filters across sets."""
    alone = [each for each in filters if not each.across_sets]
    across = [each for each in filters if each.across_sets]
    rows = judged.filter(~_unknown(alone)).drop("now", *[f"score_{each.kind}" for each in across], strict=False)
    first = keep_pairs(rows, alone, stage="filter")
    reached = tuple(across), judged["pair_id"].is_in(first.kept["pair_id"].implode()).to_numpy().tobytes()
    if reached not in known:
        second = apply_filters(first.kept, across, _NO_MODELS, stage="near_duplicate")
        third = drop_shared(second.kept, shared=find_shared([second.kept]))
        known[reached] = pl.concat(
            [third.kept.select("pair_id", then=pl.lit(KEPT)), _gone(second), _gone(third)], rechunk=True
        )
    then = pl.concat([known[reached], _gone(first)])
    joined = judged.join(then, on="pair_id", how="left", maintain_order="left")
    return joined.with_columns(pl.col("then").fill_null(UNKNOWN))


def _gone(outcome: Outcome) -> pl.DataFrame:
    return outcome.dropped.select(pair_id="id", then="drop_reason")


def curves(pairs: pl.LazyFrame, dropped: pl.LazyFrame, filters: Sequence[Filter]) -> list[dict[str, Any]]:
    """What a version of `pairs` and `dropped` would keep with one threshold of its `filters` moved, the others left.

    A row a threshold: `filter`, `key`, `now`, `reached`, how many pairs reached the filters, and `points` in rising
    order, each with its `threshold` and how many of these pairs are `kept`, `dropped` and `unknown`. Of over 20,000 a
    sample of about that many is asked: the whole sets of smallest id, as if there were no other. None where a filter
    has no scores in the tables; a filter without a threshold has no row.
    """
    tables = pairs, dropped.filter(_REACHED)
    sets = pl.concat([table.select("set_id") for table in tables])
    reached = collected(sets.select(pl.len())).item()
    if reached > _MOST:
        last = collected(sets.sort("set_id").head(_MOST))["set_id"][-1]
        tables = tables[0].filter(pl.col("set_id") <= last), tables[1].filter(pl.col("set_id") <= last)
    judged = judged_pairs(*map(collected, tables))
    if any(f"score_{each.kind}" not in judged.columns for each in filters):
        return []
    rows: list[dict[str, Any]] = []
    known: dict[Any, pl.DataFrame] = {}
    for place, each in enumerate(filters):
        for key, now in each.model_dump(exclude={"kind", "against"}, exclude_none=True).items():
            moved = _moved(each, key, judged[f"score_{each.kind}"].drop_nulls())
            points = [
                _point(judged, [*filters[:place], moved[threshold], *filters[place + 1 :]], threshold, known)
                for threshold in sorted(moved)
            ]
            rows.append({"filter": each.kind, "key": key, "now": now, "reached": reached, "points": points})
    return rows


def _moved(found: Filter, key: str, scores: pl.Series) -> dict[float, Filter]:
    """`found` by its value of `key`: of now, and where it would pass more of `scores`, or up to half of them fewer."""
    passes = _passes(found, scores)
    fewer = [scores.filter(passes).quantile(share, "nearest") for share in (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)]
    more = [scores.filter(~passes).quantile(share, "nearest") for share in (0, 0.25, 0.5, 0.75, 1)]
    moved = {getattr(found, key): found}
    for score in (score for score in [*fewer, *more] if score is not None):
        for threshold in (math.floor(1000 * score) / 1000, math.ceil(1000 * score) / 1000):
            with suppress(ValidationError):  # out of bounds, or between whole numbers
                valid = type(found).model_validate({**found.model_dump(), key: threshold})
                other = found.model_copy(update={key: getattr(valid, key)})  # settled as `found` is
                if _passes(other, pl.Series([score])).all() and 2 * _passes(other, scores).sum() >= passes.sum():
                    moved[getattr(other, key)] = other
                    break
    return moved


def _passes(found: Filter, scores: pl.Series) -> pl.Series:
    return scores.to_frame("score").select(found.keep(pl.col("score")))["score"]


def _point(judged: pl.DataFrame, filters: Sequence[Filter], threshold: float, known: dict[Any, Any]) -> dict[str, Any]:
    asked = moves(_what_if(judged, filters, known))
    kept, unknown = asked["kept_then"], asked[UNKNOWN]
    return {"threshold": threshold, "kept": kept, "dropped": judged.height - kept - unknown, "unknown": unknown}


def moves(asked: pl.DataFrame) -> dict[str, int]:
    """Of the rows of `what_if`: judged, kept now and then, gained, lost, and of how many nobody knows."""
    return asked.select(judged=pl.len(), **_moves()).row(0, named=True)


def moves_by_kind(asked: pl.DataFrame) -> pl.DataFrame:
    """The same by `positive_kind` and `negative_kind`, in their order."""
    kinds = ("positive_kind", "negative_kind")
    return asked.group_by(kinds).agg(judged=pl.len(), **_moves()).sort(kinds)


def moves_by_reason(asked: pl.DataFrame) -> pl.DataFrame:
    """A row a reason: dropped for it now and then; gained of those dropped for it now; lost to it then.

    The reason with the most rows comes first.
    """
    counts = {
        "dropped_now": asked.filter(pl.col("now") != KEPT).select(reason="now"),
        "dropped_then": asked.filter(~pl.col("then").is_in([KEPT, UNKNOWN])).select(reason="then"),
        "gained": asked.filter(_gained()).select(reason="now"),
        "lost": asked.filter(_lost()).select(reason="then"),
        UNKNOWN: asked.filter(pl.col("then") == UNKNOWN).select(reason="now"),
    }
    table = pl.concat([counts["dropped_now"], counts["dropped_then"]]).unique()
    for name, reasons in counts.items():
        counted = reasons.group_by("reason").agg(pl.len().cast(pl.Int64).alias(name))
        table = table.join(counted, on="reason", how="left").with_columns(pl.col(name).fill_null(0))
    order = pl.max_horizontal("dropped_now", "dropped_then")
    return table.sort(order, "reason", descending=[True, False])


def _unknown(filters: Sequence[Filter]) -> pl.Expr:
    columns = [(each, pl.col(f"score_{each.kind}")) for each in filters]
    passes = [column.is_null() | each.keep(column) for each, column in columns]
    lacks = [column.is_null() for _, column in columns]
    decided = pl.col("now").str.ends_with("_unscored") | (pl.col("now") == KEPT)
    return pl.all_horizontal(*passes, True) & pl.any_horizontal(*lacks, False) & ~decided


def _gained() -> pl.Expr:
    return (pl.col("now") != KEPT) & (pl.col("then") == KEPT)


def _lost() -> pl.Expr:
    return (pl.col("now") == KEPT) & ~pl.col("then").is_in([KEPT, UNKNOWN])


def _moves() -> dict[str, pl.Expr]:
    return {
        "kept_now": (pl.col("now") == KEPT).sum(),
        "kept_then": (pl.col("then") == KEPT).sum(),
        "gained": _gained().sum(),
        "lost": _lost().sum(),
        UNKNOWN: (pl.col("then") == UNKNOWN).sum(),
    }
