"""Where the toxicity stands: expressions of the lexicon in any spelling, and what occlusion finds besides.

Obfuscated spellings (f**k, sh1t, a$$, s t u p i d, stretched letters, homoglyphs) are read through a normalisation that
keeps the characters' places in the text.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from pairgen.extraction import NUMBER_WORDS, entities, shielded
from pairgen.identity import mention_spans
from pairgen.models import ToxicityModel
from pairgen.rewriting.grammar import told_of_somebody
from pairgen.rewriting.lexicon import ANIMAL, MISHEARD, Sense, longest, senses

_TOKEN = re.compile(r"[^\s\-/]+")
_OUTER = "\"'`.,;:?()[]{}<>~#“”‘’…–—_=+|\\"
_SPACED = re.compile(r"(?<!\w)(?:\w[ .\-_]){2,}\w(?!\w)")
_LEET = str.maketrans("@4$510!378", "aassioietb")
_HOMOGLYPHS = str.maketrans("\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0455\u0501\u0261\u04bb", "aeopcyxisdgh")
_MARK = re.compile(r"[,.;:!?]\s")
_STRETCH = re.compile(r"(.)\1{2,}")
_POSSESSIVE = re.compile(r"['’]s$", re.IGNORECASE)
_AFTER_SELF = re.compile(  # what may follow "her lazy ass"; anything else is what that describes
    r"to|is|was|will|would|can|could|should|off|out|up|down|back|over|away|home|here|there|around|in|into|on|at|for|from|about"
    r"|with|and|or|but|as|like|when|if|before|after|because|cause|that|who|right|all|again|now"
    r"|needs?|gets?|got|gotta|goes|went|does|did|has|had|better|might|must|won't|can't|cant|ain't|aint|just|still|never"
)
_SLURRED = re.compile(r" ['’](?!\w)")  # "fuckin ' good", in texts that are split at marks
_KEPT = re.compile(r"not|no|never|none|nor|nobody|nothing|cannot|.*n['’]?t|" + "|".join(NUMBER_WORDS))
_ROUNDS = 6
_MIN_OCCLUSION = 0.05
_TOXIC_WORD = 0.5


class Token(NamedTuple):
    """A word of a text: characters [start, end) without outer punctuation, and its plain spelling."""

    start: int
    end: int
    plain: str


@dataclass(frozen=True)
class Carrier:
    """Characters [start, end) that carry toxicity, and the lexicon's senses for them: none where occlusion found it."""

    start: int
    end: int
    senses: tuple[Sense, ...]


def tokens(text: str) -> list[Token]:
    """The words of `text`; letters spelled one by one ("s t u p i d") are one word where the lexicon has it."""
    spaced = [
        Token(found.start(), found.end(), joined)
        for found in _SPACED.finditer(text)
        if (joined := _plain(re.sub(r"[ .\-_]", "", found.group()))) in _single_words()
    ]
    taken = {place for token in spaced for place in range(token.start, token.end)}
    words = []
    for found in _TOKEN.finditer(text):
        if found.start() in taken:
            continue
        word = found.group()
        core = _POSSESSIVE.sub("", word.strip(_OUTER).rstrip("!" + _OUTER))
        if core:
            start = found.end() - len(word.lstrip(_OUTER))
            words.append(Token(start, start + len(core), _plain(core)))
    return sorted([*spaced, *words], key=lambda token: token.start)


def lexicon_carriers(text: str) -> list[Carrier]:
    """The longest expressions of the lexicon in `text`, left to right, not overlapping."""
    words, found, place = tokens(text), [], 0
    while place < len(words):
        begins = words[place].plain in _first_words()  # few do; the rest is not looked at
        length, entries = _expression(words[place:], text) if begins else (0, ())
        if length:
            last = words[place + length - 1]
            slurred = _SLURRED.match(text, last.end) if last.plain.endswith("in") else None
            found.append(Carrier(words[place].start, slurred.end() if slurred else last.end, entries))
        place += length or 1
    return found


