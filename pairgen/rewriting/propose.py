"""Candidates for a rewrite: each carrier replaced by a neutral form of its sense, or deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pairgen.extraction import protected_pieces, shielded
from pairgen.rewriting.grammar import address, closes, is_vocative, may_be_somebody, modifies, tells_what_it_is
from pairgen.rewriting.lexicon import BEFORE, DELETE, THING, Sense
from pairgen.rewriting.locate import Carrier, without
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
_OPTIONS = 12
_CANDIDATES = 24
_MISREAD = 0.75  # the weight of a sense whose part of speech the parse denies: it errs on short and informal texts
_UNLISTED = 0.95  # of a deletion that the lexicon does not offer, where the sentence stands without the word
_EMPTY = 0.5  # of "person", or nothing, for a word that says what somebody is: "he is a person" tells nothing
_BARE = {
    *("person", "people", "guy", "guys", "man", "men", "dude", "dudes", "woman", "women", "girl", "girls", "lady"),
    *("ladies", "one", "ones", "thing", "things"),
}
_ASKED = {"how", "what", "when", "where", "who", "whom", "whose", "why", "wtf"}
_AFTER_QUESTIONS = {"in the world", "on earth"}  # "who on earth", never "get me on earth out"
_AS_SUBJECT = {"me": "i", "him": "he", "her": "she", "them": "they", "us": "we"}
_DENIALS = {"aint", "cant", "didnt", "doesnt", "dont", "hasnt", "havent", "never", "t", "wont"}  # as they are written
_LAUGHS = {"ah", "aw", "awh", "aww", "haha", "hahaha", "lmao", "lmfao", "lol", "oh", "omg"}
_LATER = 0.94  # of each form after the first of its sense


@dataclass(frozen=True)
class Candidate:
    """A text with its carriers replaced or deleted, and what was done: delete | substitute | mixed.

    `weight` (0-1) says how well its forms fit: by the parse, and by their order in the lexicon.
    """

    text: str
    strategy: str
    weight: float = 1.0


class Edit(NamedTuple):
    """Characters [start, end) that become `replacement`, and how well that fits."""

    start: int
    end: int
    replacement: str
    weight: float


def propose(doc: Any, carriers: Sequence[Carrier]) -> list[Candidate]:
    """Up to 24 candidates for the text of the spaCy `doc`, without repeats, the best fitting first.

    Carriers are edited together, in the order of how well their forms fit (a beam: not all combinations). None where
    the text holds nothing but words that may go.
    """
    text = doc.text
    if says_nothing(text, carriers):
        return []
    kept = protected_pieces(text)
    plans: list[tuple[float, tuple[Edit, ...]]] = [(1.0, ())]
    for carrier in carriers:
        choices = _options(doc, carrier)
        plans = [(weight * choice.weight, (*plan, choice)) for weight, plan in plans for choice in choices]
        plans = sorted(plans, key=lambda found: -found[0])[: 2 * _CANDIDATES]
    found: dict[str, Candidate] = {}
    for weight, plan in plans:
        applied = [edit for edit in _applied(plan) if edit.replacement != text[edit.start : edit.end]]
        edited = repair(_apply(text, applied), like=text)
        kinds = {"substitute" if edit.replacement else "delete" for edit in applied}
        if kinds:
            found.setdefault(edited, Candidate(edited, kinds.pop() if len(kinds) == 1 else "mixed", weight))
    found.pop(text, None)
    sound = [
        found[edited]
        for edited in found
        if edited and not broken(edited, like=text) and protected_pieces(edited) == kept
    ]
    return sound[:_CANDIDATES]


def says_nothing(text: str, carriers: Sequence[Carrier]) -> bool:
    """Whether `text` holds nothing but carriers that may go: "idiot!!" says nothing that could be said otherwise."""
    bare = not any(letter.isalpha() for letter in without(shielded(text), carriers))
    return bare and all(any(DELETE in sense.neutral for sense in carrier.senses) for carrier in carriers)


def _options(doc: Any, carrier: Carrier) -> list[Edit]:
    """What may stand in the place of `carrier`: neutral forms of its senses, or nothing; the best fitting first."""
    span = doc.char_span(carrier.start, carrier.end, alignment_mode="expand")
    fitting = {sense for sense in carrier.senses if _fits(sense, span, carrier.senses)} or set(carrier.senses)
    possible = [sense for sense in carrier.senses if _possible(sense, span, carrier.senses)] or carrier.senses
    deletion, personal = _deletion(doc, carrier), may_be_somebody(span)
    stresses = any(sense.sense == "intensifier" for sense in carrier.senses) and _stressed(span) is not None
    holds = stresses or not _leaves_a_hole(span, deletion)
    edits: dict[tuple[int, int, str], float] = {}
    for sense in possible:
        for rank, form in enumerate(form for form in sense.neutral if not (personal and form.startswith(THING))):
            word = form.removeprefix(THING)
            if sense.pos == "verb" and " " in word and modifies(span):
                continue  # "a lying man" is dishonest, not "saying untrue things man"
            if sense.sense == "body" and sense.pos == "phrase":
                word = _as_subject(word, span)
            if sense.pos == "verb" and word.startswith("be "):
                word = _conjugated(word, span.root)
            edit = _edit(word, doc, carrier) if word else None
            if edit is not None and (word != DELETE or holds):
                weight = (1.0 if sense in fitting else _MISREAD) * _LATER**rank
                if sense.sense != "intensifier" and _empties(word, span):
                    weight *= _EMPTY
                if sense.sense == "thing_scatological" and sense.pos == "noun" and _is_denied(span):
                    weight = 1.0 if word == "anything" else weight * _MISREAD
                edits[edit] = max(weight, edits.get(edit, 0.0))
    phrase = carrier.senses and all(sense.pos == "phrase" for sense in carrier.senses)  # its forms say if it may go
    if not phrase and holds and not tells_what_it_is(span) and _is_loose(doc, carrier):
        edits[deletion] = max(_UNLISTED, edits.get(deletion, 0.0))
    elif not carrier.senses:  # a word of which nothing is known, and that cannot go: it stays
        return [Edit(carrier.start, carrier.end, doc.text[carrier.start : carrier.end], 1.0)]
    ranked = sorted(edits.items(), key=lambda found: -found[1])[:_OPTIONS]
    return [Edit(*edit, weight) for edit, weight in ranked] or [Edit(*deletion, 1.0)]


def _as_subject(word: str, span: Any) -> str:
    """The pronoun `word` in the place of `span`: "i" for "me" before a finite verb; empty where it cannot stand."""
    opens, verb = span.start == span.sent.start, span.root.head
    if not (opens or span.root.dep_ in {"nsubj", "nsubjpass"}):
        return word
    if word.endswith(("self", "selves")) and " " not in word:
        return ""
    finite = [each for each in (verb, *verb.children) if each.tag_ in {"MD", "VBD", "VBP", "VBZ"}]
    if word not in {*_AS_SUBJECT, "you"}:
        return word
    if not finite:
        return "" if opens else word  # "i want her to go"
    agrees = word in {"him", "her"} or finite[0].tag_ in {"MD", "VBD"} or finite[0].lemma_ == "be"
    return _AS_SUBJECT.get(word, word) if agrees else ""


def _conjugated(word: str, verb: Any) -> str:
    """ "be bad" in the place of `verb`: "they are bad", "i am bad", but "it may be bad"."""
    subjects = [child.lower_ for child in verb.children if child.dep_ == "nsubj"]
    caused = verb.dep_ in {"ccomp", "xcomp"} and verb.tag_ == "VB"  # "let them be"
    alone = subjects and not caused and not any(child.dep_ == "aux" for child in verb.children)
    if verb.tag_ != "VBP" and not (alone and verb.tag_ == "VB"):
        return word
    one = any(child.dep_ == "nsubj" and child.tag_ in {"NN", "NNP"} for child in verb.children)
    return ("am" if subjects == ["i"] else "is" if one else "are") + word.removeprefix("be")


def _is_denied(span: Any) -> bool:
    """Whether `span`, with nothing before it, is what a negation leaves nothing of: "they did not do ..."."""
    before = list(span.doc[max(0, span.start - 5) : span.start])
    bare = not any(left.i < span.start for left in span.root.lefts)
    return (
        bare
        and bool(before)
        and before[-1].pos_ in {"VERB", "AUX"}
        and any(token.dep_ == "neg" or token.lower_ in _DENIALS for token in before)
    )


def _empties(word: str, span: Any) -> bool:
    """Whether `word` in the place of `span` leaves nothing said: "he is a person", "we got a person at the helm"."""
    if address(span) is not None or is_vocative(span) or _is_fragment(span):
        return word in _BARE
    some = any(child.lower_ in {"a", "an", "some", "such"} for child in span.root.children)
    return (some and word in _BARE) or (tells_what_it_is(span) and word in {DELETE, *_BARE})


def _edit(word: str, doc: Any, carrier: Carrier) -> tuple[int, int, str] | None:
    """The edit that puts `word` in the place of `carrier`; None where it wants an adjective before it and has none."""
    if word == DELETE:
        return _deletion(doc, carrier)
    span = doc.char_span(carrier.start, carrier.end, alignment_mode="expand")
    described = doc[span.start - 1] if span.start else None
    if not word.startswith(BEFORE):
        if word.startswith(("a ", "an ")) and (modifies(span) or any(left.i < span.start for left in span.root.lefts)):
            return None  # "its socialist a lie"
        if word in _AFTER_QUESTIONS and (described is None or described.lower_ not in _ASKED):
            return None
        return carrier.start, carrier.end, _cased(word, doc, carrier)
    if described is None or described.pos_ not in {"ADJ", "ADV"}:
        return None
    return described.idx, carrier.end, f"{word.removeprefix(BEFORE)} {described.text}"


def _fits(sense: Sense, span: Any, carrier_senses: Sequence[Sense]) -> bool:
    """Whether `sense` is the part of speech that the parse gives `span`.

    What may be an intensifier is one exactly where a word follows that it can stress, whatever the parse says of it:
    an adjective before a noun, an adverb before the rest.
    """
    head = span.root
    if sense.pos == "phrase":
        return True
    stressed = _stressed(span) if any(each.sense == "intensifier" for each in carrier_senses) else None
    if stressed or (sense.sense == "intensifier" and sense.pos != "noun"):
        return sense.sense == "intensifier" and sense.pos == stressed
    if sense.pos == "interj" or any(each.pos == "interj" for each in carrier_senses):
        exclaimed = _stands_alone(span)
        if exclaimed or sense.pos == "interj":
            return exclaimed and sense.pos == "interj"
    if sense.pos == "verb":
        return head.pos_ in _POS["verb"] and (head.tag_ == sense.tag or (sense.tag, head.tag_) == ("VB", "VBP"))
    both = {"noun", "adj"} <= {each.pos for each in carrier_senses}
    if both and sense.pos in {"noun", "adj"} and (modifies(span) or _is_bare(head)):
        return sense.pos == "adj"
    return head.pos_ in _POS[sense.pos]


def _possible(sense: Sense, span: Any, carrier_senses: Sequence[Sense]) -> bool:
    """False for what cannot stand there: a verb or an exclamation behind an article, a possessive or an adjective that
    waits for a noun; an adjective where a noun is waited for; either for what the reader is called, or a verb before
    an adjective that it could stress."""
    nouns = any(each.pos == "noun" for each in carrier_senses)
    described = any(left.i < span.start and left.dep_ in {"amod", "det", "poss"} for left in span.root.lefts)
    called = nouns and (address(span) is not None or is_vocative(span))
    if any(each.sense == "order" for each in carrier_senses) and _has_object(span):
        return sense.sense == "order"
    if nouns and any(each.pos == "adj" for each in carrier_senses) and _tells_degree(span):
        return sense.pos == "adj"
    if sense.pos == "adj":
        return not (called or (nouns and _stands_as_noun(span)))
    if sense.pos == "verb":
        stresses = any(each.sense == "intensifier" for each in carrier_senses) and _stressed(span) == "adv"
        head, whose = span.root, span.root.head
        disagrees = head.dep_ == "relcl" and head.tag_ in {"VB", "VBP"} and whose.tag_ in {"NN", "NNP"}
        describes = modifies(span) and any(each.pos == "adj" for each in carrier_senses)
        return not (described or called or stresses or describes or (nouns and disagrees))
    return not (described and sense.pos == "interj")


def _tells_degree(span: Any) -> bool:
    """Whether "this" or "that" before `span` says how much: "someone this stupid"."""
    doc, place = span.doc, span.start
    return place > 1 and doc[place - 1].lower_ in {"this", "that"} and doc[place - 2].pos_ == "PRON"


def _has_object(span: Any) -> bool:
    """Whether `span` opens a clause and its object follows: "... the rules", "... letting them win"."""
    doc, before = span.doc, span.doc[span.start - 1] if span.start else None
    opens = before is None or before.is_punct or before.pos_ == "CCONJ" or span.start == span.sent.start
    following = doc[span.end] if span.end < len(doc) else None
    if not opens or following is None or following.lower_ == "what":
        return False
    return following.pos_ == "DET" or following.tag_ in {"NNS", "PRP$", "VBG"} or following.ent_type_ != ""


def _is_bare(head: Any) -> bool:
    """Whether a singular noun says how somebody is, as an adjective does: "he is so ...", with no article."""
    before = head.doc[head.i - 1] if head.i else None
    says = before is not None and (before.lemma_ == "be" or (before.pos_ == "ADV" and before.head == head))
    return head.tag_ in {"NN", "NNP"} and says


def _stands_alone(span: Any) -> bool:
    """Whether `span` is a sentence's opening or stands between marks, and is not the first word of what follows."""
    doc = span.doc
    before = doc[span.start - 1] if span.start else None
    opens = before is None or before.is_punct or before.pos_ == "INTJ" or before.lower_ in _LAUGHS
    opens = opens or span.start == span.sent.start
    following = doc[span.end] if span.end < len(doc) else None
    return opens and (following is None or following.is_punct or following.pos_ in {"PRON", "INTJ", "ADV"})


