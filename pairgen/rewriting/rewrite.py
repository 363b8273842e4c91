"""Texts in, ranked rewrites out: the candidates of `propose`, ranked by toxicity, similarity and fluency."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field
from rapidfuzz.distance import Levenshtein

from pairgen.models import Models
from pairgen.rewriting.generate import generate
from pairgen.rewriting.locate import Carrier, locate
from pairgen.rewriting.propose import Candidate, propose, says_nothing
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

_NOTHING_GOOD = {"still_toxic", "meaning_lost", "not_fluent"}  # abstentions where other candidates may help
_EMBEDDED = 12  # candidates a text that are compared with it; the rest, which fit less well, are not
_SHORTLIST = 6  # of those, whose likelihood may be asked
_MARGIN = 0.4  # what a fluent one may lack of the best one's merit: beyond, it says something else
FLUENT = float(np.exp(-0.5))  # a rewrite is fluent whose NLL a token is at most .5 nats over the text's
_EDIT_PENALTY = 0.6  # a character changed, beside similarity
_DELETION = 0.2  # what a rewrite gains that adds no word: people delete where they can
_WINDOW_CHARACTERS = 600


class Scored(NamedTuple):
    """A candidate with its own toxicity, its cosine to the text, and its merit (`_merit`)."""

    candidate: Candidate
    toxicity: float
    similarity: float
    merit: float


class RewriteSettings(BaseModel):
    """The `[rewrite]` section: when a rewrite is good enough, and how many of them a text may have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_toxicity: float = Field(default=0.3, ge=0, le=1)
    min_similarity: float = Field(default=0.45, ge=0, le=1)
    min_fluency: float = Field(default=0.15, ge=0, le=1)
    rewrites_per_text: int = Field(default=2, ge=1)
    generated: int = Field(default=0, ge=0)  # few-shot samples of a text that would have none


def rewrite(texts: pl.DataFrame, *, settings: RewriteSettings, models: Models) -> pl.DataFrame:
    """The best rewrites of each text, as `REWRITES` in the order of `texts`; an abstention is one row with its reason.

    Needs `text_id` and `text`. `score_toxicity` is the rewrite's own; `score_similarity` its cosine to the text;
    `score_fluency` = exp(min(0, NLL a token of the text - that of the rewrite)), over the sentences that changed: 1
    where the rewrite is as likely as the text; `score_edit` the share of words changed. They rank by merit: (1 -
    toxicity) x similarity x how well the parse bears the forms out, less a penalty on the share of characters changed,
    with a bonus where words were only left out; but those that are nearly as good as the best and fluent (`FLUENT`)
    before the rest. Likelihood sorts out and does not rank: ranked by it, a frequent word beats the one that carries
    the sense. Where nothing of the lexicon is good, the candidates of `generate` are judged alike.
    """
    ids = texts["text_id"].to_list()
    docs = models.parser.parse(texts["text"].to_list())
    carriers = locate(docs, scorer=models.toxicity, max_toxicity=settings.max_toxicity)
    proposed = [propose(doc, found) if found else [] for doc, found in zip(docs, carriers, strict=True)]
    answers = _answers(docs, carriers, proposed, settings, models)
    places = [place for place, rows in enumerate(answers) if rows[0].get("abstain_reason") in _NOTHING_GOOD]
    if places:
        docs, carriers = [docs[place] for place in places], [carriers[place] for place in places]
        made = generate(docs, carriers, samples=settings.generated, models=models)
        for place, rows in zip(places, _answers(docs, carriers, made, settings, models), strict=True):
            if "rewrite" in rows[0]:
                answers[place] = rows
    rows = [{"text_id": text_id, **row} for text_id, some in zip(ids, answers, strict=True) for row in some]
    return pl.DataFrame(rows, schema=REWRITES)


def _answers(
    docs: Sequence[Any],
    carriers: Sequence[Sequence[Carrier]],
    proposed: Sequence[Sequence[Candidate]],
    settings: RewriteSettings,
    models: Models,
) -> list[list[dict[str, Any]]]:
    """For each of `docs` the rows of the best of its candidates, or one row with the reason why none is good."""
    plain = [doc.text for doc in docs]
    toxicity = _ragged(models.toxicity.toxicity, [[each.text for each in some] for some in proposed])
    quiet = [
        [(each, score) for each, score in zip(some, scores, strict=True) if score <= settings.max_toxicity][:_EMBEDDED]
        for some, scores in zip(proposed, toxicity, strict=True)
    ]
    similarity = _similarities(plain, [[each.text for each, _ in some] for some in quiet], models)
    faithful = [
        sorted(
            [
                Scored(each, tox, sim, _merit(text, each, tox, sim))
                for (each, tox), sim in zip(some, sims, strict=True)
                if sim >= settings.min_similarity
            ],
            key=lambda found: (-found.merit, found.candidate.text),
        )[: max(_SHORTLIST, settings.rewrites_per_text)]
        for text, some, sims in zip(plain, quiet, similarity, strict=True)
    ]
    fluency = _fluencies(docs, faithful, settings, models)
    return [
        _rank(text, best, fluent, settings) or [{"abstain_reason": _reason(text, found, tried, some, best)}]
        for text, found, tried, some, best, fluent in zip(
            plain, carriers, proposed, quiet, faithful, fluency, strict=True
        )
    ]


