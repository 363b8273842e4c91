"""`negation`: the polarity of one clause flipped: a negation taken out where there is one, else one put in.

A clause has at most one negation before and after. Each change is a list of replacements of whole words, so that the
changed characters of the negative are never empty: "did not pay" becomes "paid", "is" becomes "is not".
"""

import math
import re
from collections.abc import Iterator
from typing import Any

from pairgen.digests import fraction
from pairgen.extraction import negations
from pairgen.negatives.change import Negative, Replacement, case_like, change
from pairgen.negatives.verbs import (
    FINITE,
    SUBJECTS,
    cased,
    clause,
    end,
    finite_of,
    infinitive_of,
    inflected,
    is_verb,
    joined,
    replace,
)

Change = list[Replacement]

# That a text of n words holds a negation that can be taken out has probability 1 - exp(-n / 65), in 1,183 news
# comments. So many shorter texts are left, and so many longer ones get another, that "not" tells little about the side.
_WORDS_A_NEGATION = 65
_SHARE_OF_NEVER = 0.12  # of verbs in the past
_SHARE_CONTRACTED = 0.6  # of texts that neither contract nor write out: spelled "not" in all of them, it tells the side

_ARGUMENTS = {"nsubj", "nsubjpass", "dobj", "attr"}
_DO = {"VBZ": "does", "VBP": "do", "VBD": "did"}
_NOT = re.compile(r"not|n['’`]?t", re.IGNORECASE)
_WHOLE = {"ca": "can", "wo": "will", "sha": "shall"}
_STEMS = {"can": "ca", "will": "wo"}
_SPELLED_OUT = {"am", "'m", "’m", "m", "may", "might", "shall", "ought", "'s", "’s", "'re", "’re"}  # "he's not"
_FULL = {"'ve": "have", "’ve": "have", "'ll": "will", "’ll": "will"}
_SOME = {
    "any": "some",
    "anything": "something",
    "anybody": "somebody",
    "anyone": "someone",
    "anywhere": "somewhere",
    "nobody": "somebody",
    "nothing": "something",
    "nowhere": "somewhere",
}
# fmt: off
_AFTER_NOT = {
    "only", "just", "merely", "simply", "because", "even", "to", "until", "unless", "a", "least", "much", "again",
}
_BOUND = {
    "anymore", "yet", "either", "ever", "until", "nor", "neither", "whatsoever", "remotely", "slightest", "bother",
}
_FIXED = {
    "mind", "thank", "thanks", "bless", "damn", "let", "suppose", "please", "congratulation",
}
_NEAR_NEGATIVE = {
    "hardly", "barely", "scarcely", "rarely", "seldom", "only", "just", "merely", "already", "almost",
}
_BEHIND_NOT = {
    "always", "often", "usually", "really", "even", "easily", "fully", "completely", "generally", "quite",
}
_BEFORE_NOT = {
    "probably", "certainly", "clearly", "obviously", "definitely", "perhaps", "still", "also", "now", "actually",
    "apparently", "surely", "sometimes", "currently", "likely", "simply", "then",
}
_QUANTIFIERS = {  # "some were not" goes with "some were", and "all were not" may mean either
    "all", "any", "both", "each", "every", "everybody", "everyone", "everything", "few", "many", "most", "several",
    "some", "somebody", "someone", "something",
}
# fmt: on
_NEVER_NEGATED = {"better", "rather", "best", "supposed"}

_N_APOSTROPHE_T = re.compile(r"\w(\s?n['’`]t)\b", re.IGNORECASE)
_NT = re.compile(r"\b(?:are|ca|could|did|does|do|has|have|is|should|was|were|wo|would)nt\b", re.IGNORECASE)
_WRITTEN_OUT = re.compile(
    r"\b(?:do|does|did|is|are|was|were|has|have|can|could|will|would|should)\s?not\b|"
    r"\b(?:it|he|she|that|there|what) is\b|\bI am\b|\b(?:we|you|they) are\b|\b(?:I|we|you|they) (?:have been|will)\b",
    re.IGNORECASE,
)
_CONTRACTION = re.compile(
    r"\w(?P<space>\s?)(?P<mark>['’])(?:m|re|ve|ll|d)\b|\b(?:it|he|she|that|there|what)(?P<gap>\s?)(?P<sign>['’])s\b",
    re.IGNORECASE,
)