def _expression(words: Sequence[Token], text: str) -> tuple[int, tuple[Sense, ...]]:
    """How many of the `words` make the longest expression that starts them, and its senses; none is 0.

    An adjective does not hide one: "get off your lazy ass" is "get off your ass", unless that describes what follows.
    """
    known, plain = senses(), [word.plain for word in words[: longest() + 1]]
    adjective = next(
        (place for place in range(1, len(plain) - 1) if _describes_a_self(*plain[place - 1 : place + 2])), 0
    )
    for length in range(_unbroken(words[: len(plain)], text), 0, -1):
        entries = known.get(tuple(plain[:length]))
        if not entries and 0 < adjective < length - 1 and _is_free(words, length, text):
            entries = known.get((*plain[:adjective], *plain[adjective + 1 : length]))
        if entries:
            return length, entries
    return 0, ()


def _unbroken(words: Sequence[Token], text: str) -> int:
    """How many of `words` follow each other without a mark: "damn, that" is no "damn that"."""
    gaps = (text[first.end : second.start] for first, second in pairwise(words))
    return next((place for place, gap in enumerate(gaps, 1) if _MARK.search(gap)), len(words))


def _describes_a_self(owner: str, word: str, self: str) -> bool:
    known = senses()
    adjective = (word, self) in known or any(sense.pos == "adj" for sense in known.get((word,), ()))
    return self in {"ass", "asses"} and (owner, self) in known and adjective


def _is_free(words: Sequence[Token], length: int, text: str) -> bool:
    """Whether the first `length` words describe none that follows."""
    if length == len(words) or text[words[length - 1].end : words[length].start].strip():
        return True
    return _AFTER_SELF.fullmatch(words[length].plain) is not None


def lexicon_spans(text: str, *, plain: bool = False) -> list[tuple[int, int]]:
    """Characters [start, end) of the strong expressions of the lexicon in `text`, and of the plain ones if asked.

    What is only misheard is never one.
    """
    found = lexicon_carriers(text)
    return [(each.start, each.end) for each in found if _strong(each) or (plain and not _misheard(each))]


def locate(docs: Sequence[Any], *, scorer: ToxicityModel, max_toxicity: float) -> list[list[Carrier]]:
    """What carries the toxicity of each spaCy document, left to right: without it at most `max_toxicity` is left.

    Strong expressions are carriers outright. While the rest is still over `max_toxicity`, the piece whose removal
    lowers the score most joins them (occlusion; Zeiler & Fergus 2014), in one batched pass over all texts a round, for
    up to six rounds. Entities, identity terms, numbers, negations and what is protected are never taken, nor a word
    outside the lexicon that is not toxic by itself (.5): a scorer that errs on the whole is not mended by a hole.
    """
    texts = [doc.text for doc in docs]
    carriers = [[carrier for carrier in _meant(doc) if _strong(carrier)] for doc in docs]
    pieces = _suspect([_pieces(doc) for doc in docs], texts, scorer)
    left = [without(text, found) for text, found in zip(texts, carriers, strict=True)]
    scores = list(scorer.toxicity(left))
    for _ in range(_ROUNDS):
        trials = [
            (place, piece)
            for place, score in enumerate(scores)
            if score > max_toxicity
            for piece in pieces[place]
            if not any(piece.start < taken.end and taken.start < piece.end for taken in carriers[place])
        ]
        if not trials:
            break
        trial_scores = scorer.toxicity([without(texts[place], [*carriers[place], piece]) for place, piece in trials])
        best: dict[int, tuple[float, Carrier]] = {}
        for (place, piece), score in zip(trials, trial_scores, strict=True):
            if score < best.get(place, (scores[place] - _MIN_OCCLUSION, piece))[0]:
                best[place] = (float(score), piece)
        if not best:
            break
        for place, (score, piece) in best.items():
            carriers[place].append(piece)
            scores[place] = score
    return [sorted(found, key=lambda carrier: carrier.start) for found in carriers]