def _is_fragment(span: Any) -> bool:
    """Whether the noun `span` is all that is said between two marks, but for an article."""
    doc, first = span.doc, span.start
    if first > 0 and doc[first - 1].head == span.root and doc[first - 1].pos_ == "DET":
        first -= 1
    return span.root.pos_ in _POS["noun"] and closes(doc, span.end) and (first == 0 or doc[first - 1].is_punct)


def _leaves_a_hole(span: Any, deletion: tuple[int, int, str]) -> bool:
    """Whether the words around `deletion` wait for what went: "some serious .", "he is .", "because of and".

    Or whether it takes the whole subject of a verb: "... was the funniest thing".
    """
    doc = span.doc
    if span.root.dep_ in {"nsubj", "nsubjpass"} and not any(left.i < span.start for left in span.root.lefts):
        return True
    before = [token for token in doc[: span.start] if token.idx + len(token) <= deletion[0] and not token.is_space]
    if modifies(span) or not before:
        return False
    last = before[-1]
    waits = (
        last.pos_ in {"ADP", "CCONJ", "DET", "NUM"} or last.tag_ in {"POS", "PRP$", "TO", "WDT"} or last.lemma_ == "be"
    )
    described = last.pos_ in {"ADJ", "ADV"} or last.dep_ in {"amod", "compound"}
    adjective = described and last.head.i in range(span.start, span.end)
    return waits or adjective


