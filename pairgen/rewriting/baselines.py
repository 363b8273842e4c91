"""Copy, delete and people beside our rewrites, on toxic texts of one build: what a data card holds ours against."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from pairgen.digests import digest
from pairgen.models import Models
from pairgen.rewriting.locate import locate, without
from pairgen.schema import REWRITTEN, collected
from pairgen.version import in_portions

MOST = 200  # texts, the smallest digests: the standard error of a share is at most .035
_TOXIC = 0.5
_NLL = 0.5  # nats a token that a fluent text may be less likely by


def baselines(
    pairs: pl.LazyFrame, dropped: pl.LazyFrame, models: Models, *, max_toxicity: float, most: int = MOST
) -> list[dict[str, Any]]:
    """A row a system - copy, delete, ours and, where there are any, human - over the toxic texts that were rewritten.

    `texts`; `answered`, the share with a text of the system; means of `sta` and `sta_judge` (toxicity under .5 by
    scorer and by judge), `sim` (cosine to the toxic text), `fl` (at most .5 nats a token less likely) and `j`, the mean
    of the product of all four. Ours are the kept rewrites, one a text, the first by id; a text without one, whether
    none was made or a filter dropped it, stays as it is and is judged so. People are judged on the texts they rewrote.
    `delete` cuts out what carries the toxicity and mends nothing. An unscored text fails.
    """
    texts = _toxic_texts(pairs, dropped, most)
    if not texts:
        return []
    rows = [_row("copy", texts, texts, models, answered=1.0)]
    rows.append(_row("delete", texts, deleted(texts, models, max_toxicity=max_toxicity), models, answered=1.0))
    kept = {kind: _kept(pairs, kind, texts) for kind in ("rewrite", "human")}
    ours = kept["rewrite"]
    answered = sum(text in ours for text in texts) / len(texts)
    rows.append(_row("ours", texts, [ours.get(text, text) for text in texts], models, answered=answered))
    written = [text for text in texts if text in kept["human"]]
    if written:
        given = [kept["human"][text] for text in written]
        rows.append(_row("human", written, given, models, answered=len(written) / len(texts)))
    return rows


def deleted(texts: Sequence[str], models: Models, *, max_toxicity: float) -> list[str]:
    """Each text without the words that carry its toxicity: what a deletion that mends nothing gives."""
    carriers = locate(models.parser.parse(texts), scorer=models.toxicity, max_toxicity=max_toxicity)
    cut = (without(text, found) for text, found in zip(texts, carriers, strict=True))
    return [" ".join(text.split()) or "." for text in cut]


def figures(sources: Sequence[str], outputs: Sequence[str], models: Models) -> dict[str, Any]:
    """STA by scorer and judge, SIM, FL and J of each output, arrays of shape (n,)."""
    scorer = models.toxicity.toxicity(outputs) < _TOXIC
    judge = models.judge.toxicity(outputs) < _TOXIC
    sim = cosines(sources, outputs, models)
    fluent = models.language.nll(outputs) <= models.language.nll(sources) + _NLL
    return {"STA": scorer, "STA judge": judge, "SIM": sim, "FL": fluent, "J": scorer * judge * sim * fluent}


def cosines(texts: Sequence[str], others: Sequence[str], models: Models) -> Any:
    """The cosine of each text and its other, shape (n,)."""
    return np.sum(models.embedder.embed(texts) * models.embedder.embed(others), axis=1)


def _toxic_texts(pairs: pl.LazyFrame, dropped: pl.LazyFrame, most: int) -> list[str]:
    """The first `most`, by digest, of the toxic texts that rewrites were made for, kept or not."""
    unanswered = dropped.filter((pl.col("stage") == "rewrite") & (pl.col("unit") == "text"))
    rewritten = [rows.filter(REWRITTEN).select(text="negative") for rows in (pairs, dropped)]
    first: list[str] = []
    for rows in (*rewritten, unanswered.select("text")):
        for portion in in_portions(rows):
            first = sorted({*first, *portion["text"].drop_nulls()}, key=digest)[:most]
    return first


def _kept(pairs: pl.LazyFrame, kind: str, texts: list[str]) -> dict[str, str]:
    """Toxic text of `texts` -> the first by id of its kept positives of `kind`."""
    of_texts = REWRITTEN & (pl.col("positive_kind") == kind) & pl.col("negative").is_in(texts)
    rows = collected(pairs.filter(of_texts).select("pair_id", "negative", "positive")).sort("pair_id")
    first = rows.unique("negative", keep="first", maintain_order=True)
    return dict(first.select("negative", "positive").iter_rows())


def _row(
    system: str, texts: Sequence[str], outputs: Sequence[str], models: Models, *, answered: float
) -> dict[str, Any]:
    found = figures(texts, outputs, models)
    means = {name.lower().replace(" ", "_"): float(np.mean(numbers)) for name, numbers in found.items()}
    return {"system": system, "texts": len(texts), "answered": answered, **means}
