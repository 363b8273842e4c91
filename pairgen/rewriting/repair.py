"""Mending a sentence after an edit: spaces, punctuation, articles, doubled words, the capital at its start."""

import re

_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"\(\s*\)|\[\s*\]|\"\s*\"|“\s*”", ""),  # brackets and quotes around nothing
        (r"[ \t]{2,}", " "),
        (r"(?<=\n)[ \t]+(?=\S)", ""),
        (r"(?<=\w)[ \t]+(?=[,;:.!?](?:\s|$))", ""),  # a space before punctuation
        (r"([,;:])(?:\s*[,;:])+", r"\1"),  # doubled commas
        (r"[,;:]\s*([.!?])", r"\1"),  # a comma before a full stop
        (r"\s*,\s*$", ""),  # a comma at the end
        (r"(^|[.!?]\s+|\n)[ \t]*[,;:.\-–—]+\s*", r"\1"),  # punctuation that opens a sentence
        (r"^[ \t]*[!?]+\s*(?=\w)", ""),
        (r"\bthis (things|people|women|men|girls|guys)\b", r"these \1"),
        (r"\bthat (things|people|women|men|girls|guys)\b", r"those \1"),
        (r"(^|[.!?,;]\s+|\b(?:that|if|when|why|how|because|and|but|so) )i is\b", r"\1i am"),
        (r"(^|[.!?,;]\s+|\b(?:that|if|when|why|how|because|and|but|so) )(you|we|they) is\b", r"\1\2 are"),
        (r"(^|[.!?,;]\s+|\b(?:that|if|when|why|how|because|and|but|so) )(you|we|they) was\b", r"\1\2 were"),
        (r"([\"“(\[])\s+", r"\1"),
        (r"\b(a|an|the|of|to|and|is|are|in|you|i|unwise|unkind|poor|bad|untrue|dishonest|unreasonable)\s+\1\b", r"\1"),
        (r"\b([a-z][\w-]{5,})\s+\1\b", r"\1"),
        (r"\b(?:a|an)\s+(the|my|your|his|her|our|their)\b", r"\1"),
        (r"\s+(?:and|or|but)\s*([.!?]|$)", r"\1"),  # a conjunction with nothing after it
        (r",\s*(?:and|or)\s*([.!?]|$)", r"\1"),
    )
)
_EMPTY_SLOT = re.compile(
    r"\b(?:a|an|the|my|your|our|such|very|\w+'re|is a|like|of|for|to|with|by|is|am|are|was|were|be|been)"
    r"\s*(?:[.,;:!?)\"”]|$)",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"\b(a|an)(\s+)(?=(\w))", re.IGNORECASE)
_VOWEL_SOUND = re.compile(
    r"(?:[aei]|o(?!ne\b|nce\b)|u(?!ni(?!n|m)|s[eiua]|tili|r[aio]|k)|honest|hour|heir|honou?r)", re.IGNORECASE
)


def repair(text: str, *, like: str) -> str:
    """`text` mended; what already stands in `like`, the text before the edit, is its writer's own way and stays.

    A rule is applied only where the fault was not in `like`: a text written with spaces before its punctuation, or all
    in lower case, stays so.
    """
    for pattern, replacement in _RULES:
        if not pattern.search(like):
            text = pattern.sub(replacement, text)
    text = _articles(text, like)
    text = text.strip()
    if like.strip()[:1].isupper() and text[:1].islower():
        text = text[:1].upper() + text[1:]
    return _capitals(text, like)


def broken(text: str, *, like: str) -> bool:
    """Whether `text` has an empty slot that `like` has not: an article or "you're" with nothing after it."""
    return len(_EMPTY_SLOT.findall(text)) > len(_EMPTY_SLOT.findall(like))


def _articles(text: str, like: str) -> str:
    known = set(re.findall(r"\ban?\s+\w+", like, re.IGNORECASE))

    def choose(found: re.Match[str]) -> str:
        following = text[found.end() :]
        if re.match(r"\w+", following) and found.group() + re.match(r"\w+", following).group() in known:  # type: ignore[union-attr]
            return found.group()
        article = "an" if _VOWEL_SOUND.match(following) else "a"
        if re.match(r"[A-Z]{2}", following) and found.group(1) != "a":
            article = article.upper()
        elif found.group(1)[0].isupper():
            article = article.capitalize()
        return article + found.group(2)

    return _ARTICLE.sub(choose, text)


def _capitals(text: str, like: str) -> str:
    """A capital after each full stop, where `like` never starts a sentence without one."""
    starts = re.findall(r"[.!?]\s+(\w)", like)
    if any(letter.islower() for letter in starts) or like.strip()[:1].islower():
        return text
    return re.sub(r"([.!?]\s+)([a-z])", lambda found: found.group(1) + found.group(2).upper(), text)