def _stands_as_noun(span: Any) -> bool:
    """Whether `span` ends a noun phrase that an article or the like opens: "is an ...", never "an ... plan"."""
    following = span.doc[span.end] if span.end < len(span.doc) else None
    opened = any(child.dep_ in {"det", "poss", "nummod"} for child in span.root.children)
    return opened and (following is None or following.pos_ not in {"ADJ", "NOUN", "NUM", "PROPN"})


def _stressed(span: Any) -> str | None:
    """What an intensifier in the place of `span` would be: "adj" before a noun, "adv" before other words, or None."""
    following = span.doc[span.end].pos_ if span.end < len(span.doc) else ""
    if following in {"NOUN", "NUM", "PROPN"}:
        return "adj"
    return "adv" if following in {"ADJ", "ADV", "VERB"} else None


def _deletion(doc: Any, carrier: Carrier) -> tuple[int, int, str]:
    """`carrier` taken out with what stands only for it: the article and adjectives of a noun, "you" of "you idiot"."""
    span = doc.char_span(carrier.start, carrier.end, alignment_mode="expand")
    head, start, end = span.root, carrier.start, carrier.end
    outside = head.dep_ not in _LOOSE and head.pos_ in {"NOUN", "PROPN"}
    before = span.start - 1
    named = head.pos_ in {"NOUN", "PROPN"} or any(sense.pos == "noun" for sense in carrier.senses)
    if span.start and doc[span.start - 1].tag_ == "POS" and doc[span.end - 1].lower_ in {"ass", "asses"}:
        return (doc[span.start - 1].idx, end, "")  # "kick his brother's ..."
    you = address(span) if named else None
    if you is not None:
        start = doc[you].idx
    elif head.dep_ in {"appos", "npadvmod", "vocative", "intj"} or (outside and head.dep_ == "ROOT"):
        while before >= 0 and doc[before].head == head and doc[before].dep_ in {"det", "amod", "poss", "compound"}:
            start = doc[before].idx
            before -= 1
    return (start, end, "")


