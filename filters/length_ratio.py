"""Length: a rewrite that lost most of its parent is not faithful, one that grew much was embroidered."""

from typing import Literal, Self

import polars as pl
from pydantic import Field, model_validator

from filters.base import Filter
from pairgen.models import Models


class LengthRatio(Filter):
    """Characters of the positive over its parent's, within [`min_ratio`, `max_ratio`]; the median of people is .86."""

    kind: Literal["length_ratio"] = "length_ratio"
    min_ratio: float = Field(default=0.4, ge=0)
    max_ratio: float = Field(default=1.8, ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_ratio > self.max_ratio:
            raise ValueError(f"min_ratio {self.min_ratio} is over max_ratio {self.max_ratio}")
        return self

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        length = pairs.select(ratio=pl.col("positive").str.len_chars() / pl.col("parent").str.len_chars())
        return length["ratio"]

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score.is_between(self.min_ratio, self.max_ratio)