def negation(doc: Any, context: Any, *, seed: str) -> Negative | None:
    """The text of `doc` with one clause negated, or no longer; None where no clause can be.

    Taken out is a negation of whatever finite clause; put in is one at the main verb of a sentence that has none.
    Questions and sentences without a finite verb are left. The text's own spelling of "not" is kept.
    Which of the two is drawn so that both are made about as often, whatever the length: a part of the texts without a
    negation is left as it is, more of the short ones.
    """
    sentences = [sentence for sentence in doc.sents if "?" not in sentence.text]
    style = _style(doc.text, seed)
    removals = [found for sentence in sentences for found in _removals(sentence)]
    additions = [found for sentence in sentences if (found := _addition(sentence, style=style, seed=seed))]
    likely = 1 - math.exp(-len(doc.text.split()) / _WORDS_A_NEGATION)
    drawn = fraction(seed, "side")
    if removals and (not additions or drawn >= 1 - 0.5 / max(likely, 0.5)):
        changes = removals
    else:
        changes = additions if removals or drawn * (1 - likely) < likely else []
    changes.sort(key=lambda found: fraction(seed, "order", str(found[0].start)))
    return change(doc.text, changes[0]) if changes else None


# Taking a negation out ------------------------------------------------------------------------------------------------


def _removals(sentence: Any) -> Iterator[Change]:
    """Each way to take one negation out of `sentence`."""
    starts = {mention.start for mention in negations(sentence.text)}
    negative = [
        token
        for token in sentence
        if _NOT.fullmatch(token.text) or (token.idx - sentence.start_char in starts and not is_verb(token))
    ]
    for token in negative:
        verb = clause(token)
        if sum(clause(other) == verb for other in negative) > 1 or not is_verb(verb):
            continue
        following = token.nbor().lower_ if token.i + 1 < sentence.end else ""
        if following in _AFTER_NOT - ({"a", "to"} if verb.lemma_ == "be" or token.i > verb.i else set()):
            continue
        rest = _positive(token, verb)
        found = _without(token, verb, sentence) if rest is not None else None
        if found and rest is not None:
            yield [found, *rest]


def _without(token: Any, verb: Any, sentence: Any) -> Replacement | None:
    """The replacement that takes the negation `token` of `verb` out, or None where that is not certain."""
    if any(child.dep_ in SUBJECTS and child.i > token.i for child in verb.children) and token.dep_ not in _ARGUMENTS:
        return None if token.lower_ != "no" else _without_no(token)
    if _NOT.fullmatch(token.text):
        return _without_not(token, verb, sentence)
    if token.lower_ == "never":
        return _without_never(token, verb, sentence)
    if token.lower_ == "no":
        return _without_no(token)
    if token.lower_ in _SOME and token.dep_ in _ARGUMENTS:
        return replace(token, token, cased(_SOME[token.lower_], token))
    return None


def _without_not(token: Any, verb: Any, sentence: Any) -> Replacement | None:
    host = token
    while host.i > sentence.start and (host == token or host.pos_ == "ADV"):
        host = host.nbor(-1)
    imperative = host.tag_ == "VB" and host.lemma_ == "do"
    if host.tag_ not in FINITE and not imperative and host.lower_ not in _WHOLE:
        return None
    between = token.doc.text[host.idx + len(host) : token.idx].rstrip() if token.i > host.i + 1 else ""
    if host.lemma_ != "do" or host.dep_ != "aux":
        whole = _WHOLE.get(host.lower_, host.lower_)
        return None if host.lower_ in {"ai", "s", "re", "ve"} else replace(host, token, cased(whole, host) + between)
    inner = token.doc[token.i + 1 : verb.i]
    if verb.i < token.i or verb.tag_ not in {"VB", "VBP"} or any(each.pos_ != "ADV" for each in inner):
        return None
    tag = {"does": "VBZ", "did": "VBD"}.get(host.lower_, "VB")
    form = verb.text if tag == "VB" else inflected(verb, tag)
    if form is None or (tag == "VB" and verb.lemma_ == "be" and not imperative):
        return None
    text = between.lstrip() + " " * bool(between) + token.doc.text[end(token) : verb.idx].lstrip() + form
    return replace(host, verb, cased(text, host) if host.is_sent_start else text)