def _is_loose(doc: Any, carrier: Carrier) -> bool:
    """Whether the sentence stands without `carrier`: a modifier, exclamation or address; not its subject or object."""
    span = doc.char_span(carrier.start, carrier.end, alignment_mode="expand")
    head = span.root
    if address(span) is not None or is_vocative(span) or _is_fragment(span):
        return True
    needed = {"acomp", "ROOT", "nsubj", "dobj"}
    return head.dep_ in _LOOSE or (head.pos_ in {"ADJ", "ADV", "INTJ"} and head.dep_ not in needed)


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


def _applied(plan: Sequence[Edit]) -> list[Edit]:
    """The edits of `plan` in order, without those whose words another one takes along."""
    applied: list[Edit] = []
    for edit in sorted(plan, key=lambda edit: (edit.start, -edit.end)):
        if not applied or edit.start >= applied[-1].end:
            applied.append(edit)
    return applied


def _apply(text: str, edits: Sequence[Edit]) -> str:
    made, place = [], 0
    for start, end, replacement, _ in edits:
        if not replacement and text[:start].endswith(" ") and text[end : end + 1] in {" ", ""}:
            start = max(place, start - 1)  # the space before what goes
        made += [text[place:start], replacement]
        place = end
    return "".join([*made, text[place:]])