def changed_spans(text: str, other: str) -> list[dict[str, int]]:
    """Characters of `text` that stand in words that differ from `other`: [{"start": , "end": }], in order.

    Where words of `other` were only left out, `text` has no changed character there.
    """
    words, spans = _words(text), []
    for edit in Levenshtein.opcodes(_written(text), _written(other)):
        if edit.tag in {"replace", "delete"}:
            spans.append({"start": words[edit.src_start][0], "end": words[edit.src_end - 1][1]})
    return spans


def _rank(
    text: str, faithful: Sequence[Scored], fluency: Sequence[float], settings: RewriteSettings
) -> list[dict[str, Any]]:
    """The rows of the best of `faithful`, of whose first the `fluency` is known: first those of `_is_fluent`."""
    known = [
        (found, fluent) for found, fluent in zip(faithful, fluency, strict=False) if fluent >= settings.min_fluency
    ]
    known.sort(key=lambda pair: not _is_fluent(*pair, best=faithful[0]))
    return [
        {
            "rank": rank,
            "rewrite": found.candidate.text,
            "strategy": found.candidate.strategy,
            "spans": changed_spans(text, found.candidate.text),
            "score_toxicity": found.toxicity,
            "score_similarity": found.similarity,
            "score_fluency": fluent,
            "score_edit": Levenshtein.normalized_distance(_written(text), _written(found.candidate.text)),
        }
        for rank, (found, fluent) in enumerate(known[: settings.rewrites_per_text], 1)
    ]


def _is_fluent(found: Scored, fluency: float, *, best: Scored) -> bool:
    """Whether `found` is fluent, and as good as the `best` by merit but for a margin."""
    return fluency >= FLUENT and found.merit >= best.merit - _MARGIN


def _merit(text: str, candidate: Candidate, toxicity: float, similarity: float) -> float:
    changed = Levenshtein.distance(text, candidate.text) / len(text)
    deletion = _DELETION if candidate.strategy == "delete" else 0.0
    return (1 - toxicity) * similarity * candidate.weight - _EDIT_PENALTY * changed + deletion


def _reason(
    text: str, carriers: Sequence[Carrier], proposed: Sequence[Any], quiet: Sequence[Any], faithful: Sequence[Any]
) -> str:
    if not carriers:
        return "nothing_located"
    if says_nothing(text, carriers):
        return "nothing_left"
    if proposed and not quiet:
        return "still_toxic"
    return "not_fluent" if faithful else "meaning_lost"


def _ragged(score: Any, candidates: list[list[str]]) -> list[list[float]]:
    """`score` of every text in `candidates`, called once, in their shape; NaN where it could not be had."""
    flat = iter(score([text for some in candidates for text in some]))
    return [[float(next(flat)) for _ in some] for some in candidates]


def _similarities(texts: list[str], candidates: list[list[str]], models: Models) -> list[list[float]]:
    wanted = [(text, other) for text, some in zip(texts, candidates, strict=True) for other in some]
    left = models.embedder.embed([text for text, _ in wanted])
    right = models.embedder.embed([other for _, other in wanted])
    cosines = iter(np.sum(left * right, axis=1) if wanted else ())
    return [[float(next(cosines)) for _ in some] for some in candidates]


def _fluencies(
    docs: Sequence[Any], ordered: list[list[Scored]], settings: RewriteSettings, models: Models
) -> list[list[float]]:
    """The fluency of the first of each in `ordered`, asked in rounds until what is known holds the best.

    exp(min(0, NLL of the text - NLL of the candidate)) over the sentences that changed; 0 where nothing is left there.
    """
    known: list[list[float]] = [[] for _ in ordered]
    wanted = settings.rewrites_per_text
    for asked in (wanted, 2 * wanted, None):  # few rounds: a batch that is not full costs as much as one that is
        windows = [
            []
            if _suffices(had, some, settings)
            else [_window(doc, one.candidate.text) for one in some[len(had) :][:asked]]
            for doc, some, had in zip(docs, ordered, known, strict=True)
        ]
        before = _ragged(models.language.nll, [[old for old, _ in some] for some in windows])
        after = _ragged(models.language.nll, [[new for _, new in some] for some in windows])
        for had, olds, news in zip(known, before, after, strict=True):
            had += [
                float(np.exp(min(0.0, old - new))) if new == new else 0.0 for old, new in zip(olds, news, strict=True)
            ]
    return known


def _suffices(known: Sequence[float], ordered: Sequence[Scored], settings: RewriteSettings) -> bool:
    """Whether the likelihood of no further one of `ordered` can change which are the best."""
    if len(known) == len(ordered):
        return True
    fluent = sum(_is_fluent(found, score, best=ordered[0]) for found, score in zip(ordered, known, strict=False))
    good = sum(score >= settings.min_fluency for score in known)
    near = ordered[len(known)].merit >= ordered[0].merit - _MARGIN
    return fluent >= settings.rewrites_per_text or (good >= settings.rewrites_per_text and not near)


def _window(doc: Any, other: str) -> tuple[str, str]:
    """The sentences of `doc` that differ from `other`, before and after: those around them are the same in both.

    Of a very long sentence only what stands around the first change, which is the same place in both.
    """
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
    if prefix - start > _WINDOW_CHARACTERS // 2:
        start = text.rfind(" ", start, prefix - _WINDOW_CHARACTERS // 2) + 1 or prefix - _WINDOW_CHARACTERS // 2
    return text[start:end][:_WINDOW_CHARACTERS], other[start : len(other) - tail][:_WINDOW_CHARACTERS]


def _written(text: str) -> list[str]:
    return [text[start:end] for start, end in _words(text)]


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
