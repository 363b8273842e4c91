"""The sense lexicon: expressions that carry toxicity, and neutral forms that carry the same sense.

`lexicon.csv` is ours: expression (a lemma, or several words), part of speech, sense, strength (strong = abusive in
nearly every use, plain = only in some), and neutral forms, best first, `-` where the expression may simply go. Every
inflected surface form of an expression leads to its neutral forms in the same inflection.
"""

import csv
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from lemminflect import getInflection

DELETE = "-"
_MASS_NOUNS = {"behavior", "junk", "judgment", "nonsense", "quality", "rubbish", "stuff", "thought", "waste", "work"}
_IRREGULAR = {("person", "NNS"): "people"}
_TAGS = {
    "noun": ("NN", "NNS"),
    "verb": ("VB", "VBZ", "VBD", "VBN", "VBG"),
    "adj": ("JJ", "JJR", "JJS"),
}


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
                neutral = tuple(DELETE if word == DELETE else inflect(word, row["pos"], tag) for word in alternatives)
                sense = Sense(row["pos"], tag, row["sense"], row["strength"] == "strong", neutral)
                if sense not in found[tuple(surface.split())]:
                    found[tuple(surface.split())].append(sense)
    return {surface: tuple(entries) for surface, entries in found.items()}


@cache
def longest() -> int:
    """Words in the longest surface form."""
    return max(map(len, senses()))


def inflect(expression: str, pos: str, tag: str) -> str:
    """`expression` in the form that the Penn `tag` names: a noun by its last word, a verb or adjective by its first."""
    if tag in {"NN", "VB", "JJ"} or pos not in _TAGS:
        return expression
    words = expression.split()
    place = len(words) - 1 if pos == "noun" else 0
    if words[place] in _MASS_NOUNS:
        return expression
    if pos == "adj":
        regular = getInflection(words[0], tag, inflect_oov=False) if len(words) == 1 else ()
        return regular[0] if regular else f"{'more' if tag == 'JJR' else 'most'} {expression}"
    irregular = _IRREGULAR.get((words[place], tag))
    words[place] = irregular or (getInflection(words[place], tag, inflect_oov=True) or (words[place],))[0]
    return " ".join(words)
