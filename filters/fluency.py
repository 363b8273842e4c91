"""Fluency: a rewrite should be about as likely, to a language model, as the text that it was made from."""

from typing import Literal

import numpy as np
import polars as pl
from pydantic import Field

from filters.base import Filter
from pairgen.models import Models


class Fluency(Filter):
    """exp(min(0, NLL a token of the parent - that of the positive)): 1 where the positive is as likely; `min_score`.

    Costs a pass of the language model a text; a text without tokens is unscored.
    """

    kind: Literal["fluency"] = "fluency"
    min_score: float = Field(default=0.15, ge=0, le=1)

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        before = np.asarray(models.language.nll(pairs["parent"].to_list()), dtype=np.float64)
        after = np.asarray(models.language.nll(pairs["positive"].to_list()), dtype=np.float64)
        return pl.Series(np.exp(np.minimum(0, before - after)), dtype=pl.Float64)

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score >= self.min_score
