"""`swap_ent`: one or two named entities replaced by others of the same label (CLIFF: Cao & Wang 2021, section 3.1).

The other stands in the context, or else in `entities.toml`, a fixed list of ours: never elsewhere in the corpus, so
that one more comment changes no other set.
"""

import re
import tomllib
from collections.abc import Sequence
from functools import cache, partial
from importlib.resources import files
from typing import Any

from pairgen.digests import fraction, pick
from pairgen.extraction import Mention, entities
from pairgen.negatives.change import Negative, Replacement, article_fits, case_like, change

_SHARE_OF_TWO = 0.3
_UNSOUND = re.compile(r"['’]|\bv\.|\b[A-Z]{2,5}s?\b")  # a possessive, the title of a case, an acronym
_MARKS = {"=", "[", "]", "-", "#"}
_THE_BEFORE = re.compile(r"\bthe\s+$", re.IGNORECASE)


def swap_ent(doc: Any, context: Any, *, seed: str) -> Negative | None:
    """The text of `doc` with one or two entities swapped, at all their places; None where it has none to swap.

    `doc` and `context` are spaCy documents; every draw is made from `seed`, a digest. Case and number are kept.
    """
    there = {mention.text.casefold() for mention in entities(doc)}
    names = sorted({mention.text: mention for mention in entities(doc) if can_be_swapped(doc, mention)}.items())
    names.sort(key=lambda named: fraction(seed, "order", named[0]))
    count = 2 if len(names) > 1 and fraction(seed, "count") < _SHARE_OF_TWO else 1
    replacements: list[Replacement] = []
    swapped = 0
    for name, mention in names:
        others = [other for other in _others(mention, entities(context)) if other.casefold() not in there]
        places = [found for found in entities(doc) if found.text == name]
        others = [other for other in map(partial(_bare, doc.text, places[0].start, mention.label), others) if other]
        others = [other for other in others if all(article_fits(doc.text, found.start, other) for found in places)]
        if others:
            other = pick(_of_one_side(others, name, seed), seed, "other", name)
            there.add(other.casefold())
            replacements += [Replacement(found.start, found.end, case_like(other, name)) for found in places]
            swapped += 1
        if swapped == count:
            break
    return change(doc.text, replacements) if replacements else None


def can_be_swapped(doc: Any, mention: Mention) -> bool:
    """Whether a mention is a name beyond doubt, and stands in the text in no other form ("Obama", "Michelle Obama").

    Acronyms are left: nothing in the lists has their form. So are names that the tagger takes for another kind of word.
    """
    span = doc.char_span(mention.start, mention.end, alignment_mode="expand")
    whole = len(re.findall(rf"\b{re.escape(mention.text)}", doc.text, re.IGNORECASE))
    same = sum(other.text == mention.text for other in entities(doc))
    sound = mention.text.isprintable() and not _UNSOUND.search(mention.text)
    last = mention.text.split()[-1]  # "Joe Acosta", later "Acosta" alone
    sound = sound and len(re.findall(rf"\b{re.escape(last)}\b", doc.text, re.IGNORECASE)) == same
    sound = sound and not any(token.pos_ == "INTJ" for token in span) and not _runs_on(span)
    named = mention.label == "DATE" or span.root.pos_ == "PROPN" or mention.label == "NORP"
    return sound and named and whole == same


def _runs_on(span: Any) -> bool:
    """Whether the name goes on beside `span`, or stands in markup, or is cried out ("Meh!")."""
    doc = span.doc
    before = doc[span.start - 1] if span.start else None
    after = doc[span.end] if span.end < len(doc) else None
    beside = [token for token in (before, after) if token is not None]
    cried = after is not None and after.text == "!" and len(span) == 1 and span.start == span.sent.start
    return cried or any(token.text in _MARKS or (token.pos_ == "PROPN" and token.text[0].isupper()) for token in beside)


def _of_one_side(others: Sequence[str], name: str, seed: str) -> Sequence[str]:
    """Those of `others` that are no longer than `name`, or no shorter: which, is drawn, so that length tells little."""
    longer = fraction(seed, "longer", name) < 0.5
    return [other for other in others if (len(other) >= len(name) if longer else len(other) <= len(name))] or others


def _bare(text: str, start: int, label: str, other: str) -> str | None:
    """`other` as it fits behind what stands before `start`: behind "the", a name that takes one, without its own."""
    if not _THE_BEFORE.search(text[:start]):
        return other
    return other.removeprefix("the ") if other.startswith("the ") or label in {"NORP", "DATE"} else None


def _others(mention: Mention, context: Sequence[Mention]) -> list[str]:
    """Entities that may stand for `mention`: those of its label in the context, or else those of its list."""
    listed = _lists()
    members = _list_of(mention)
    known = {name.casefold() for name in listed.get(members or "", [])}
    near = [
        other.text
        for other in context
        if other.label == mention.label
        and len(other.text.split()) == len(mention.text.split())
        and (mention.label != "DATE" or other.text.casefold() in known)
    ]
    near = [name for name in near if name.casefold() != mention.text.casefold()]
    if not near and mention.label == "PERSON" and members is None:  # whether a man or a woman the first name tells
        return [f"{mention.text.rsplit(' ', 1)[0]} {surname}" for surname in listed["SURNAME"]]
    return near or [name for name in listed.get(members or "", []) if name.casefold() != mention.text.casefold()]


def _list_of(mention: Mention) -> str | None:
    """The list that holds what may stand for `mention`: the finer kind of its label that the name itself tells."""
    listed, name = _lists(), mention.text.casefold()
    finer = [key for key, names in listed.items() if name in {other.casefold() for other in names}]
    if mention.label == "PERSON":
        words = name.split()
        given = {gender: {other.casefold() for other in listed[f"FIRST_{gender}"]} for gender in ("MALE", "FEMALE")}
        gender = next((gender for gender, firsts in given.items() if words[0] in firsts), None)
        if len(words) > 1:
            return f"PERSON_{gender}" if gender else None
        return next((key for key in finer if key.startswith("FIRST")), "SURNAME")
    wanted = ("MONTH", "WEEKDAY") if mention.label == "DATE" else mention.label
    return next((key for key in finer if key.startswith(wanted)), None)  # what is in no list may be anything


@cache
def _lists() -> dict[str, list[str]]:
    with (files("pairgen.negatives") / "entities.toml").open("rb") as stream:
        return tomllib.load(stream)
