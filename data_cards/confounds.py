"""What a model could learn in place of toxicity and truth: length, named identities, words that stand on one side.

`shortcuts.py` has the classifiers; here are plain counts.
"""

import csv
import functools
import re
from collections import Counter
from importlib import resources
from typing import Any

import numpy as np
import polars as pl

from pairgen.digests import normalise
from pairgen.schema import collected
from pairgen.version import in_portions

_MOST = 20_000  # pairs whose words are counted, the first by id, which is a digest
_SHOWN = 12  # words a side
_LEAST_Z = 2.58  # of a word that is shown: chance alone has one in a hundred further out
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_PRIOR = 0.1  # of the texts of both sides: how much both are taken to be alike before counting
_LONGEST = 30  # characters of a word
# Characters of the positive over those of the negative.
LENGTH_RATIO = pl.col("positive").str.len_chars().cast(pl.Float64) / (
    pl.col("negative").str.len_chars().clip(lower_bound=1)
)


def identity(pairs: pl.LazyFrame) -> list[dict[str, Any]]:
    """In how many pairs each side mentions a word of `identity_terms.csv`: a row a group of words, and `any`."""
    rows = {group: dict.fromkeys(("positive", "negative", "lost", "gained"), 0) for group in _identity_patterns()}
    for portion in in_portions(pairs.select("positive", "negative")):
        texts = [portion[side].map_elements(normalise, return_dtype=pl.String) for side in portion.columns]
        for group, pattern in _identity_patterns().items():
            positive, negative = (text.str.contains(pattern) for text in texts)
            found = {"positive": positive, "negative": negative}
            found |= {"lost": negative & ~positive, "gained": positive & ~negative}
            for name, hits in found.items():
                rows[group][name] += int(hits.sum())
    return [{"group": group, **row} for group, row in rows.items()]


@functools.cache
def _identity_patterns() -> dict[str, str]:
    lines = resources.files("pairgen").joinpath("identity_terms.csv").read_text(encoding="utf-8").splitlines()
    groups: dict[str, list[str]] = {}
    for row in csv.DictReader(lines):
        groups.setdefault(row["group"], []).append(normalise(row["term"]))
    groups = {"any": [term for terms in groups.values() for term in terms], **dict(sorted(groups.items()))}
    return {group: rf"\b(?:{'|'.join(re.escape(term) for term in terms)})\b" for group, terms in groups.items()}


def vocabulary(pairs: pl.LazyFrame) -> list[dict[str, Any]]:
    """The words that shift from one side to the other, for pairs with a toxic negative and for the others.

    A row a group: `pairs`, and `positive` and `negative`, the words that stand out on that side with the number of its
    texts that hold them, and of the other side's. They are ranked by the log-odds ratio with an informative Dirichlet
    prior (Monroe, Colaresi and Quinn 2008), of texts that hold the word, each once; under z = 2.58 none stands out.
    """
    texts_of = pairs.select("pair_id", "positive", "negative", "negative_kind")
    first, rows = collected(texts_of.sort("pair_id").head(_MOST)), []
    for group, toxic in (("toxic", True), ("unfaithful", False)):
        part = first.filter((pl.col("negative_kind") == "toxic") == toxic)
        if part.height:
            texts = {side: part[side].unique() for side in ("positive", "negative")}
            rows.append({"group": group, "pairs": part.height, **_standing_out(texts)})
    return rows


def _standing_out(texts: dict[str, pl.Series]) -> dict[str, list[dict[str, Any]]]:
    counts = {side: _texts_with(some) for side, some in texts.items()}
    words = sorted(counts["positive"] | counts["negative"])
    held = {side: np.array([count[word] for word in words], dtype=np.float64) for side, count in counts.items()}
    free = {side: texts[side].len() - number for side, number in held.items()}
    priors = [_PRIOR * sum(table.values()) + 0.5 for table in (held, free)]
    cells = {side: (held[side] + priors[0], free[side] + priors[1]) for side in texts}
    odds = {side: np.log(with_it / without) for side, (with_it, without) in cells.items()}
    variance = sum(1 / with_it + 1 / without for with_it, without in cells.values())
    z = dict(zip(words, (odds["positive"] - odds["negative"]) / np.sqrt(variance), strict=True))
    found = {}
    for side, sign in (("positive", 1), ("negative", -1)):
        out = sorted((word for word in words if sign * z[word] >= _LEAST_Z), key=lambda word: (-sign * z[word], word))
        found[side] = [{"word": word, **{at: counts[at][word] for at in counts}} for word in out[:_SHOWN]]
    return found


def _texts_with(texts: pl.Series) -> Counter[str]:
    """Number of `texts` that hold each word."""
    words = ({found.casefold() for found in _WORD.findall(text)} for text in texts)
    return Counter(word for some in words for word in some if len(word) <= _LONGEST)
