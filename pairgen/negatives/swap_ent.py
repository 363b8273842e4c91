"""`swap_ent`: one or two named entities replaced by others of the same label (CLIFF: Cao & Wang 2021, section 3.1).

The other stands in the context, or else in `entities.toml`, a fixed list of ours: never elsewhere in the corpus, so
that one more comment changes no other set. Common names are drawn as often as they are common: drawn evenly, words that
hardly anyone writes told the negative.
"""

import re
import tomllib
from bisect import bisect
from collections.abc import Sequence
from functools import cache, partial
from importlib.resources import files
from itertools import accumulate
from typing import Any

from pairgen.digests import fraction, pick
from pairgen.extraction import Mention, entities
from pairgen.negatives.change import Negative, Replacement, article_fits, case_like, change

_SHARE_OF_TWO = 0.3
_FLATTENING = 3  # name n of a list is drawn as often as 1 / (n + 3): Zipf's law, as Mandelbrot bent it
_ADJECTIVES = {"NORP_NATIONALITY": "NORP_ADJECTIVE", "NORP_RELIGION": "NORP_FAITH"}

_MARKS = {"=", "[", "]", "-", "#"}
_ARGUMENTS = {"nsubj", "nsubjpass", "dobj", "pobj"}
_UNSOUND = re.compile(r"['’]|\bv\.|\b[A-Z]{2,5}s?\b")  # a possessive, the title of a case, an acronym
_OPENS, _CLOSES = re.compile(r"(?:^|[\s\"“‘'(*])$"), re.compile(r"$|[\s\"”’')!?,;:…]|\.(?!\w)|['’]s|-\w")  # else markup
_PART_OF = {"of", "de", "du", "del", "la", "von", "van", "ben", "bin", "al", "&"}
_GREETING = re.compile(
    r"\b(?:dear|hello|hey|hi|thanks|thank\s+you|sorry|welcome|regards|cheers|sincerely|good\s+(?:day|job|morning|work))"
    r"\W+$",
    re.IGNORECASE,
)
_BREAK = re.compile(r"\s*(?:[,!?.:;–—…]|$)")


def swap_ent(doc: Any, context: Any, *, seed: str) -> Negative | None:
    """The text of `doc` with one or two entities swapped, at all their places; None where it has none to swap.

    `doc` and `context` are spaCy documents; every draw is made from `seed`, a digest. Case and number are kept. A name
    for which itself is drawn stays: so each name comes into the negatives about as often as it leaves the positives.
    """
    there, near = entities(doc), entities(context)
    taken = {mention.text.casefold() for mention in there}
    names = sorted({mention.text: mention for mention in there if can_be_swapped(doc, mention)}.items())
    names.sort(key=lambda named: fraction(seed, "order", named[0]))
    count = 2 if len(names) > 1 and fraction(seed, "count") < _SHARE_OF_TWO else 1
    replacements: list[Replacement] = []
    swapped = 0
    for name, mention in names:
        places = [found for found in there if found.text == name]
        other = _of_context(mention, near, taken, seed) or _of_list(doc, mention, seed)
        fits = other and all(article_fits(doc.text, place.start, other) for place in places)
        if other and fits and other.casefold() not in taken:
            taken.add(other.casefold())
            replacements += [Replacement(found.start, found.end, case_like(other, name)) for found in places]
            swapped += 1
        if swapped == count:
            break
    return change(doc.text, replacements) if replacements else None


def can_be_swapped(doc: Any, mention: Mention) -> bool:
    """Whether a mention is a whole name beyond doubt, and stands in the text in no other form ("Obama", "Ann Obama").

    Acronyms are left: nothing in the lists has their form. So are names that the tagger takes for another kind of word,
    and whoever is spoken to: under another name the text says the same.
    """
    text = doc.text
    span = doc.char_span(mention.start, mention.end, alignment_mode="expand")
    whole = len(re.findall(rf"\b{re.escape(mention.text)}", text, re.IGNORECASE))
    places = [other for other in entities(doc) if other.text == mention.text]
    sound = mention.text.isprintable() and not _UNSOUND.search(mention.text)
    last = mention.text.split()[-1]  # "Joe Acosta", later "Acosta" alone
    sound = sound and len(re.findall(rf"\b{re.escape(last)}\b", text, re.IGNORECASE)) == len(places) == whole
    sound = sound and not any(token.pos_ == "INTJ" for token in span) and not _runs_on(span)
    sound = sound and all(_OPENS.search(text[: at.start]) and _CLOSES.match(text, at.end) for at in places)
    named = mention.label == "DATE" or span.root.pos_ == "PROPN" or mention.label == "NORP"
    return sound and named and not (mention.label == "PERSON" and any(_is_called(doc, at) for at in places))


