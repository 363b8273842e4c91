"""Verbs as spaCy parses them: clauses, finite forms and infinitives; and words put in the place of tokens."""

from typing import Any

from lemminflect import getInflection

from pairgen.negatives.change import Replacement, case_like

FINITE = {"VBZ", "VBP", "VBD", "MD"}
SUBJECTS = {"nsubj", "nsubjpass", "csubj", "csubjpass", "expl"}


def is_verb(token: Any) -> bool:
    return bool(token.tag_ == "MD" or token.tag_.startswith("VB"))


def clause(token: Any) -> Any:
    """The verb of the clause that `token` stands in."""
    verb = token.head
    while not is_verb(verb) and verb.head != verb:
        verb = verb.head
    return verb


def finite_of(verb: Any) -> Any:
    """The first word of `verb` and its auxiliaries, where that is finite; else None."""
    group = [child for child in verb.children if child.dep_ in {"aux", "auxpass"}] + [verb]
    first = min(group, key=lambda token: token.i)
    return first if first.tag_ in FINITE else None


def joined(token: Any) -> bool:
    """Whether a word is written on to `token` ("gotta")."""
    following = token.nbor() if token.i + 1 < len(token.doc) else None
    return following is not None and not token.whitespace_ and following.is_alpha


def infinitive_of(verb: Any) -> str | None:
    """The infinitive of the finite `verb`, where inflecting it gives the same form back."""
    lemma = verb.lemma_.lower()
    known = {form.lower() for form in getInflection(lemma, verb.tag_, inflect_oov=True)}
    same = verb.tag_ == "VBP" and verb.lower_ == lemma
    return lemma if lemma.isalpha() and (same or verb.lower_ in known) else None


def inflected(verb: Any, tag: str) -> str | None:
    forms = getInflection(verb.lower_, tag, inflect_oov=True)
    return case_like(forms[0], verb.text) if forms and verb.lower_ != "be" else None


def cased(word: str, pattern: Any) -> str:
    """`word` with the capitals of the token `pattern`, in whose place it stands."""
    if len(pattern.text) > 1 and pattern.text.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if pattern.text[:1].isupper() else word


def end(token: Any) -> int:
    return int(token.idx + len(token))


def replace(first: Any, last: Any, text: str) -> Replacement:
    return Replacement(first.idx, end(last), text)
