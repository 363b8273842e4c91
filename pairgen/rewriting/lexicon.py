"""The sense lexicon: expressions that carry toxicity, and neutral forms that carry the same sense.

`lexicon.csv` is ours: expression (a lemma, or several words), part of speech, sense, strength (strong = abusive in
nearly every use, plain = only in some, or of sense `misheard` in none, though scorers hear it; a sense `animal` only
where it is said of somebody), and neutral forms, best
first: `-` where the expression may simply go, `<so` where "so" stands before the word that precedes it ("tired as ..."
gives "so tired"), `~poor` what only a thing can be ("a stupid phone" is poor, a stupid man is not). Every inflected
surface form of an expression leads to its neutral forms in the same inflection; threats have no past, where "killed"
tells what happened, and orders have no form but their own.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from lemminflect import getInflection, getLemma

DELETE = "-"
BEFORE = "<"
THING = "~"
MISHEARD = "misheard"
ANIMAL = "animal"
_NO_PLURAL = {"anything", "everything", "it", "self", "something", "that"}
_MASS_NOUNS = {
    "ability",
    "awareness",
    "behavior",
    "consistency",
    "dishonesty",
    "flattery",
    "inactivity",
    "indecency",
    "insincerity",
    "judgment",
    "junk",
    "narrow-mindedness",
    "nonsense",
    "preachiness",
    "quality",
    "rubbish",
    "self-righteousness",
    "stuff",
    "thought",
    "timidity",
    "unattractiveness",
    "unkindness",
    "unpleasantness",
    "waste",
    "work",
}
_IRREGULAR = {("letdown", "NNS"): "letdowns", ("people", "NNS"): "people", ("person", "NNS"): "people"}
_DEGREES = {"not", "really", "too", "very"}
_TAGS = {
    "noun": ("NN", "NNS"),
    "verb": ("VB", "VBZ", "VBD", "VBN", "VBG"),
    "adj": ("JJ", "JJR", "JJS"),
}

_TOLD = {"order": ("VBZ", "VBD", "VBN", "VBG"), "threat_verb": ("VBD", "VBN")}  # forms that only tell what happened


@dataclass(frozen=True)
class Sense:
    """What one surface form may stand for: part of speech, sense, and neutral forms inflected alike, best first."""

    pos: str
    tag: str
    sense: str
    strong: bool
    neutral: tuple[str, ...]


@cache
def senses() -> dict[tuple[str, ...], tuple[Sense, ...]]:
    """Lower-case surface form, a tuple of its words -> its senses, in the order of the file."""
    found: dict[tuple[str, ...], list[Sense]] = defaultdict(list)
    with (files("pairgen.rewriting") / "lexicon.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            alternatives = row["neutral"].split("|")
            for tag in _TAGS.get(row["pos"], (row["pos"],)):
                surface = inflect(row["expression"], row["pos"], tag)
                if tag in _TOLD.get(row["sense"], ()) or (tag == "NNS" and surface == row["expression"]):
                    continue
                neutral = tuple(_forms(alternatives, row["pos"], tag))
                sense = Sense(row["pos"], tag, row["sense"], row["strength"] == "strong", neutral)
                if sense not in found[tuple(surface.split())]:
                    found[tuple(surface.split())].append(sense)
    return {surface: tuple(entries) for surface, entries in found.items()}


def _forms(alternatives: Sequence[str], pos: str, tag: str) -> Iterator[str]:
    for word in alternatives:
        if word == DELETE:
            yield word
        elif tag != "NNS" or not (word in _NO_PLURAL or word.startswith(("a ", "an "))):
            plain = word.removeprefix(THING)
            yield word[: len(word) - len(plain)] + inflect(plain, pos, tag)


@cache
def longest() -> int:
    """Words in the longest surface form."""
    return max(map(len, senses()))


def inflect(expression: str, pos: str, tag: str) -> str:
    """`expression` in the form that the Penn `tag` names: a noun by its last word or the one before "of", a verb by
    its first, past -ly."""
    if tag in {"NN", "VB", "JJ"} or pos not in _TAGS:
        return expression
    words = expression.split()
    if pos == "adj":
        return _compared(words, tag)
    after_adverb = pos == "verb" and len(words) > 1 and words[0].endswith("ly")
    place = (words.index("of") if "of" in words[1:] else len(words)) - 1 if pos == "noun" else int(after_adverb)
    if pos == "noun" and words[place] in _MASS_NOUNS:
        return expression
    if pos == "noun" and getLemma(words[place], "NOUN")[0] != words[place]:
        return expression  # a plural already
    irregular = _IRREGULAR.get((words[place], tag))
    words[place] = irregular or (getInflection(words[place], tag, inflect_oov=True) or (words[place],))[0]
    return " ".join(words)


def _compared(words: list[str], tag: str) -> str:
    """An adjective in the comparative or superlative; "very bad" has "worse", "not very bright" has "less bright"."""
    negated, core = len(words) > 1 and words[0] == "not", words
    while len(core) > 1 and core[0] in _DEGREES:
        core = core[1:]
    if negated:
        return " ".join(["less" if tag == "JJR" else "least", *core])
    regular = getInflection(core[0], tag, inflect_oov=False) if len(core) == 1 else ()
    return regular[0] if regular else " ".join(["more" if tag == "JJR" else "most", *core])
