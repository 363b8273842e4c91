"""Texts in, ranked rewrites out: the candidates of `propose`, ranked by toxicity, similarity and fluency."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field
from rapidfuzz.distance import Levenshtein

from pairgen.models import Models
from pairgen.rewriting.locate import locate
from pairgen.rewriting.propose import Candidate, propose
from pairgen.schema import SPANS

REWRITES = {
    "text_id": pl.String(),
    "rank": pl.Int64(),  # 1 = best; null where no rewrite is good enough
    "rewrite": pl.String(),
    "strategy": pl.String(),
    "abstain_reason": pl.String(),
    "spans": SPANS,  # characters of the text that were changed
    "score_toxicity": pl.Float64(),
    "score_similarity": pl.Float64(),
    "score_fluency": pl.Float64(),
    "score_edit": pl.Float64(),
}

_EMBEDDED = 12  # candidates a text that are compared with it; the rest, which fit less well, are not
_SHORTLIST = 6  # of those, whose likelihood is asked
FLUENT = float(np.exp(-0.5))  # a rewrite is fluent whose NLL a token is at most .5 nats over the text's
_EDIT_PENALTY = 0.6  # a character changed, beside similarity
_DELETION = 0.2  # what a rewrite gains that adds no word: people delete where they can
_WINDOW_CHARACTERS = 600


class RewriteSettings(BaseModel):
    """The `[rewrite]` section: when a rewrite is good enough, and how many of them a text may have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_toxicity: float = Field(default=0.3, ge=0, le=1)
    min_similarity: float = Field(default=0.45, ge=0, le=1)
    min_fluency: float = Field(default=0.15, ge=0, le=1)
    rewrites_per_text: int = Field(default=2, ge=1)


def rewrite(texts: pl.DataFrame, *, settings: RewriteSettings, models: Models) -> pl.DataFrame:
    """The best rewrites of each text, as `REWRITES` in the order of `texts`; an abstention is one row with its reason.

    Needs `text_id` and `text`. `score_toxicity` is the rewrite's own; `score_similarity` its cosine to the text;
    `score_fluency` = exp(min(0, NLL a token of the text - that of the rewrite)), over the sentences that changed: 1
    where the rewrite is as likely as the text; `score_edit` the share of words changed. The fluent
    rank before the rest (`FLUENT`), and among them by (1 - toxicity) x similarity x how well the parse bears the forms
    out, less a penalty on the share of characters changed, with a bonus where words were only left out. Likelihood
    sorts out and does not rank: ranked by it, a frequent word beats the one that carries the sense.
    """
    ids, plain = texts["text_id"].to_list(), texts["text"].to_list()
    docs = models.parser.parse(plain)
    carriers = locate(docs, scorer=models.toxicity, max_toxicity=settings.max_toxicity)
    proposed = [propose(doc, found) if found else [] for doc, found in zip(docs, carriers, strict=True)]
    toxicity = _ragged(models.toxicity.toxicity, [[each.text for each in some] for some in proposed])
    quiet = [
        [(each, score) for each, score in zip(some, scores, strict=True) if score <= settings.max_toxicity][:_EMBEDDED]
        for some, scores in zip(proposed, toxicity, strict=True)
    ]
    similarity = _similarities(plain, [[each.text for each, _ in some] for some in quiet], models)
    faithful = [
        sorted(
            [(each, tox, sim) for (each, tox), sim in zip(some, sims, strict=True) if sim >= settings.min_similarity],
            key=lambda found: -found[0].weight * found[2],
        )[:_SHORTLIST]
        for some, sims in zip(quiet, similarity, strict=True)
    ]
    fluency = _fluencies(docs, [[each.text for each, _, _ in some] for some in faithful], models)
    rows: list[dict[str, Any]] = []
    for place, text_id in enumerate(ids):
        ranked = _rank(plain[place], faithful[place], fluency[place], settings)
        reason = None if ranked else _reason(proposed[place], quiet[place], faithful[place], bool(carriers[place]))
        rows += [{"text_id": text_id, **row} for row in ranked] or [{"text_id": text_id, "abstain_reason": reason}]
    return pl.DataFrame(rows, schema=REWRITES)


def changed_spans(text: str, other: str) -> list[dict[str, int]]:
    """Characters of `text` that stand in words that differ from `other`: [{"start": , "end": }], in order.

    Where words of `other` were only left out, `text` has no changed character there.
    """
    words, others = _words(text), _words(other)
    spans = []
    for edit in Levenshtein.opcodes([text[a:b] for a, b in words], [other[a:b] for a, b in others]):
        if edit.tag in {"replace", "delete"}:
            spans.append({"start": words[edit.src_start][0], "end": words[edit.src_end - 1][1]})
    return spans


