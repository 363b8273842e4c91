"""Near duplicates between sets: the same comment pasted twice should not teach twice."""

from typing import ClassVar, Literal

import polars as pl
from pydantic import Field

from filters.base import Filter
from pairgen.models import Models
from pairgen.near_duplicates import nearest_before


class NearDuplicate(Filter):
    """No set before this one, by its id, is nearly the same: Jaccard similarity of shingles of at most `max_score`.

    Sets are compared by the texts that they grew from (the pairs' `parent`); 0 where nothing comes near.
    """

    kind: Literal["near_duplicate"] = "near_duplicate"
    max_score: float = Field(default=0.8, gt=0.6, le=1)
    across_sets: ClassVar[bool] = True

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        parents = pairs.select("set_id", "parent").unique("set_id").sort("set_id")
        nearest = [similarity for _, similarity in nearest_before(parents["parent"].to_list())]
        scores = parents.select("set_id").with_columns(score=pl.Series(nearest, dtype=pl.Float64))
        return pairs.select("set_id").join(scores, on="set_id", how="left", maintain_order="left")["score"]

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score <= self.max_score