def _without_never(token: Any, verb: Any, sentence: Any) -> Replacement | None:
    if token.i > sentence.start and token.nbor(-1).tag_ in FINITE and token.nbor(-1).dep_ in {"aux", "auxpass", "ROOT"}:
        return replace(token.nbor(-1), token, token.nbor(-1).text)
    finite = finite_of(verb)
    if token.i + 1 >= sentence.end or token.head != verb or (finite is None and verb.tag_ != "VB"):
        return None
    following = token.nbor()
    fits = following == verb or (following.pos_ == "ADV" and following.head == verb)
    return replace(token, following, cased(following.text, token)) if fits and following.i <= verb.i else None


def _without_no(token: Any) -> Replacement | None:
    noun, following = token.head, token.nbor() if token.i + 1 < len(token.doc) else None
    if following is not None and following.lower_ == "one" and following.dep_ in _ARGUMENTS:
        return replace(token, following, cased("someone", token))
    plural = token.dep_ == "det" and noun.tag_ == "NNS" and noun.dep_ in _ARGUMENTS
    return replace(token, following, cased(following.text, token)) if plural and following is not None else None


def _positive(token: Any, verb: Any) -> Change | None:
    """What else changes in a clause without its negation: "any" to "some"; None where a word needs the negation."""
    found = []
    text = token.doc.text.lower()
    for each in verb.subtree:
        if each.i > token.i:
            if each.lower_ in _BOUND or text.startswith(("at all", "any more", "any longer", "let alone"), each.idx):
                return None
            if each.lower_.startswith("any") and each.lower_ in _SOME:
                found.append(replace(each, each, cased(_SOME[each.lower_], each)))
    return found


# Putting a negation in ------------------------------------------------------------------------------------------------


def _addition(sentence: Any, *, style: str, seed: str) -> Change | None:
    """The negation put in at the main verb of `sentence`, or None."""
    root = sentence.root
    words = {token.lower_ for token in sentence}
    if not is_verb(root) or negations(sentence.text) or words & _NEAR_NEGATIVE or root.lemma_ in _FIXED:
        return None
    subjects = [child for child in root.children if child.dep_ in SUBJECTS]
    finite = finite_of(root)
    if not subjects:
        return _forbidden(root, sentence, style)
    if finite is None or subjects[0].i > finite.i or joined(finite):
        return None
    if subjects[0].left_edge.lower_ in _QUANTIFIERS:
        return None
    following = finite.nbor() if finite.i + 1 < sentence.end else None
    if following is not None and following.lower_ in _NEVER_NEGATED:
        return None
    if root == finite and root.lemma_ != "be":
        return _with_do(root, style, seed)
    if root == finite and subjects[0].lower_ == "there" and subjects[0].dep_ == "expl":
        return _with_no(root)
    last = finite
    while last.i + 1 < sentence.end and last.nbor().lower_ in _BEFORE_NOT and last.nbor().head == root:
        last = last.nbor()
    if last != finite:
        return [replace(finite, last, f"{finite.doc.text[finite.idx : end(last)]} not")]
    return _with_auxiliary(finite, style)


def _with_do(verb: Any, style: str, seed: str) -> Change | None:
    """ "went" to "did not go", with adverbs such as "always" behind the negation; at times to "never went"."""
    infinitive = infinitive_of(verb)
    first = verb
    while first.i > verb.sent.start and first.nbor(-1).lower_ in _BEHIND_NOT and first.nbor(-1).head == verb:
        first = first.nbor(-1)
    if infinitive is None:
        return None
    if first == verb and verb.tag_ == "VBD" and fraction(seed, "never", str(verb.idx)) < _SHARE_OF_NEVER:
        return [replace(verb, verb, f"{case_like('never', verb.text)} {verb.text}")]
    do = case_like(_with_not(_DO[verb.tag_], style), verb.text)
    return [replace(first, verb, f"{do} {verb.doc.text[first.idx : verb.idx]}{case_like(infinitive, verb.text)}")]


