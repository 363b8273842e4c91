"""Refusals: what a language model says instead of the rewrite."""

import re
from typing import Literal

import polars as pl

from filters.base import Filter
from pairgen.models import Models

_REFUSAL = re.compile(
    r"^\W*(?:(?:i['’]?m|i am|we['’]?re) (?:so |very |truly )?sorry,? (?:but|i)\b|"
    r"sorry,? (?:but )?i (?:can(?:no|['’])?t|won['’]?t)|"
    r"i(?: can(?:no|['’])?t|(?: am|['’]m) (?:not able|unable) to| won['’]?t) "
    r"(?:help|assist|comply|fulfil|provide|generate|rewrite|write|do that|be able)|"
    r"as an? (?:ai|(?:artificial|language|large|virtual))\b|my apologies,? but)",
    re.IGNORECASE,
)


class Refusal(Filter):
    """The positive is no refusal: 1 where it opens with the words of one that its parent has not, else 0; 0 is kept."""

    kind: Literal["refusal"] = "refusal"

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        return pl.Series(
            [float(_refuses(positive, parent)) for positive, parent in pairs.select("positive", "parent").iter_rows()],
            dtype=pl.Float64,
        )

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score == 0


def _refuses(positive: str, parent: str) -> bool:
    found = _REFUSAL.search(positive)
    return found is not None and found.group().strip().casefold() not in parent.casefold()
