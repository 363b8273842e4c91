"""Numbers kept: a rewrite may not change what is counted."""

from collections import Counter
from typing import Literal

import polars as pl
from pydantic import Field

from filters.base import Filter
from pairgen.extraction import numbers
from pairgen.models import Models


class NumbersKept(Filter):
    """Every number, date and amount of the parent stands in the positive as often, and no new one does.

    Scores shared numbers over all numbers of both, from 0 to 1; 1 where there are none.
    """

    kind: Literal["numbers_kept"] = "numbers_kept"
    min_ratio: float = Field(default=1.0, ge=0, le=1)

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        return pl.Series(
            [_kept(parent, positive) for parent, positive in pairs.select("parent", "positive").iter_rows()],
            dtype=pl.Float64,
        )

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score >= self.min_ratio


def _kept(parent: str, positive: str) -> float:
    before = Counter(mention.text.casefold() for mention in numbers(parent))
    after = Counter(mention.text.casefold() for mention in numbers(positive))
    return (before & after).total() / (before | after).total() if before or after else 1.0
