"""Entailment by a model of natural language inference: the gate that cosine similarity cannot be (it does not see a
flipped negation), for recipes that name such a model.
"""

from typing import Literal

import numpy as np
import polars as pl
from pydantic import Field

from filters.base import Filter
from pairgen.models import Models


class Nli(Filter):
    """Parent and positive say the same: each entails the other with a probability of at least `min_score`.

    The score is the smaller of the two probabilities; 1 where the positive is its parent. .5 is "rather so than not",
    not measured: no model of inference comes from the package registry.
    """

    kind: Literal["nli"] = "nli"
    min_score: float = Field(default=0.5, ge=0, le=1)

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        changed = pairs["parent"] != pairs["positive"]
        parent, positive = (pairs.filter(changed)[side].to_list() for side in ("parent", "positive"))
        score = np.ones(pairs.height)
        if parent:
            there, back = np.split(models.nli.entailment(parent + positive, positive + parent), 2)
            score[changed.to_numpy()] = np.minimum(there, back)
        return pl.Series(score, dtype=pl.Float64)

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score >= self.min_score


class NliNegative(Filter):
    """A negative that is to be unfaithful does not follow from the parent: a probability of at most `max_negative`.

    0 for a toxic negative, which need not be unfaithful. Without a threshold, as by default, the score is a flag: what
    `swap_num` or `swap_roles` make can follow from the parent to a model that reads past them.
    """

    kind: Literal["nli_negative"] = "nli_negative"
    max_negative: float | None = Field(default=None, ge=0, le=1)

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        asked = pairs.select(asked=pl.col("negative_kind").ne_missing("toxic"))["asked"]
        parent, negative = (pairs.filter(asked)[side].to_list() for side in ("parent", "negative"))
        score = np.zeros(pairs.height)
        if parent:
            score[asked.to_numpy()] = models.nli.entailment(parent, negative)
        return pl.Series(score, dtype=pl.Float64)

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score.is_not_null() if self.max_negative is None else score <= self.max_negative
