"""The language and the script of a text, as far as letters and their sequences tell."""

import re
import unicodedata
from collections import Counter
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from pairgen.extraction import shielded

_CHARACTERS = 1_000
# A text is in another language where its own is less probable than this. Of 7,000 English comments no one is, in
# capitals neither, and every French, Russian or Chinese sentence of a line; "crème brûlée" is too short to tell, and
# one word six times over may be taken for another language.
_MIN_PROBABILITY = 1e-3
_SHORT_MIN_PROBABILITY = 1e-5
_SHORT_CHARACTERS = 20
# An insult of a few words is English to a thousandth: with a word of these, that has to be a hundredth. Of 30 French,
# German and Portuguese ones 23 are told, without it 13, and still none of 28,000 English texts.
_FOREIGN_MIN_PROBABILITY = 1e-2
_FOREIGN = re.compile(
    r"(?<!\w)(?:"
    r"et|une|ce|cette|tu|tes|vous|votre|nous|qui|que|dans|avec|pas|je|moi|toi"
    r"|du|bist|ein|eine|und|ist|nicht|der|dich|mich|mir|ich|doch|sie|wir|ihr|auf|für|wie|kein|nur|hier"
    r"|é|não|uma|você|vocês|seu|sua|isso|esse|ela|ele|são|à|foi|muito|mais"
    r")(?!\w)",
    re.IGNORECASE,
)


def languages() -> list[str]:
    """The languages that can be told from each other, as ISO 639-1 codes."""
    return sorted(name for name, _ in _identifier().rank(""))


def probabilities(text: str) -> dict[str, float]:
    """How probable each language is for `text`, by its first thousand characters; they sum to 1."""
    return dict(_identifier().rank(text[:_CHARACTERS]))


def is_in(text: str, language: str) -> bool:
    """False where `text`, but for links and the like, is almost surely in another language than `language`."""
    plain = shielded(text).replace("\0", "").strip()
    least = _MIN_PROBABILITY if len(plain) >= _SHORT_CHARACTERS else _SHORT_MIN_PROBABILITY
    if language == "en" and _FOREIGN.search(plain):
        least = _FOREIGN_MIN_PROBABILITY
    return not plain or probabilities(plain)[language] >= least


def script(text: str) -> str | None:
    """The script of most letters of `text`, as Unicode names it ("LATIN", "CJK"); None where it has no letters."""
    counts = Counter(unicodedata.name(letter, "").split(" ")[0] for letter in text if letter.isalpha())
    return counts.most_common(1)[0][0] if counts else None


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
