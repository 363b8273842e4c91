"""Candidates for a rewrite: each carrier replaced by a neutral form of its sense, or deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pairgen.rewriting.lexicon import DELETE, Sense, senses
from pairgen.rewriting.locate import Carrier
from pairgen.rewriting.repair import broken, repair

_POS = {
    "noun": {"NOUN", "PROPN"},
    "adj": {"ADJ"},
    "verb": {"VERB", "AUX"},
    "adv": {"ADV"},
    "interj": {"INTJ"},
    "phrase": set(),
}
_LOOSE = {
    "advmod",
    "amod",
    "appos",
    "compound",
    "det",
    "discourse",
    "dep",
    "intj",
    "neg",
    "npadvmod",
    "predet",
    "punct",
    "vocative",
}
_OPTIONS = 4
_CANDIDATES = 24


@dataclass(frozen=True)
class Candidate:
    """A text with its carriers replaced or deleted, and what was done: delete | substitute | mixed."""

    text: str
    strategy: str


def propose(doc: Any, carriers: Sequence[Carrier]) -> list[Candidate]:
    """Up to 24 candidates for the text of the spaCy `doc`, without repeats, the preferred forms of each carrier first.

    Beside the preferred form of all, and the deletion of all, each further form of each carrier is tried alone.
    """
    text = doc.text
    options = [_options(doc, carrier) for carrier in carriers]
    first = tuple(choices[0] for choices in options)
    deleted = tuple(
        _deletion(doc, carrier) if _is_loose(doc, carrier) else choices[0]
        for carrier, choices in zip(carriers, options, strict=True)
    )
    plans = [first, deleted]
    for place, choices in enumerate(options):
        for choice in choices[1:]:
            plans.append((*first[:place], choice, *first[place + 1 :]))
        plans.append((*deleted[:place], choices[0], *deleted[place + 1 :]))
        if len(choices) > 1:
            plans.append((*deleted[:place], choices[1], *deleted[place + 1 :]))
    found: dict[str, Candidate] = {}
    for plan in plans:
        edited = repair(_apply(text, plan), like=text)
        kinds = {"delete" if not replacement else "substitute" for _, _, replacement in plan}
        found.setdefault(edited, Candidate(edited, kinds.pop() if len(kinds) == 1 else "mixed"))
    found.pop(text, None)
    sound = [found[edited] for edited in found if edited and not broken(edited, like=text)]
    return sound[:_CANDIDATES]


Edit = tuple[int, int, str]


def _options(doc: Any, carrier: Carrier) -> list[Edit]:
    """What may stand in the place of `carrier`: neutral forms for its part of speech in the parse, or nothing."""
    span = doc.char_span(carrier.start, carrier.end, alignment_mode="expand")
    fitting = [sense for sense in carrier.senses if _fits(sense, span, carrier.senses)] or list(carrier.senses)
    edits: list[Edit] = []
    for rank in range(_OPTIONS):
        for sense in fitting:
            if rank < len(sense.neutral):
                word = sense.neutral[rank]
                edit = (
                    _deletion(doc, carrier)
                    if word == DELETE
                    else (carrier.start, carrier.end, _cased(word, doc, carrier))
                )
                if edit not in edits:
                    edits.append(edit)
    return edits[:_OPTIONS] or [_deletion(doc, carrier)]


def _fits(sense: Sense, span: Any, carrier_senses: Sequence[Sense]) -> bool:
    """Whether `sense` is the part of speech that the parse gives `span`.

    What may be an intensifier is one exactly where a word follows that it can stress, whatever the parse says of it.
    """
    head = span.root
    if sense.pos == "phrase":
        return True
    stresses = _stands_before_a_word(span) and any(each.sense == "intensifier" for each in carrier_senses)
    if stresses or sense.sense == "intensifier":
        return stresses and sense.sense == "intensifier"
    if sense.pos == "interj":
        return head.pos_ == "INTJ" or head.dep_ in {"intj", "ROOT"}
    if sense.pos == "verb" and sense.tag == "VB":
        return head.pos_ in _POS["verb"] and head.tag_ in {"VB", "VBP"}
    if sense.pos in {"noun", "adj"} and _is_bare(head) and {"noun", "adj"} <= {each.pos for each in carrier_senses}:
        return sense.pos == "adj"
    return head.pos_ in _POS[sense.pos]


def _is_bare(head: Any) -> bool:
    """Whether a singular noun has nothing that a noun for a person needs, so that it is an adjective misread."""
    addressed = any(token.lower_ in {"you", "u", "ya"} for token in head.doc[max(0, head.i - 3) : head.i])
    marked = addressed or any(child.dep_ in {"det", "poss", "nummod"} or _describes(child) for child in head.lefts)
    return head.tag_ in {"NN", "NNP"} and not marked


def _describes(child: Any) -> bool:
    """Whether `child` is an adjective before its noun, and none that only stresses."""
    return child.dep_ == "amod" and not any(each.sense == "intensifier" for each in senses().get((child.lower_,), ()))


def _stands_before_a_word(span: Any) -> bool:
    if span.end >= len(span.doc):
        return False
    return span.doc[span.end].pos_ in {"ADJ", "ADV", "NOUN", "NUM", "PROPN", "VERB"}


def _deletion(doc: Any, carrier: Carrier) -> Edit:
    """`carrier` taken out with what stands only for it: the article and adjectives of a noun, "you" of "you idiot"."""
    span = doc.char_span(carrier.start, carrier.end, alignment_mode="expand")
    head, start, end = span.root, carrier.start, carrier.end
    outside = head.dep_ not in _LOOSE and head.pos_ in {"NOUN", "PROPN"}
    before = span.start - 1
    if head.pos_ in {"NOUN", "PROPN"} and before >= 0 and doc[before].lower_ == "you" and _closes(doc, span.end):
        start = doc[before].idx
    elif head.dep_ in {"appos", "npadvmod", "vocative", "intj"} or (outside and head.dep_ == "ROOT"):
        while before >= 0 and doc[before].head == head and doc[before].dep_ in {"det", "amod", "poss", "compound"}:
            start = doc[before].idx
            before -= 1
    return (start, end, "")


def _is_loose(doc: Any, carrier: Carrier) -> bool:
    """Whether the sentence stands without `carrier`: a modifier, exclamation or address; not its subject or object."""
    span = doc.char_span(carrier.start, carrier.end, alignment_mode="expand")
    head = span.root
    if span.start and doc[span.start - 1].lower_ == "you" and _closes(doc, span.end):
        return True
    needed = {"acomp", "ROOT", "nsubj", "dobj"}
    return head.dep_ in _LOOSE or (head.pos_ in {"ADJ", "ADV", "INTJ"} and head.dep_ not in needed)


def _closes(doc: Any, place: int) -> bool:
    return place >= len(doc) or doc[place].is_punct or doc[place].is_space


def _cased(word: str, doc: Any, carrier: Carrier) -> str:
    """`word` as its place has it: in capitals in a text that shouts, with a capital at the start of a sentence."""
    written = doc.text[carrier.start : carrier.end]
    letters = [letter for letter in doc.text if letter.isalpha()]
    if written.isupper() and len(written) > 1 and sum(map(str.isupper, letters)) > 0.7 * len(letters):
        return word.upper()
    before = doc.text[: carrier.start].rstrip(" (")
    if written[:1].isupper() and (not before or before[-1] in ".!?\n\"'“‘"):
        return word[:1].upper() + word[1:]
    return word


def _apply(text: str, plan: Sequence[Edit]) -> str:
    made, place = [], 0
    for start, end, replacement in sorted(plan):
        if start < place:  # a deletion before it has taken more than its own carrier
            start = min(place, end)
        if not replacement and text[:start].endswith(" ") and text[end : end + 1] in {" ", ""}:
            start = max(place, start - 1)  # the space before what goes
        made += [text[place:start], replacement]
        place = max(place, end)
    return "".join([*made, text[place:]])
