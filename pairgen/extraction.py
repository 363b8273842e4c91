"""Numbers, named entities, negations and roles in a text: what the negatives change and the filters hold in place.

And what stands in a text for a machine, such as a link, which nothing may change.
"""

import re
from dataclasses import dataclass
from typing import Any

# A number in digits with its sign of money or per cent, its thousands and decimals, as one piece; or a number word.
_UNIT = "st|nd|rd|th|k|m|bn|s|am|pm|km|cm|mm|ft|mph|kg|g|lbs?|gb|mb|x|p|h|hrs?|mins?|secs?|yrs?|yo"
_DIGITS = re.compile(rf"(?<![\w.])[$£€]?\d+(?:[.,:/]\d+)*(?:\s?%|(?:{_UNIT})?(?!\w))", re.IGNORECASE)
# fmt: off
NUMBER_WORDS = [
    "zero", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    "hundred", "thousand", "million", "billion",
]
# fmt: on
_WORDS = re.compile(r"\b(?:" + "|".join(NUMBER_WORDS) + r")\b", re.IGNORECASE)

ENTITY_LABELS = frozenset({"PERSON", "GPE", "ORG", "NORP", "LOC", "FAC", "PRODUCT", "EVENT", "LANGUAGE", "DATE"})
_DATE_NAMES = re.compile(
    r"\b(?:January|February|March|April|June|July|August|September|October|November|December|"
    r"Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)\b|"
    r"(?:(?<=\d )|(?<=\bin )|(?<=\bby )|(?<=\bof ))May\b|\bMay(?= \d)"  # else it is as often a verb
)

# "n't" in each of its spellings ("did n't", "don’t", "dont"), and the other words that turn a clause round.
_NEGATIONS = re.compile(
    r"n\s?['’`]\s?t(?!\w)|"
    r"(?<!\w)(?:not|never|no|none|nobody|nothing|nowhere|neither|nor|cannot|"
    r"(?:ai|are|ca|could|did|does|do|had|has|have|is|must|should|was|were|wo|would)nt)(?!\w)",
    re.IGNORECASE,
)

_PROTECTED = re.compile(
    r"(?s:```.+?```)|(?<![\w`])`[^`\n]+`(?![\w`])"  # code
    r"|</?[a-z][\w:-]*(?:\s+[\w:-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+))*\s*/?>|<!--.*?-->"  # markup
    r"|(?<![a-z])(?:(?:https?|ftp)://|www\.)[^\s<>\"]*[^\s<>\".,;:!?'’”()\[\]{}*_]"
    r"|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # an e-mail address
    r"|(?<![\w.@-])(?:[\w-]+\.)+(?:com|org|net|edu|gov|info|io|tv|co\.uk|de|fr|eu)(?:/[^\s<>\"]*[\w/]|\b)"
    r"|(?<![\w@])@(?!(?:ss|rse)(?:e?s|hole|holes|hat|hats)?\b)\w(?:[\w.-]*\w)?"  # "@sshole" is no name, but a spelling
    r"|(?<!\w)#\w[\w-]*",
    re.IGNORECASE,
)


