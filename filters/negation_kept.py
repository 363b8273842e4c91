"""Negations kept: cosine similarity does not see a flipped one ("did not pay" and "did pay" score .90)."""

from typing import Literal

import polars as pl
from pydantic import Field

from filters.base import Filter
from pairgen.extraction import negations
from pairgen.models import Models


class NegationKept(Filter):
    """The positive negates as often as its parent: their counts differ by at most `max_changed`, by default any number.

    People change the count in 12.6 % of their rewrites, so without a limit the score is a flag and drops nothing.
    """

    kind: Literal["negation_kept"] = "negation_kept"
    max_changed: int | None = Field(default=None, ge=0)

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        return pl.Series(
            [
                abs(len(negations(parent)) - len(negations(positive)))
                for parent, positive in pairs.select("parent", "positive").iter_rows()
            ],
            dtype=pl.Float64,
        )

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score.is_not_null() if self.max_changed is None else score <= self.max_changed
