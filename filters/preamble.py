"""Preambles: what a language model says before, about or behind the rewrite."""

import re
from typing import Literal

import polars as pl

from filters.base import Filter
from pairgen.models import Models

_WHAT = (
    r"(?:re-?write|re-?writing|re-?written|rephras\w+|paraphras\w+|revis\w+|version|translation|text|sentence|comment)"
)
_PREAMBLE = re.compile(
    rf"^\W*(?:(?:sure(?: thing)?|certainly|of course|absolutely|okay|ok|great|yes)\s*[!,.:]?\s*)?"
    rf"(?:here(?:['’]?s| is| are)\b[^.!?\n]{{0,60}}\b{_WHAT}\b|here you go\b|"
    rf"(?:the |a |my )?(?:\w+ )?{_WHAT}(?: \w+){{0,3}}\s*:|"
    r"(?:sure|certainly|of course|absolutely)\s*[!,.:]?\s*(?:here\b|i(?:['’]d be (?:happy|glad)| can)\b)|"
    r"as an? (?:ai|artificial intelligence|(?:large )?language model|assistant|chatbot)\b)|"
    r"(?:let me know if (?:you|this|that)\b[^.!?\n]*|i hope (?:this|that) helps|feel free to ask[^.!?\n]*)\W*$",
    re.IGNORECASE,
)


class Preamble(Filter):
    """The positive is the rewrite alone: 1 where it talks about one and its parent does not, else 0; 0 is kept."""

    kind: Literal["preamble"] = "preamble"

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        return pl.Series(
            [float(_talks(positive, parent)) for positive, parent in pairs.select("positive", "parent").iter_rows()],
            dtype=pl.Float64,
        )

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score == 0


def _talks(positive: str, parent: str) -> bool:
    return _PREAMBLE.search(positive) is not None and _PREAMBLE.search(parent) is None
