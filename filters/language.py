"""Language and script: a rewrite in another language is no rewrite."""

from functools import lru_cache
from typing import Literal

import polars as pl
from pydantic import Field

from filters.base import Filter
from pairgen.language import probabilities, script
from pairgen.models import Models


class Language(Filter):
    """The positive is in the language and script of its parent: at least `min_score`.

    The score is the probability that one language has in both texts, at its best; 0 where most letters are of another
    script, or only one of them has letters. Where a text is the same as its parent it is 1.
    """

    kind: Literal["language"] = "language"
    min_score: float = Field(default=0.01, ge=0, le=1)

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        return pl.Series(
            [_shared(parent, positive) for parent, positive in pairs.select("parent", "positive").iter_rows()],
            dtype=pl.Float64,
        )

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score >= self.min_score


def _shared(parent: str, positive: str) -> float:
    if parent == positive:
        return 1.0
    if script(parent) != script(positive):
        return 0.0
    one, other = _probabilities(parent), _probabilities(positive)
    return max(min(probability, other[name]) for name, probability in one.items())


@lru_cache(maxsize=1_024)
def _probabilities(text: str) -> dict[str, float]:
    return probabilities(text)
