"""Candidates from models, where the lexicon makes nothing good: by the strategies fill, few_shot, back_translation.

A masked language model fills the place of each carrier; a causal one writes the sentence anew after examples of ours;
two translation models say the text there and back. Whatever they say brings in no number, name or negation, and no
content word but one that is close in meaning to what it stands for.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pairgen.digests import digest, normalise
from pairgen.extraction import Mention, entities, negations, numbers, protected_pieces, shielded
from pairgen.models import Models
from pairgen.rewriting.lexicon import DELETE, THING
from pairgen.rewriting.locate import Carrier, lexicon_spans
from pairgen.rewriting.propose import Candidate
from pairgen.rewriting.repair import broken, repair

# Of 9,000 neutral forms of other senses in the lexicon 1.1 % are as close to an expression or one of its forms, of its
# own forms (each left out) 43 %.
_MIN_CLOSENESS = 0.6
_MAX_CHANGED = 0.5  # share of the words of either text that the other has not: beyond, it is another sentence
_FILLS = 8  # of one, of two and of three tokens; and the most that are kept of a carrier
_COMBINED = 24  # candidates a text with several carriers
_PASSAGE_CHARACTERS = 160
_PROMPT_TOKENS = 256
_SAMPLED_TOKENS = 40
_CONTENT = {"NOUN", "PROPN", "VERB", "ADJ", "ADV"}
_WORDS = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*(?: [A-Za-z]+(?:['’-][A-Za-z]+)*)*")
_EXAMPLES = (
    ("this is a fucking disgrace, the bus never comes on time", "this is a disgrace, the bus never comes on time"),
    ("he is a lying piece of shit and everybody knows it", "he is dishonest and everybody knows it"),
    ("Only a moron would vote for that tax.", "I do not see why anyone would vote for that tax."),
    ("What a load of crap, they closed the library again.", "What nonsense, they closed the library again."),
    ("Your article sucks and you can't write for shit.", "Your article is poor and you can't write well."),
    ("Shut the hell up about your garden!", "Please stop talking about your garden!"),
)
_PROMPT = "Rude comments, and how to say the same politely.\n\n" + "".join(
    f"Rude: {rude}\nPolite: {polite}\n\n" for rude, polite in _EXAMPLES
)


class _Draft(NamedTuple):
    place: int  # of its text
    text: str
    strategy: str
    weight: float = 1.0


def generate(
    docs: Sequence[Any], carriers: Sequence[Sequence[Carrier]], *, samples: int, models: Models
) -> list[list[Candidate]]:
    """Candidates for each spaCy document with its carriers, which has some: of every model that is named.

    The language model is asked for `samples` of each text, drawn by its digest. The weight of a candidate says how
    close what came in is to what went: the cosine of a fill, else the least of a word.
    """
    drafts = [
        *_fills(docs, carriers, models),
        *_few_shot(docs, carriers, samples, models),
        *_back_translations(docs, models),
    ]
    drafts = [each for each in drafts if _keeps(each, docs[each.place])]
    drafts = list({(each.place, each.text): each for each in reversed(drafts)}.values())[::-1]
    parsed = models.parser.parse([each.text for each in drafts])
    changes = [
        (each, change)
        for each, made in zip(drafts, parsed, strict=True)
        if _same_names(docs[each.place], made, carriers[each.place])
        and (change := _change(docs[each.place], made, carriers[each.place], each.strategy))
    ]
    candidates: list[list[Candidate]] = [[] for _ in docs]
    for (each, _), weight in zip(changes, _closeness([change for _, change in changes], models), strict=True):
        if weight >= _MIN_CLOSENESS:
            candidates[each.place].append(Candidate(each.text, each.strategy, each.weight * weight))
    return candidates


# What the models say --------------------------------------------------------------------------------------------------


def _fills(docs: Sequence[Any], carriers: Sequence[Sequence[Carrier]], models: Models) -> list[_Draft]:
    """Each text with all its carriers filled, each by what is close to it; the closest first."""
    if models.filler is None:
        return []
    gaps = [(place, doc.text, each) for place, doc in enumerate(docs) for each in carriers[place]]
    said = models.filler.fills([(text[: each.start], text[each.end :]) for _, text, each in gaps], k=_FILLS)
    asked = [
        (gap, fill)
        for gap, ((_, _, each), some) in enumerate(zip(gaps, said, strict=True))
        for fill in some
        if _WORDS.fullmatch(fill) and not lexicon_spans(fill, plain=True)
    ]
    known = [_says(gaps[gap][2], gaps[gap][1]) for gap, _ in asked]
    scores = _closeness([([fill], words) for (_, fill), words in zip(asked, known, strict=True)], models)
    close: list[list[tuple[float, str]]] = [[] for _ in gaps]
    for (gap, fill), score in zip(asked, scores, strict=True):
        if score >= _MIN_CLOSENESS:
            close[gap].append((score, fill))
    plans: list[list[tuple[float, str]]] = [[(1.0, "")] for _ in docs]
    ends = [0] * len(docs)
    for (place, text, each), some in zip(gaps, close, strict=True):
        best = sorted(some, key=lambda found: (-found[0], found[1]))[:_FILLS]
        before = text[ends[place] : each.start]
        longer = [(weight * score, made + before + fill) for weight, made in plans[place] for score, fill in best]
        plans[place] = sorted(longer, key=lambda found: (-found[0], found[1]))[:_COMBINED]
        ends[place] = each.end
    return [
        _Draft(place, repair(made + doc.text[ends[place] :], like=doc.text), "fill", weight)
        for place, doc in enumerate(docs)
        for weight, made in plans[place]
    ]


def _few_shot(docs: Sequence[Any], carriers: Sequence[Sequence[Carrier]], samples: int, models: Models) -> list[_Draft]:
    """Each text whose toxicity stands in one short passage, with that passage as the language model would say it."""
    found = [(place, doc, passage) for place, doc in enumerate(docs) if (passage := _passage(doc, carriers[place]))]
    if not samples or not found:
        return []
    said = models.language.continuations(
        [f"{_PROMPT}Rude: {' '.join(doc.text[start:end].split())}\nPolite:" for _, doc, (start, end) in found],
        seeds=[digest("few_shot", doc.text) for _, doc, _ in found],
        k=samples,
        tokens=_SAMPLED_TOKENS,
        width=_PROMPT_TOKENS,
    )
    drafts = []
    for (place, doc, (start, end)), some in zip(found, said, strict=True):
        for each in some:
            line, ended, _ = each.text.strip(" ").partition("\n")
            if ended and line.strip():  # else it was cut off
                made = doc.text[:start] + line.strip() + doc.text[end:]
                drafts.append(_Draft(place, repair(made, like=doc.text), "few_shot"))
    return drafts


def _passage(doc: Any, carriers: Sequence[Carrier]) -> tuple[int, int] | None:
    """Characters [start, end) of the sentences that hold all `carriers`; None where they are too long."""
    start = max(each.start_char for each in doc.sents if each.start_char <= carriers[0].start)
    end = min(each.end_char for each in doc.sents if each.end_char >= carriers[-1].end)
    end = start + len(doc.text[start:end].rstrip())
    return (start, end) if end - start <= _PASSAGE_CHARACTERS else None


def _back_translations(docs: Sequence[Any], models: Models) -> list[_Draft]:
    if models.translator is None:
        return []
    said = models.translator.round_trip([doc.text for doc in docs])
    return [_Draft(place, text, "back_translation") for place, text in enumerate(said) if text]


# What of it may stand -------------------------------------------------------------------------------------------------


def _keeps(draft: _Draft, doc: Any) -> bool:
    """Whether a draft is another text with the same numbers, as many negations, all that is protected, and no slot."""
    text = doc.text
    same = [sorted(each.text.casefold() for each in numbers(one)) for one in (draft.text, text)]
    return (
        normalise(draft.text) not in {"", normalise(text)}
        and same[0] == same[1]
        and len(negations(draft.text)) == len(negations(text))
        and protected_pieces(draft.text) == protected_pieces(text)
        and not lexicon_spans(shielded(draft.text))
        and not broken(draft.text, like=text)
    )


def _same_names(doc: Any, made: Any, carriers: Sequence[Carrier]) -> bool:
    """Whether `doc`, but for its carriers, and `made` hold the same names, as words of their own."""
    kept = [each for each in _names(doc) if not any(each.start < one.end and one.start < each.end for one in carriers)]
    return all(_occurs(each.text, made.text) for each in kept) and all(
        _occurs(each.text, doc.text) for each in _names(made)
    )


def _names(doc: Any) -> list[Mention]:
    proper = [token for token in doc if token.pos_ == "PROPN"]
    return [*entities(doc), *(Mention(token.idx, token.idx + len(token), token.text, token.pos_) for token in proper)]


def _occurs(name: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", text.casefold()) is not None


def _change(doc: Any, made: Any, carriers: Sequence[Carrier], strategy: str) -> tuple[list[str], list[str]] | None:
    """The content words that come in, and what they may stand for; None where more was changed than may be.

    What is said anew in the same language keeps all content words but the carriers', and only these have others in
    their place. What comes back from another language has other words for the same.
    """
    old, new = (Counter(token.lower_ for token in one if not token.is_space) for one in (doc, made))
    if max((old - new).total() / old.total(), (new - old).total() / new.total()) > _MAX_CHANGED:
        return None
    taken = {place for each in carriers for place in range(each.start, each.end)}
    after, whole = _content(made), _content(doc)
    gone = [word for word in _content(token for token in doc if token.idx not in taken) if word not in after]
    if gone and strategy != "back_translation":
        return None
    if strategy == "fill":
        return [], []  # what it says was compared as a whole
    said = [word for each in carriers for word in _says(each, doc.text)]
    return [word for word in after if word not in whole], said + gone


def _content(tokens: Any) -> list[str]:
    return list(dict.fromkeys(token.lemma_.lower() for token in tokens if token.pos_ in _CONTENT))


def _says(carrier: Carrier, text: str) -> list[str]:
    """What a carrier says: itself and the neutral forms of its senses."""
    forms = [form.removeprefix(THING) for sense in carrier.senses for form in sense.neutral if form != DELETE]
    return list(dict.fromkeys([text[carrier.start : carrier.end], *forms]))


def _closeness(changes: Sequence[tuple[list[str], list[str]]], models: Models) -> list[float]:
    """Of each (words that come in, words they may stand for) the least cosine of one that comes in to its nearest.

    1 where none comes in.
    """
    words = sorted({word for change in changes for some in change for word in some})
    vectors = dict(zip(words, models.embedder.embed(words), strict=True))
    return [
        min((max(float(np.dot(vectors[one], vectors[other])) for other in old) for one in new), default=1.0)
        for new, old in changes
    ]