def _suspect(pieces: list[list[Carrier]], texts: list[str], scorer: ToxicityModel) -> list[list[Carrier]]:
    """Of `pieces`, those that the lexicon knows, and the words that are toxic by themselves."""
    unknown = sorted(
        {text[one.start : one.end] for text, some in zip(texts, pieces, strict=True) for one in some if not one.senses}
    )
    toxic = {word for word, score in zip(unknown, scorer.toxicity(unknown), strict=True) if score >= _TOXIC_WORD}
    return [
        [one for one in some if one.senses or text[one.start : one.end] in toxic]
        for text, some in zip(texts, pieces, strict=True)
    ]


def without(text: str, carriers: Sequence[Carrier]) -> str:
    """`text` with the characters of `carriers` cut out."""
    kept, place = [], 0
    for carrier in sorted(carriers, key=lambda carrier: carrier.start):
        kept.append(text[place : carrier.start])
        place = carrier.end
    return "".join([*kept, text[place:]])


def _strong(carrier: Carrier) -> bool:
    return any(sense.strong for sense in carrier.senses)


def _misheard(carrier: Carrier) -> bool:
    return all(sense.sense == MISHEARD for sense in carrier.senses)


def _meant(doc: Any) -> list[Carrier]:
    """The expressions of the lexicon in `doc`, an animal's name with the senses that it has there: "he is a rat" tells
    of somebody, "a rat in the kitchen" does not."""
    meant = []
    for carrier in lexicon_carriers(shielded(doc.text)):
        if any(sense.sense == ANIMAL for sense in carrier.senses):
            span = doc.char_span(carrier.start, carrier.end, alignment_mode="expand")
            other = MISHEARD if told_of_somebody(span) else ANIMAL
            carrier = replace(carrier, senses=tuple(sense for sense in carrier.senses if sense.sense != other))
        if carrier.senses:
            meant.append(carrier)
    return meant


def _pieces(doc: Any) -> list[Carrier]:
    """What occlusion may take: plain expressions of the lexicon, and other words of three letters or more but names."""
    text, known = shielded(doc.text), _meant(doc)
    covered = {place for carrier in known for place in range(carrier.start, carrier.end)}
    covered |= {place for name in entities(doc) for place in range(name.start, name.end)}
    covered |= {place for start, end in mention_spans(text) for place in range(start, end)}
    words = [
        Carrier(token.start, token.end, ())
        for token in tokens(text)
        if token.start not in covered
        and not _KEPT.fullmatch(token.plain)
        and sum(letter.isalpha() for letter in token.plain) >= 3
    ]
    return [*known, *words]


@cache
def _first_words() -> set[str]:
    return {surface[0] for surface in senses()}


@cache
def _single_words() -> dict[str, None]:
    return {surface[0]: None for surface in senses() if len(surface) == 1}


@cache
def _by_shape() -> dict[tuple[int, str], list[str]]:
    shapes: dict[tuple[int, str], list[str]] = defaultdict(list)
    for word in _single_words():
        shapes[len(word), word[0]].append(word)
    return shapes


@lru_cache(maxsize=2**16)  # words
def _plain(word: str) -> str:
    """The spelling that the lexicon would use for `word`, or `word` in lower case."""
    lower = unicodedata.normalize("NFKC", word).lower().replace("’", "'")
    single = _single_words()
    if lower in single or (lower.isalpha() and lower.isascii() and not _STRETCH.search(lower)):
        return lower
    letters = any(letter.isalpha() for letter in lower)
    spellings = [lower.translate(_HOMOGLYPHS)]
    if letters and (len(lower) > 3 or not lower[:1].isdigit()):
        spellings.append(spellings[0].translate(_LEET))
    spellings += [_STRETCH.sub(r"\1\1", spelling) for spelling in spellings]
    spellings += [_STRETCH.sub(r"\1", spelling) for spelling in spellings[:2]]
    for spelling in spellings:
        if spelling in single:
            return spelling
    if letters and "*" in lower[1:]:
        pattern = re.compile(re.escape(lower).replace(r"\*", "[a-z]"))
        for candidate in _by_shape().get((len(lower), lower[0]), []):
            if pattern.fullmatch(candidate):
                return candidate
    return lower
