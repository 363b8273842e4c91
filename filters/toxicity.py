"""Toxicity of the positive, by the scorer that mined the data and by the independent judge."""

from typing import Literal

import polars as pl
from pydantic import Field

from filters.base import Filter
from pairgen.models import Models


class Toxicity(Filter):
    """The positive is not toxic to the scorer: at most `max_score`, from 0 to 1."""

    kind: Literal["toxicity"] = "toxicity"
    max_score: float = Field(default=0.3, ge=0, le=1)

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        return pl.Series(models.toxicity.toxicity(pairs["positive"].to_list()), dtype=pl.Float64)

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score <= self.max_score


class Judge(Filter):
    """The positive is not toxic to the judge, which had no part in writing it: at most `max_score`, from 0 to 1."""

    kind: Literal["judge"] = "judge"
    max_score: float = Field(default=0.5, ge=0, le=1)

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        return pl.Series(models.judge.toxicity(pairs["positive"].to_list()), dtype=pl.Float64)

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score <= self.max_score
