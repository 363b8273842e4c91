"""Contamination: who trains on the texts of an evaluation set learns its answers, and reports them as progress.

What counts as shared is the rule of GPT-3 (Brown et al. 2020, appendix C): 13 words in a row, or the whole of the
shorter text where that has 8 to 12; case and punctuation do not count. How much is shared is told as for Llama 2
(Touvron et al. 2023, appendix A.6), by the words of the text that stand in what it shares.
"""

import re
from functools import lru_cache
from typing import Literal, NamedTuple, Self

import polars as pl
from pydantic import Field

from filters.base import Filter
from pairgen.corpus import read_every_text
from pairgen.digests import normalise
from pairgen.errors import SourceError
from pairgen.models import Models
from pairgen.places import Place

_LONGEST, _SHORTEST = 13, 8  # words in a row; fewer than 8 stand in many texts, and count only as the whole of both
_FEWEST = 3  # fewer are a label or an answer ("yes"), which no one owns
_PINNED = re.compile(r"(.+)@([0-9a-f]{64})")


class Contamination(Filter):
    """No text of the pair stands in an evaluation set: at most `max_score` of its words, by default none.

    The score is the share of words that the text has in common with the sets, from 0 to 1, of the context, positive or
    negative of which most is. `against` names the sets: anything that is a source (a parquet file, `hf:ORG/NAME`),
    every text in it, whatever the column. A settled filter names each as PATH@SHA256, and reads no other bytes.
    """

    kind: Literal["contamination"] = "contamination"
    against: tuple[str, ...] = Field(min_length=1)
    max_score: float = Field(default=0, ge=0, le=1)

    def settled(self, store: Place) -> Self:
        return self.model_copy(update={"against": tuple(_pinned(spec) for spec in self.against)})

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        known = _known_texts(self.against)
        texts = pl.concat([pairs[side].rename("text") for side in ("context", "positive", "negative")]).unique()
        share = {text: _shared(_words(text), known) for text in texts}
        rows = pairs.select("context", "positive", "negative").iter_rows()
        return pl.Series([max(share[text] for text in row) for row in rows], dtype=pl.Float64)

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score <= self.max_score


class _Known(NamedTuple):
    """The texts of evaluation sets as words, and what of them would be told in another text."""

    texts: frozenset[str]  # whole, of any length
    short: frozenset[str]  # of them, those of 8 to 12 words
    grams: frozenset[str]  # any 8 to 13 words in a row


def _pinned(spec: str) -> str:
    """`spec` as PATH@SHA256; `SourceError` where nothing is there, or what is there has another digest than it says."""
    return _read(spec)[0]


def _read(spec: str) -> tuple[str, list[str]]:
    """`spec` as PATH@SHA256, and the texts there."""
    found = _PINNED.fullmatch(spec)
    path, expected = found.groups() if found else (spec, None)
    texts, sha256 = read_every_text(path)
    if expected not in (None, sha256):
        raise SourceError(
            f"{path}: was changed (its sha256 is {sha256}, expected {expected}); "
            "restore it, or name it without a sha256 and build a version that is held against what it is now"
        )
    return f"{path}@{sha256}", texts


@lru_cache(maxsize=4)
def _known_texts(against: tuple[str, ...]) -> _Known:
    texts = [_words(text) for spec in against for text in _read(spec)[1]]
    texts = [words for words in texts if len(words) >= _FEWEST]
    return _Known(
        texts=frozenset(" ".join(words) for words in texts),
        short=frozenset(" ".join(words) for words in texts if _SHORTEST <= len(words) < _LONGEST),
        grams=frozenset(
            gram for words in texts for size in range(_SHORTEST, _LONGEST + 1) for _, gram in _grams(words, size)
        ),
    )


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", re.sub("['’]", "", normalise(text)))


def _grams(words: list[str], size: int) -> list[tuple[int, str]]:
    """Every `size` words in a row, each with its place."""
    return [(place, " ".join(words[place : place + size])) for place in range(len(words) - size + 1)]


def _shared(words: list[str], known: _Known) -> float:
    """The share of `words` that stand in a known text too, as the rule counts it."""
    if " ".join(words) in known.texts:
        return 1.0
    covered: set[int] = set()
    longest = min(_LONGEST, len(words))
    for size in range(_SHORTEST, longest + 1):
        for place, gram in _grams(words, size):
            if gram in (known.grams if size == longest else known.short):
                covered.update(range(place, place + size))
    return len(covered) / len(words) if words else 0.0
