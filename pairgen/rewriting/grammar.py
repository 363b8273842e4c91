"""What the parse says of a span: that it describes a noun, addresses the reader, or tells what somebody is."""

import re
from typing import Any

from pairgen.rewriting.lexicon import MISHEARD, senses

_DESCRIBED = {"ADJ", "NOUN", "NUM", "PROPN"}
_YOU = {"you", "u", "ya"}
_THINGS = {"it", "that", "this", "which"}
_GENERAL = {"any", "every", "only", "no"}  # "only a person would" tells nothing either
_PERSONAL = re.compile(  # nouns for people; of the others most are things
    r"people|folks?|persons?|guys?|dudes?|kids?|child(?:ren)?|boys?|girls?|lad(?:y|ies)|moms?|dads?|fans?|cops?|press|public"
    r"|bunch|lot|ones?|mayor|senat(?:or|e)s?|(?:presid|stud|par|resid|opponent)ents?|(?:moth|fath|broth|sist|play|vot|read)ers?"
    r"|(?:teach|work|writ|driv|lead|own|support|manag|protest|lov|us|offic|commission|minist)ers?|(?:doct|act|edit)ors?"
    r"|.*(?:m[ae]n|wom[ae]n|crat|ican|icians?)s?"
)


def modifies(span: Any) -> bool:
    """Whether `span` stands before the noun that it describes: "a ... reporter"."""
    following = span.doc[span.end] if span.end < len(span.doc) else None
    return following is not None and following.pos_ in _DESCRIBED and span.root.head.i >= span.end


def may_be_somebody(span: Any) -> bool:
    """Whether what `span` describes may be somebody: all but nouns that are no word for people, and "it"."""
    head = span.root.head
    if span.root.dep_ in {"acomp", "attr", "oprd"}:
        return all(child.lower_ not in _THINGS for child in head.children if child.dep_ in {"nsubj", "nsubjpass"})
    named = head.ent_type_ in {"PERSON", "NORP"} or _PERSONAL.fullmatch(head.lower_) is not None
    return named or not (head.pos_ in {"NOUN", "PROPN"} or head.lower_ in _THINGS)


def tells_what_it_is(span: Any) -> bool:
    """Whether `span` says what somebody or something is: "he is an ...", "like an ...", "that is a ... plan"."""
    head = span.root.head if span.root.dep_ == "amod" else span.root
    compared = head.dep_ == "pobj" and head.head.lower_ in {"like", "as"}
    general = head.dep_ == "nsubj" and any(token.lower_ in _GENERAL for token in head.doc[max(0, head.i - 2) : head.i])
    return head.dep_ == "attr" or compared or general


def address(span: Any) -> int | None:
    """The place of the "you" in "you ...," where `span` ends what the reader is called; None where it does not."""
    if not closes(span.doc, span.end):
        return None
    place = span.start - 1
    while place >= 0 and (
        span.doc[place].pos_ in {"ADJ", "INTJ"}
        or (span.doc[place].pos_ not in {"AUX", "VERB"} and (span.doc[place].lower_,) in senses())
    ):
        place -= 1
    if place < 0 or span.doc[place].lower_ not in _YOU:
        return None
    before = span.doc[place - 1] if place else None  # none of "I told you", "I hate you", "when you"
    asks = before is not None and before.pos_ in {"ADP", "AUX", "SCONJ", "VERB"} and before.dep_ != "prt"
    return None if asks else place


def is_vocative(span: Any) -> bool:
    """Whether somebody is called `span`: a noun without an article between marks ("hey, ...,"), or the name of a person
    bare at the end of a clause, "I say what I like ...", where English would have an article."""
    doc, before = span.doc, span.doc[span.start - 1] if span.start else None
    if before is None or not closes(doc, span.end):
        return False
    if before.lower_ in {",", "hey", "oh"}:
        return span.root.pos_ in {"NOUN", "PROPN"} or _names_somebody(span)
    bare = span.root.tag_ in {"NN", "NNP"} and not any(left.i < span.start for left in span.root.lefts)
    return bare and _names_somebody(span) and before.pos_ in {"ADV", "INTJ", "NOUN", "PRON", "VERB"}


def _names_somebody(span: Any) -> bool:
    """Whether the lexicon knows `span` as a name for a person, and for nothing else that is a noun."""
    found = [sense for sense in senses().get(tuple(token.lower_ for token in span), ()) if sense.pos == "noun"]
    return bool(found) and all(sense.sense in {"person_insult", "group_insult"} for sense in found)


def closes(doc: Any, place: int) -> bool:
    """Whether nothing but a mark or a space stands at `place`."""
    return place >= len(doc) or doc[place].is_punct or doc[place].is_space


def told_of_somebody(span: Any) -> bool:
    """Whether a word for an animal is said of a person: "he is a ...", "you ...", "what a ...", "a lying ..."."""
    head = span.root
    if address(span) is not None or is_vocative(span):
        return True
    if any(child.lower_ in {"what", "such"} or _insults(child) for child in head.children):
        return True
    while head.dep_ == "conj":
        head = head.head
    verb = head.head
    if head.dep_ in {"appos", "compound"}:
        return _is_somebody(verb)
    if head.dep_ == "pobj" and verb.lower_ in {"like", "as"}:
        verb = verb.head
    elif head.dep_ not in {"attr", "oprd"}:
        return False
    return any(_is_somebody(child) for child in verb.children if child.dep_ in {"nsubj", "nsubjpass"})


def _is_somebody(token: Any) -> bool:
    if token.pos_ == "PRON":
        return token.lower_ not in _THINGS
    return token.ent_type_ in {"PERSON", "NORP"} or _PERSONAL.fullmatch(token.lower_) is not None


def _insults(child: Any) -> bool:
    found = senses().get((child.lower_,), ()) if child.dep_ in {"amod", "compound"} else ()
    return any(sense.pos == "adj" and sense.sense not in {"intensifier", MISHEARD} for sense in found)