_TRIM = re.compile(r"(?:the\s+)?(?P<name>.+?)(?:['’]s?)?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Mention:
    """A piece of a text: characters [start, end), its words, and the label (spaCy's, or NUMBER, NEGATION)."""

    start: int
    end: int
    text: str
    label: str


def numbers(text: str) -> list[Mention]:
    """Numbers, amounts, percentages, times and numeric dates in `text`, and number words from two on, in order.

    "one" is left out: it is a pronoun more often than a number. Letters mixed with digits ("f4ce", "b2b") are no
    number.
    """
    found = [*_DIGITS.finditer(text), *_WORDS.finditer(text)]
    return sorted((Mention(m.start(), m.end(), m.group(), "NUMBER") for m in found), key=lambda mention: mention.start)


def entities(doc: Any) -> list[Mention]:
    """Named entities of a spaCy `doc` that start with a capital and hold no digit, in order; of dates, months and days.

    An article before the name and a possessive behind it are left out: "the Ministry's" is "Ministry".
    """
    found = []
    for span in doc.ents:
        trimmed = _TRIM.fullmatch(span.text)
        if span.label_ in ENTITY_LABELS - {"DATE"} and trimmed and trimmed["name"][:1].isupper():
            start = span.start_char + trimmed.start("name")
            if not any(letter.isdigit() for letter in trimmed["name"]):
                found.append(Mention(start, start + len(trimmed["name"]), trimmed["name"], span.label_))
    taken = {place for mention in found for place in range(mention.start, mention.end)}
    dates = [
        Mention(match.start(), match.end(), match.group(), "DATE")
        for match in _DATE_NAMES.finditer(doc.text)
        if match.start() not in taken
    ]
    return sorted([*found, *dates], key=lambda mention: mention.start)


def protected_spans(text: str) -> list[tuple[int, int]]:
    """Characters [start, end) that no edit may touch, in order: links, e-mail addresses, @names, #tags, code, markup.

    Code stands between backticks; a tag of markup is one with or without attributes, not what stands between two tags.
    """
    return [found.span() for found in _PROTECTED.finditer(text)]


def protected_pieces(text: str) -> list[str]:
    """What stands at the `protected_spans` of `text`."""
    return [found.group() for found in _PROTECTED.finditer(text)]


def shielded(text: str) -> str:
    """`text` with what is protected made a word that is none, every other character at its place."""

    def cover(found: re.Match[str]) -> str:
        length = len(found.group())
        return " " + "\0" * (length - 2) + " " if length > 2 else "\0" * length

    return _PROTECTED.sub(cover, text)


def negations(text: str) -> list[Mention]:
    """Words that negate in `text`, in order: "not" in all its spellings, "never", "no", "nobody" and the like."""
    return [Mention(m.start(), m.end(), m.group(), "NEGATION") for m in _NEGATIONS.finditer(text)]


@dataclass(frozen=True)
class Roles:
    """Who does something to whom: spaCy tokens, the heads of what they stand for."""

    verb: Any
    agent: Any
    patient: Any
    passive: bool


def roles(doc: Any) -> list[Roles]:
    """Each transitive verb of a spaCy `doc` with its agent and patient, in order; a passive without "by" has none."""
    found = []
    for verb in doc:
        if not verb.tag_.startswith("VB"):
            continue
        parts = {child.dep_: child for child in verb.children}
        if "nsubj" in parts and "dobj" in parts:
            found.append(Roles(verb, parts["nsubj"], parts["dobj"], passive=False))
        elif "nsubjpass" in parts and "agent" in parts:
            by = [child for child in parts["agent"].children if child.dep_ == "pobj"]
            found += [Roles(verb, agent, parts["nsubjpass"], passive=True) for agent in by[:1]]
    return found


@dataclass(frozen=True)
class RoleFillers:
    """All that a verb has as agents and as patients: spaCy tokens, heads; either may be none."""

    verb: Any
    agents: list[Any]
    patients: list[Any]


def role_fillers(doc: Any) -> list[RoleFillers]:
    """Each verb of a spaCy `doc` but "be" with who acts and what is acted on, in order, all members of a list.

    The subject of a verb without an object is an agent too. "who", "which" and the like are left out.
    """
    found = []
    for verb in doc:
        if verb.tag_.startswith("VB") and verb.lemma_.lower() != "be":
            by = [child for part in verb.children if part.dep_ == "agent" for child in part.children]
            agents = [child for child in verb.children if child.dep_ == "nsubj"]
            agents += [child for child in by if child.dep_ == "pobj"]
            patients = [child for child in verb.children if child.dep_ in {"dobj", "nsubjpass"}]
            found.append(RoleFillers(verb, _listed(agents), _listed(patients)))
    return found


def _listed(heads: list[Any]) -> list[Any]:
    """`heads` with what is joined to them by "and" and the like, without words that ask or relate."""
    return [token for head in heads for token in (head, *head.conjuncts) if not token.tag_.startswith("W")]
