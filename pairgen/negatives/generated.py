"""The kinds that a language model makes, over many texts at once: what it says, and which of it is a negative.

A candidate must bear the marks of its kind, be as fluent as the text it is made from, and bring in nothing toxic; of
the kind `toxic` it must be just that, in whole sentences.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pairgen.models import Models
from pairgen.negatives.change import Gap, Negative
from pairgen.negatives.mask_ent import ent_gaps, ent_holds, mask_ent
from pairgen.negatives.mask_rel import mask_rel, rel_gaps, rel_holds
from pairgen.negatives.regen import ent_tails, regen, rel_tails, tail_holds
from pairgen.negatives.sys_lowcon import context_gap, sys_lowcon
from pairgen.negatives.toxic import is_toxic, toxic, toxic_gaps
from pairgen.rewriting.locate import lexicon_spans

_MAX_TOXICITY = 0.3  # what the shipped recipes let a positive have; more only if its own positive has more
_MAX_NLL_RISE = 3.0  # nats in all over the old words; over it most fills of 150 real comments were no English
_CHARACTERS_A_TOKEN = 4.5
_AROUND = 150  # characters beside a fill that tell whether it fits


class _Kind(NamedTuple):
    """How a kind is made: the gaps of a text, what fills one, and whether the parser reads the result as it should."""

    gaps: Callable[..., list[Gap]]
    fill: Callable[[Any, Gap, str], Negative | None]
    holds: Callable[[Any, Gap, Negative, Any], bool]
    continuations: int
    tokens: int


class _Candidate(NamedTuple):
    place: int  # of its text
    negative: Negative
    probability: float


_KINDS = {
    "mask_ent": _Kind(ent_gaps, mask_ent, ent_holds, 16, 5),
    "mask_rel": _Kind(rel_gaps, mask_rel, rel_holds, 16, 2),
    "regen_ent": _Kind(ent_tails, regen, tail_holds, 3, 40),
    "regen_rel": _Kind(rel_tails, regen, tail_holds, 3, 40),
    "sys_lowcon": _Kind(context_gap, sys_lowcon, lambda *_: True, 3, 40),
    "toxic": _Kind(toxic_gaps, toxic, lambda *_: True, 8, 40),  # of 40 clean comments, 16 made two toxic
}


def generated(
    kind: str, asked: Sequence[tuple[Any, Any, str]], *, min_toxicity: float, models: Models
) -> list[Negative | None]:
    """A negative of `kind` for each parsed text, context and seed of `asked`; None where there is none that holds.

    What the model says is drawn from the seeds, digests. Of what holds the likeliest is taken; of
    `sys_lowcon` that with the least mean probability a token. From `min_toxicity` on a text is `toxic`.
    """
    how = _KINDS[kind]
    docs = [doc for doc, _, _ in asked]
    gaps = {
        place: found[0]
        for place, (doc, context, seed) in enumerate(asked)
        if (found := how.gaps(doc, context, seed=seed))
    }
    if not gaps:
        return [None] * len(docs)
    said = models.language.continuations(
        [gap.prompt for gap in gaps.values()],
        seeds=[asked[place][2] for place in gaps],
        k=how.continuations,
        tokens=how.tokens,
    )
    filled = {
        (place, negative.text): _Candidate(place, negative, each.probability)
        for (place, gap), row in zip(gaps.items(), said, strict=True)
        for each in sorted(row, key=lambda each: -each.probability)  # of equal texts the least sure counts
        if (negative := how.fill(docs[place], gap, each.text))
    }
    if kind == "toxic":
        every = list(filled.values())
        over = is_toxic([each.negative.text for each in every], models, min_toxicity=min_toxicity)
        return _first([(each, -each.probability) for each, kept in zip(every, over, strict=True) if kept], len(docs))
    parses = models.parser.parse([text for _, text in filled])
    held = [
        each
        for each, parsed in zip(filled.values(), parses, strict=True)
        if how.holds(docs[each.place], gaps[each.place], each.negative, parsed)
    ]
    fluent = _fluent(_harmless(held, docs, models), gaps, docs, models)
    if kind == "sys_lowcon":
        fluent = [(each, each.probability) for each, _ in fluent]
    return _first(fluent, len(docs))


def _first(ranked: list[tuple[_Candidate, float]], texts: int) -> list[Negative | None]:
    """For each of as many `texts`, its candidate of the least rank, or None."""
    first: dict[int, Negative] = {}
    for each, _ in sorted(ranked, key=lambda scored: scored[1]):
        first.setdefault(each.place, each.negative)
    return [first.get(place) for place in range(texts)]


def _harmless(found: list[_Candidate], docs: Sequence[Any], models: Models) -> list[_Candidate]:
    """Without what is toxic: a negative must be wrong in what it says, not in how."""
    scores = models.toxicity.toxicity([each.negative.text for each in found])
    own = models.toxicity.toxicity([docs[each.place].text for each in found])
    return [
        each
        for each, score, limit in zip(found, scores, own, strict=True)
        if score <= max(_MAX_TOXICITY, limit)
        and len(lexicon_spans(each.negative.text)) <= len(lexicon_spans(docs[each.place].text))
    ]


def _fluent(
    found: list[_Candidate], gaps: dict[int, Gap], docs: Sequence[Any], models: Models
) -> list[tuple[_Candidate, float]]:
    """Without what is far less likely than the words it stands for; with the rise in nats."""
    around = [_around(docs[each.place].text, gaps[each.place], each.negative) for each in found]
    nll = models.language.nll([text for both in around for text in both]).reshape(-1, 2)
    rises = [(new - old) * len(text) / _CHARACTERS_A_TOKEN for (old, new), (_, text) in zip(nll, around, strict=True)]
    return [(each, rise) for each, rise in zip(found, rises, strict=True) if rise <= _MAX_NLL_RISE]


def _around(text: str, gap: Gap, negative: Negative) -> tuple[str, str]:
    """What stands around `gap`, before and after it was filled."""
    start = max(0, gap.start - _AROUND)
    return text[start : gap.end + _AROUND], negative.text[start : negative.spans[0]["end"] + _AROUND]
