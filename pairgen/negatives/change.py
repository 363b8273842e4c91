"""What every kind of negative is made of: replacements at characters of a text, put in from left to right."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_ARTICLE_BEFORE = re.compile(r"\b(a|an)\s+$", re.IGNORECASE)


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
