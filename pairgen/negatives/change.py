"""What every kind of negative is made of: replacements at characters of a text, put in from left to right."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_ARTICLE_BEFORE = re.compile(r"\b(a|an)\s+$", re.IGNORECASE)
_LEADING_WORDS = 3


class Replacement(NamedTuple):
    """`text` in the place of characters [start, end)."""

    start: int
    end: int
    text: str


class Negative(NamedTuple):
    """A changed text, and the characters of it that were put in: [{"start": , "end": }]."""

    text: str
    spans: list[dict[str, int]]


def change(text: str, replacements: Sequence[Replacement]) -> Negative:
    """`text` with every replacement in its place; they must not overlap."""
    made, spans, place, length = [], [], 0, 0
    for start, end, new in sorted(replacements):
        kept = text[place:start]
        made += [kept, new]
        length += len(kept)
        spans.append({"start": length, "end": length + len(new)})
        length += len(new)
        place = end
    return Negative("".join([*made, text[place:]]), spans)


def case_like(word: str, pattern: str) -> str:
    """`word` in the case of `pattern`: capitals for capitals, lower for lower, else as it is."""
    letters = [letter for letter in pattern if letter.isalpha()]
    if len(letters) > 3 and all(map(str.isupper, letters)):
        return word.upper()
    return word.lower() if letters and all(map(str.islower, letters)) else word


def article_fits(text: str, start: int, word: str) -> bool:
    """Whether `word` may stand at `start` behind the article that is there: "an" before a vowel, "a" before none."""
    found = _ARTICLE_BEFORE.search(text[:start])
    return found is None or (found.group(1).lower() == "an") == (
        word[:1].lower() in "aeio8" or word[:2] in {"11", "18"}
    )


class Gap(NamedTuple):
    """Characters [start, end) of a text that are masked: a language model is asked to go on behind `prompt`."""

    prompt: str
    start: int
    end: int


def gap(text: str, start: int, end: int) -> Gap | None:
    """The gap at a word of `text`; None where no space, or fewer than three words, stand before it to lead there."""
    before = text[:start]
    return Gap(before.rstrip(), start, end) if before.endswith(" ") and len(before.split()) >= _LEADING_WORDS else None
