"""Any strings in, an answer to each out: its best rewrites, itself where it is clean already, or why it has none.

`rewrite` writes; here stands what it is not asked for.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from pairgen.corpus import BIDIRECTIONAL_CONTROLS, CONTROL_CHARACTERS
from pairgen.extraction import protected_spans, shielded
from pairgen.identity import neutralise
from pairgen.language import is_in
from pairgen.models import Models
from pairgen.rewriting.locate import Carrier, lexicon_carriers, lexicon_spans, without
from pairgen.rewriting.rewrite import REWRITES, RewriteSettings, rewrite
from pairgen.schema import Schema

ANSWERS: Schema = {
    "text": pl.String(),
    "rewrite": pl.String(),  # null where there is none
    "rank": pl.Int64(),  # 1 = best; null where there is no rewrite
    "strategy": pl.String(),  # delete | substitute | mixed | fill | few_shot | back_translation | unchanged
    "abstain_reason": pl.String(),
    "spans": REWRITES["spans"],  # characters of the text that were changed
    "score_toxicity": pl.Float64(),
    "score_judge": pl.Float64(),
    "score_similarity": pl.Float64(),
    "score_fluency": pl.Float64(),
    "score_edit": pl.Float64(),
}

_CONTROLS = re.compile(CONTROL_CHARACTERS)
_BIDIRECTIONAL = re.compile(BIDIRECTIONAL_CONTROLS)

Answers = dict[str | None, list[dict[str, Any]]]


def rewrite_table(
    texts: Sequence[str | None], *, settings: RewriteSettings, models: Models, max_characters: int
) -> pl.DataFrame:
    """The answers to `texts` as `ANSWERS`, in order: each has a row for each of its rewrites, best first, or one row.

    The first row of a text has rank 1, or no rank and the reason. Beside the reasons of `rewrite` there are: "empty",
    "control_characters", "bidirectional_controls", "too_long" (over `max_characters`), "no_letters", "other_language",
    "unscored", "identity_only" (toxic only with its identity terms) and "protected" (the toxicity stands where
    nothing may be edited). Scores are the rewrite's. A
    clean text (at most `max_toxicity`, no strong expression of the lexicon) is its own, by the strategy "unchanged".
    """
    faults = {text: _fault(text, max_characters) for text in texts}
    answers: Answers = {text: [{"abstain_reason": fault}] for text, fault in faults.items() if fault}
    answers |= _judged([text for text in faults if text and text not in answers], settings.max_toxicity, models)
    answers |= _rewritten([text for text in faults if text and text not in answers], settings, models)
    table = pl.DataFrame([{"text": text, **row} for text in texts for row in answers[text]], schema=ANSWERS)
    rewrites = [row["rewrite"] for rows in answers.values() for row in rows if row.get("rewrite")]
    judge = dict(zip(rewrites, models.judge.toxicity(rewrites).tolist(), strict=True))
    scores = pl.Series([judge.get(text) for text in table["rewrite"]], dtype=pl.Float64)
    return table.with_columns(score_judge=scores.fill_nan(None))


def _fault(text: str | None, max_characters: int) -> str | None:
    """Why nothing can be made of `text`, whatever a model says of it."""
    if text is None or not text.strip():
        return "empty"
    if _CONTROLS.search(text):
        return "control_characters"
    if _BIDIRECTIONAL.search(text):
        return "bidirectional_controls"
    if len(text) > max_characters:
        return "too_long"
    if not _has_letters(text):
        return "no_letters"
    return None if is_in(text, "en") else "other_language"


def _judged(texts: list[str], max_toxicity: float, models: Models) -> Answers:
    """The answers to those of `texts` that are clean, and to those that no rewrite can help."""
    opened = [without(text, [Carrier(start, end, ()) for start, end in protected_spans(text)]) for text in texts]
    score = models.toxicity.toxicity
    scores = score(texts), score(opened), score([neutralise(text) for text in texts])
    answers: Answers = {}
    for text, rest, toxicity, unprotected, neutral in zip(texts, opened, *scores, strict=True):
        carriers = [carrier for carrier in lexicon_carriers(shielded(text)) if _is_strong(carrier)]
        reason = None
        if np.isnan(toxicity):
            reason = "unscored"
        elif toxicity <= max_toxicity and not lexicon_spans(text):
            answers[text] = [_unchanged(text, float(toxicity))]
        elif rest != text and not carriers and unprotected <= max_toxicity:
            reason = "protected"
        elif not carriers and neutral <= max_toxicity:
            reason = "identity_only"
        if reason:
            answers[text] = [{"abstain_reason": reason}]
    return answers


def _unchanged(text: str, toxicity: float) -> dict[str, Any]:
    return {
        "rewrite": text,
        "rank": 1,
        "strategy": "unchanged",
        "spans": [],
        "score_toxicity": toxicity,
        "score_similarity": 1.0,
        "score_fluency": 1.0,
        "score_edit": 0.0,
    }


def _rewritten(texts: list[str], settings: RewriteSettings, models: Models) -> Answers:
    """The best rewrites of each of `texts`, or the reason why there is none."""
    if not texts:
        return {}
    ids = [str(place) for place in range(len(texts))]
    table = pl.DataFrame({"text_id": ids, "text": texts}, schema={"text_id": pl.String, "text": pl.String})
    answers: Answers = {text: [] for text in texts}
    for row in rewrite(table, settings=settings, models=models).iter_rows(named=True):
        answers[texts[int(row.pop("text_id"))]].append(row)
    return answers


def _is_strong(carrier: Carrier) -> bool:
    return any(sense.strong for sense in carrier.senses)


def _has_letters(text: str) -> bool:
    return any(letter.isalpha() for letter in text)


def tally(answers: pl.DataFrame) -> dict[str, Any]:
    """Texts of `ANSWERS`, and how many of them were rewritten, are unchanged or have no rewrite, with the reasons."""
    texts = answers.filter(first())
    unchanged = texts.filter(pl.col("strategy") == "unchanged").height
    reasons = texts.filter(pl.col("rank").is_null()).group_by("abstain_reason").len()
    reasons = reasons.sort("len", "abstain_reason", descending=[True, False])
    abstained = int(reasons["len"].sum())
    return {
        "texts": texts.height,
        "rewritten": texts.height - unchanged - abstained,
        "unchanged": unchanged,
        "abstained": abstained,
        "abstain_reasons": dict(reasons.rows()),
    }


def first() -> pl.Expr:
    """The first row of each text of `ANSWERS`: its best rewrite, or why it has none."""
    return pl.col("rank").fill_null(1) == 1