def _rank(
    text: str, found: list[tuple[Candidate, float, float]], fluency: Sequence[float], settings: RewriteSettings
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for (candidate, tox, sim), flu in zip(found, fluency, strict=True):
        if flu >= settings.min_fluency:
            words = [text[a:b] for a, b in _words(text)], [candidate.text[a:b] for a, b in _words(candidate.text)]
            edit = Levenshtein.normalized_distance(*words)
            rows.append(
                {
                    "rewrite": candidate.text,
                    "strategy": candidate.strategy,
                    "spans": changed_spans(text, candidate.text),
                    "score_toxicity": tox,
                    "score_similarity": sim,
                    "score_fluency": flu,
                    "score_edit": edit,
                    "merit": _merit(text, candidate, tox, sim),
                    "fluent": flu >= FLUENT,
                }
            )
    rows.sort(key=lambda row: (not row["fluent"], -row["merit"], row["rewrite"]))
    best = rows[: settings.rewrites_per_text]
    return [
        {key: cell for key, cell in row.items() if key not in {"merit", "fluent"}} | {"rank": rank}
        for rank, row in enumerate(best, 1)
    ]


def _merit(text: str, candidate: Candidate, toxicity: float, similarity: float) -> float:
    changed = Levenshtein.distance(text, candidate.text) / len(text)
    deletion = _DELETION if candidate.strategy == "delete" else 0.0
    return (1 - toxicity) * similarity * candidate.weight - _EDIT_PENALTY * changed + deletion


def _reason(proposed: Sequence[Any], quiet: Sequence[Any], faithful: Sequence[Any], located: bool) -> str:
    if not located:
        return "nothing_located"
    if not proposed:
        return "nothing_left"
    if not quiet:
        return "still_toxic"
    return "not_fluent" if faithful else "meaning_lost"


def _ragged(score: Any, groups: list[list[str]]) -> list[list[float]]:
    """`score` of every text in `groups`, called once, in the shape of `groups`; NaN where it could not be had."""
    flat = iter(score([text for group in groups for text in group]))
    return [[float(next(flat)) for _ in group] for group in groups]


def _similarities(texts: list[str], groups: list[list[str]], models: Models) -> list[list[float]]:
    wanted = [(text, other) for text, group in zip(texts, groups, strict=True) for other in group]
    left = models.embedder.embed([text for text, _ in wanted])
    right = models.embedder.embed([other for _, other in wanted])
    cosines = iter(np.sum(left * right, axis=1) if wanted else ())
    return [[float(next(cosines)) for _ in group] for group in groups]


def _fluencies(docs: list[Any], groups: list[list[str]], models: Models) -> list[list[float]]:
    """exp(min(0, NLL of the text - NLL of the candidate)) over the sentences that changed; 0 where none is left."""
    windows = [[_window(doc, other) for other in group] for doc, group in zip(docs, groups, strict=True)]
    before = _ragged(models.language.nll, [[old for old, _ in group] for group in windows])
    after = _ragged(models.language.nll, [[new for _, new in group] for group in windows])
    return [
        [float(np.exp(min(0.0, old - new))) if new == new else 0.0 for old, new in zip(olds, news, strict=True)]
        for olds, news in zip(before, after, strict=True)
    ]


def _window(doc: Any, other: str) -> tuple[str, str]:
    """The sentences of `doc` that differ from `other`, before and after: those around them are the same in both."""
    text = doc.text
    prefix = next(
        (place for place, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other))
    )
    room = min(len(text), len(other)) - prefix
    suffix = next((n for n in range(room) if text[-1 - n] != other[-1 - n]), room)
    starts = [sentence.start_char for sentence in doc.sents if sentence.start_char <= prefix]
    ends = [sentence.end_char for sentence in doc.sents if sentence.end_char >= len(text) - suffix]
    start, end = (starts or [0])[-1], (ends or [len(text)])[0]
    tail = len(text) - end
    return text[start:end][:_WINDOW_CHARACTERS], other[start : len(other) - tail][:_WINDOW_CHARACTERS]


def _words(text: str) -> list[tuple[int, int]]:
    """Characters [start, end) of each run of letters and digits, and of each other sign that is no space."""
    spans, start = [], None
    for place, letter in enumerate(text):
        if letter.isalnum() or letter in "'’":
            start = place if start is None else start
            continue
        if start is not None:
            spans.append((start, place))
            start = None
        if not letter.isspace():
            spans.append((place, place + 1))
    return spans if start is None else [*spans, (start, len(text))]
