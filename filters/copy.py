"""Copies: a positive that is its negative teaches nothing."""

from typing import Literal

import polars as pl
from pydantic import Field
from rapidfuzz.distance import Levenshtein

from filters.base import Filter
from pairgen.digests import normalise
from pairgen.models import Models


class Copy(Filter):
    """Positive and negative differ in at least `min_changed_words` words, added, lost or changed, after normalising.

    A count and not a ratio: a ratio drops the pairs whose hard negative is a minimal edit, which teach most.
    """

    kind: Literal["copy"] = "copy"
    min_changed_words: int = Field(default=1, ge=1)

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        changed = [
            Levenshtein.distance(normalise(positive).split(), normalise(negative).split())
            for positive, negative in pairs.select("positive", "negative").iter_rows()
        ]
        return pl.Series(changed, dtype=pl.Float64)

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score >= self.min_changed_words
