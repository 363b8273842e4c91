"""What a filter is, and how a list of them decides.

Score and keep are apart, so that a threshold moves without scoring again.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import polars as pl
from pydantic import BaseModel, ConfigDict

from pairgen.models import Models
from pairgen.places import Place
from pairgen.schema import Outcome, drop


class Filter(BaseModel, ABC):
    """A gate on pairs: `score` says how each pair stands, `keep` which scores pass. Thresholds are inclusive."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    # Whether a score depends on the other pairs of the version, so that it must see all shards at once.
    across_sets: ClassVar[bool] = False

    def settled(self, store: Place) -> Self:
        """The filter with what it holds pairs against found, and named by its digest; an error where it is not there.

        Asked once, before anything is scored; `store` is where the versions are.
        """
        return self

    @abstractmethod
    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        """A Float64 score a pair, in the order of `pairs`; null where it could not be had."""

    @abstractmethod
    def keep(self, score: pl.Expr) -> pl.Expr:
        """Whether a pair of that score is kept; a null is never kept."""


def score_pairs(pairs: pl.DataFrame, filters: Sequence[Filter], models: Models) -> pl.DataFrame:
    """`pairs` with a column `score_KIND` for each filter."""
    scores = {f"score_{each.kind}": each.score(pairs, models).cast(pl.Float64).fill_nan(None) for each in filters}
    return pairs.with_columns(**scores)


def keep_pairs(scored: pl.DataFrame, filters: Sequence[Filter], *, stage: str) -> Outcome:
    """The pairs that every filter keeps; the others are dropped with the kind of the first filter that does not.

    Needs the columns of `score_pairs`. A null score is never kept and never lost: its reason is "KIND_unscored".
    """
    reason: Any = pl.lit(None, dtype=pl.String)
    score: Any = pl.lit(None, dtype=pl.Float64)
    for each in reversed(filters):
        column = pl.col(f"score_{each.kind}")
        fails = ~each.keep(column).fill_null(False)
        named = pl.when(column.is_null()).then(pl.lit(f"{each.kind}_unscored")).otherwise(pl.lit(each.kind))
        reason = pl.when(fails).then(named).otherwise(reason)
        score = pl.when(fails).then(column).otherwise(score)
    judged = scored.with_columns(drop_reason=reason, decided=score)
    failed = judged.filter(pl.col("drop_reason").is_not_null())
    dropped = drop(failed.drop("drop_reason"), stage=stage, reason="", unit="pair", score=pl.col("decided"))
    kept = judged.filter(pl.col("drop_reason").is_null()).drop("drop_reason", "decided")
    return Outcome(kept, dropped.with_columns(drop_reason=failed["drop_reason"]))


def apply_filters(pairs: pl.DataFrame, filters: Sequence[Filter], models: Models, *, stage: str = "filter") -> Outcome:
    """`score_pairs`, then `keep_pairs`."""
    return keep_pairs(score_pairs(pairs, filters, models), filters, stage=stage)
