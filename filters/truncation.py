"""Truncation: a rewrite that breaks off, where the text that it was made from did not."""

import re
from typing import Literal

import polars as pl
from pydantic import Field

from filters.base import Filter
from pairgen.models import Models

_WHOLE = re.compile(r"[.!?…][\"'”’)\]*\s]*$")
_BROKEN_OFF = re.compile(
    r"(?:[,;:“–—]|(?<![:;=8'-])[(\[]|(?<=\w)-|\b(?:a|an|the|my|your|his|their|our|its|of|and|or|but|because|if|than|as|at|into|from|with|"
    r"for|by|to|that|which|who|is|are|was|were|be|am|very|such|every|i|he|she|they|we|would|could|should|cannot|"
    r"don['’]?t|doesn['’]?t|didn['’]?t|isn['’]?t))\s*$",
    re.IGNORECASE,
)


class Truncation(Filter):
    """The positive ends where a sentence can end: 0 whole, .5 without its parent's final stop, 1 broken off.

    Broken off is what ends in a comma, an open bracket or a word such as "the", and its parent does not. People leave
    out the final stop too, so that alone is kept: at most `max_score`.
    """

    kind: Literal["truncation"] = "truncation"
    max_score: float = Field(default=0.5, ge=0, le=1)

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        return pl.Series(
            [_cut(positive, parent) for positive, parent in pairs.select("positive", "parent").iter_rows()],
            dtype=pl.Float64,
        )

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score <= self.max_score


def _cut(positive: str, parent: str) -> float:
    if _BROKEN_OFF.search(positive) and not _BROKEN_OFF.search(parent):
        return 1.0
    return 0.5 if _WHOLE.search(parent) and not _WHOLE.search(positive) else 0.0
