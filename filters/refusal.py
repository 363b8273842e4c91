"""Refusals: what a language model says instead of the rewrite."""

import re
from typing import Literal

import polars as pl

from filters.base import Filter
from pairgen.models import Models

_REFUSAL = re.compile(
    r"^\W*(?:(?:i['’]?m|i am|we['’]?re) (?:so |very |truly )?sorry,? (?:but|i)\b|sorry,? (?:but )?i (?:can(?:no|['’])?t|won['’]?t)|"
    r"i (?:can(?:no|['’])t|cannot|am (?:not able|unable)|['’]m (?:not able|unable)|won['’]?t) (?:help|assist|comply|fulfil|provide|"
    r"generate|rewrite|write|do that|be able)|as an? (?:ai|(?:artificial|language|large|virtual))\b|my apologies,? but)",
    re.IGNORECASE,
)


class Refusal(Filter):
    """The positive is a rewrite, not a refusal: 1 where it opens like one and its parent does not, else 0; 0 is kept."""

    kind: Literal["refusal"] = "refusal"

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        return pl.Series(
            [
                float(bool(_REFUSAL.search(positive)) and not _REFUSAL.search(parent))
                for positive, parent in pairs.select("positive", "parent").iter_rows()
            ],
            dtype=pl.Float64,
        )

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score == 0
