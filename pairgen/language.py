"""The language and the script of a text, as far as letters and their sequences tell."""

import unicodedata
from collections import Counter
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

_CHARACTERS = 1_000


def languages() -> list[str]:
    """The languages that can be told from each other, as ISO 639-1 codes."""
    return sorted(name for name, _ in _identifier().rank(""))


def probabilities(text: str) -> dict[str, float]:
    """How probable each language is for `text`, by its first thousand characters; they sum to 1."""
    return dict(_identifier().rank(text[:_CHARACTERS]))


def script(text: str) -> str | None:
    """The script of most letters of `text`, as Unicode names it ("LATIN", "CJK"); None where it has no letters."""
    counts = Counter(unicodedata.name(letter, "").split(" ")[0] for letter in text if letter.isalpha())
    return counts.most_common(1)[0][0] if counts else None


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