def _runs_on(span: Any) -> bool:
    """Whether the name goes on beside `span` ("Bank of America", "America First"), or is cried out ("Meh!")."""
    doc = span.doc
    before = doc[span.start - 1] if span.start else None
    after = doc[span.end] if span.end < len(doc) else None
    beside = [token for token in (before, after) if token is not None]
    cried = after is not None and after.text == "!" and len(span) == 1 and span.start == span.sent.start
    if before is not None and before.lower_ in _PART_OF and before.i:
        beside.append(before.nbor(-1))
    if after is not None and after.lower_ in _PART_OF and after.i + 1 < len(doc):
        beside.append(after.nbor())
    return cried or any(token.text in _MARKS or (token.pos_ == "PROPN" and token.text[0].isupper()) for token in beside)


def _is_called(doc: Any, place: Mention) -> bool:
    """Whether the one named at `place` is spoken to: "Hi Anna", "Anna, you are right.", "I agree, Anna." """
    before, after = doc.text[: place.start], doc.text[place.end :]
    if _GREETING.search(before):
        return True
    first = doc.char_span(place.start, place.end, alignment_mode="expand")[0]
    opens = first.is_sent_start or not before.rpartition("\n")[2].strip()
    closes = before.rstrip().endswith(",") and re.match(r"\s*(?:[!?.]|$)", after) is not None
    return closes or bool(opens and _BREAK.match(after))


def _of_context(mention: Mention, near: Sequence[Mention], taken: set[str], seed: str) -> str | None:
    """A name of the label and as many words from the context, drawn; None where there is none."""
    others = [
        other.text
        for other in near
        if other.label == mention.label
        and other.text.casefold() not in taken
        and len(other.text.split()) == len(mention.text.split())
        and (mention.label != "DATE" or _list_of("DATE", other.text) == _list_of("DATE", mention.text))
    ]
    return pick(others, seed, "near", mention.text) if others else None


def _of_list(doc: Any, mention: Mention, seed: str) -> str | None:
    """A name drawn from the list that holds this one, of its finer kind; None where none does: it may be anything.

    Of a first and a last name each is drawn for itself, the first of the same gender.
    """
    name, words = mention.text, mention.text.split()
    draw = partial(_drawn, seed=f"{seed} {name}")
    if mention.label == "PERSON":
        first = _list_of("FIRST", words[0])
        if len(words) == 2 and first:
            return f"{draw(first)} {draw('SURNAME')}"
        found = first or _list_of("SURNAME", name)
        return draw(found) if found and len(words) == 1 else None
    found = _list_of(mention.label, name)
    noun = next((noun for noun, adjective in _ADJECTIVES.items() if found in {noun, adjective}), None)
    root = doc.char_span(mention.start, mention.end, alignment_mode="expand").root
    if noun and root.dep_ in _ARGUMENTS and not list(root.lefts):
        return None  # "they read Russian" is the language
    if noun and (found != noun or root.dep_ == "amod"):
        return draw(noun, _ADJECTIVES[noun])
    return draw(found) if found else None


def _list_of(label: str, name: str) -> str | None:
    """The list of `label` that holds `name`."""
    return next((key for key, names in _lists().items() if key.startswith(label) and name.casefold() in names), None)


def _drawn(*keys: str, seed: str) -> str:
    """A name of the lists `keys`, the common ones more often; each draw is made from `seed`."""
    names = [name for key in keys for name in _lists()[key].values()]
    weights = [
        1.0 if key.startswith("DATE") else 1 / (place + _FLATTENING)
        for key in keys
        for place in range(1, len(_lists()[key]) + 1)
    ]
    sums = list(accumulate(weights))
    return names[bisect(sums, fraction(seed, *keys) * sums[-1])]


@cache
def _lists() -> dict[str, dict[str, str]]:
    """The names of each list by their case-folded form, in order."""
    with (files("pairgen.negatives") / "entities.toml").open("rb") as stream:
        return {key: {name.casefold(): name for name in names} for key, names in tomllib.load(stream).items()}