_QUANTITIES = {"bit", "couple", "few", "lot", "number", "ton"}  # "there is a lot of", "a few of"


def _with_no(verb: Any) -> Change | None:
    """ "there is a way" to "there is no way", "there are two" to "there are not two"."""
    following = verb.nbor() if verb.i + 1 < verb.sent.end else None
    noun = next((child for child in verb.children if child.dep_ == "attr" and child.i > verb.i), None)
    if following is None or noun is None:
        return None
    if following.lower_ in {"a", "an", "some"} and following.head == noun and noun.lower_ not in _QUANTITIES:
        return [replace(following, following, case_like("no", following.text))]
    if following == noun or (
        following.head == noun and following.dep_ in {"amod", "compound"} and following.tag_ == "JJ"
    ):
        return [replace(following, following, f"{case_like('no', following.text)} {following.text}")]
    return [replace(verb, verb, f"{verb.text} not")]


def _forbidden(root: Any, sentence: Any, style: str) -> Change | None:
    """ "Open it" to "Do not open it": an imperative opens its sentence, and has an object or a place."""
    before = sentence.doc[sentence.start : root.i]
    follows = {child.dep_ for child in root.children if child.i > root.i}
    polite = all(each.lower_ in {"please", "so", "and", "but", "now", "then", "just", ",", '"'} for each in before)
    if root.tag_ != "VB" or not polite or not follows & {"dobj", "prep", "acomp", "ccomp", "xcomp", "prt"}:
        return None
    do = _with_not("do", style)
    opens = root.text[:1].isupper() and not (len(root.text) > 1 and root.text.isupper())
    verb = root.text.lower() if opens else root.text
    return [replace(root, root, f"{do.capitalize() if opens else case_like(do, root.text)} {verb}")]


def _with_auxiliary(finite: Any, style: str) -> Change | None:
    """ "is" to "is not", "can" to "cannot", "I'll" to "I won't", as the text spells it."""
    word = finite.lower_
    attached = finite.i > 0 and not finite.nbor(-1).whitespace_ and finite.nbor(-1).is_alpha
    if word in {"'d", "’d"} or word in _FULL:
        full = _FULL.get(word, "would" if finite.tag_ == "MD" else "had")
        negated = case_like(_with_not(full, style), finite.text)
        if attached:
            return [replace(finite.nbor(-1), finite, f"{finite.nbor(-1).text} {negated}")]
        return [replace(finite, finite, negated)]
    if (attached and word not in _SPELLED_OUT) or (word in {"'s", "’s"} and finite.lemma_ == "'"):
        return None
    if word not in _SPELLED_OUT and not word.isalpha():
        return None
    ending = _with_not(word, " not" if word in _SPELLED_OUT else style)
    upper = finite.text.isupper() and sum(map(str.isalpha, finite.text)) > 1
    return [replace(finite, finite, ending.upper() if upper else finite.text[:1] + ending[1:])]


def _with_not(auxiliary: str, style: str) -> str:
    """ "can" with " not" is "cannot", with "n't" "can't", with "nt" "cant"."""
    if style == " not":
        return "cannot" if auxiliary == "can" else f"{auxiliary} not"
    return _STEMS.get(auxiliary, auxiliary) + style


def _style(text: str, seed: str) -> str:
    """How `text` spells "not" behind an auxiliary: "n't", " n't", "nt" or " not"; drawn where it does not tell."""
    if found := _N_APOSTROPHE_T.search(text):
        return found[1].lower()
    if _NT.search(text):
        return "nt"
    if found := _CONTRACTION.search(text):
        return f"{found['space'] or found['gap'] or ''}n{found['mark'] or found['sign']}t"
    return "n't" if not _WRITTEN_OUT.search(text) and fraction(seed, "style") < _SHARE_CONTRACTED else " not"
