"""Identity terms, and texts with them taken out: naming an identity alone must never make a text toxic."""

import csv
import re
from functools import cache
from importlib.resources import files


@cache
def identity_terms() -> dict[str, tuple[str, str]]:
    """Term -> (a neutral word for its place, the group it names), lower-case, from `identity_terms.csv`."""
    with (files("pairgen") / "identity_terms.csv").open(encoding="utf-8") as stream:
        return {row["term"].casefold(): (row["neutral"], row["group"]) for row in csv.DictReader(stream)}


@cache
def _pattern() -> re.Pattern[str]:
    longest_first = sorted(identity_terms(), key=lambda term: (-len(term), term))
    return re.compile(r"\b(?:" + "|".join(map(re.escape, longest_first)) + r")\b", re.IGNORECASE)


def mentions(text: str) -> list[str]:
    """The identity terms in `text`, lower-case, in order."""
    return [found.casefold() for found in _pattern().findall(text)]


def mention_spans(text: str) -> list[tuple[int, int]]:
    """Characters [start, end) of the identity terms in `text`, in order."""
    return [found.span() for found in _pattern().finditer(text)]


def neutralise(text: str) -> str:
    """`text` with each identity term replaced by a neutral word, to be scored again."""
    return _pattern().sub(lambda found: identity_terms()[found.group().casefold()][0], text)
