"""Identity terms: a negative that is toxic to the scorer only because it names a group teaches the scorer's bias."""

from typing import Literal

import numpy as np
import polars as pl
from pydantic import Field

from filters.base import Filter
from pairgen.identity import mentions, neutralise
from pairgen.models import Models


class IdentityOnly(Filter):
    """A toxic negative is toxic with its identity terms made neutral too: at least `min_ratio` of its toxicity is left.

    1 where there is no identity term, and for negatives of the other kinds, which need not be toxic.
    """

    kind: Literal["identity_only"] = "identity_only"
    min_ratio: float = Field(default=0.7, ge=0, le=1)

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        asked = [
            kind == "toxic" and bool(mentions(negative))
            for negative, kind in pairs.select("negative", "negative_kind").iter_rows()
        ]
        named = [negative for negative, ask in zip(pairs["negative"], asked, strict=True) if ask]
        score = np.ones(pairs.height)
        if named:
            before = models.toxicity.toxicity(named)
            after = models.toxicity.toxicity([neutralise(text) for text in named])
            score[asked] = np.where(before == 0, 1, np.minimum(1, after / np.where(before == 0, 1, before)))
        return pl.Series(score, dtype=pl.Float64)

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score >= self.min_ratio
