"""`mask_rel`: the verb that heads a named entity masked and filled by a language model (CLIFF, section 3.2).

The fill is another verb of the same form, for the parser in the same part of the sentence: "praised Anna" may become
"sacked Anna".
"""

import re
from typing import Any

from pairgen.digests import fraction
from pairgen.extraction import entities
from pairgen.negatives.change import Gap, Negative, Replacement, change, gap
from pairgen.negatives.verbs import end, joined

_FIRST_WORD = re.compile(r" ([a-z]+)(?=[^\w'’-])")
_LIGHT = {
    "be",
    "become",
    "do",
    "get",
    "go",
    "have",
    "keep",
    "let",
    "make",
    "need",
    "say",  # what the model falls back on: of four such fills among 22 that were read, none held
    "seem",
    "start",
    "take",
    "use",
    "want",
}
_NEAR = 3  # words
_SAME = (  # what tells much the same
    {"announce", "argue", "assert", "claim", "comment", "declare", "mention", "note", "say", "state", "tell"},
    {
        "assume",
        "believe",
        "consider",
        "expect",
        "feel",
        "guess",
        "imagine",
        "presume",
        "reckon",
        "see",
        "suppose",
        "think",
    },
    {"conclude", "discover", "find", "indicate", "report", "reveal", "show"},
    {"accept", "acknowledge", "admit", "agree", "concede"},
    {"add", "contain", "feature", "include"},
    {"display", "present", "show", "showcase"},
    {"destroy", "ruin", "wreck"},
    {"abandon", "depart", "leave", "quit"},
    {"assist", "help", "serve"},
    {"ask", "demand", "request", "require"},
    {"appoint", "choose", "elect", "pick", "select"},
    {"back", "endorse", "support"},
    {"begin", "commence", "launch", "open"},
    {"look", "observe", "see", "view", "watch"},
    {"live", "reside", "stay"},
    {"arrive", "come", "travel", "move", "visit"},
    {"attack", "bash", "blame", "criticise", "criticize", "slam"},
    {"give", "hand", "offer", "provide", "supply"},
    {"acquire", "buy", "obtain", "purchase"},
    {"build", "construct", "create", "form"},
    {"know", "realise", "realize", "recognise", "recognize", "understand"},
    {"like", "love", "enjoy"},
    {"cater", "pander"},
    {"call", "describe", "label", "name"},
)


def rel_gaps(doc: Any, context: Any, *, seed: str) -> list[Gap]:
    """The verbs of `doc` that head a named entity and can be masked, in an order drawn from `seed`."""
    verbs = {}
    for mention in entities(doc):
        head = doc.char_span(mention.start, mention.end, alignment_mode="expand").root.head
        verb = head.head if head.pos_ == "ADP" else head
        particle = any(child.dep_ == "prt" for child in verb.children)
        plain = verb.pos_ == "VERB" and verb.tag_.startswith("VB") and verb.text.isalpha() and verb.text.islower()
        if plain and not particle and not joined(verb) and verb.lemma_ not in _LIGHT:
            verbs[verb.i] = verb
    drawn = sorted(verbs.values(), key=lambda verb: fraction(seed, "order", str(verb.idx)))
    return [found for verb in drawn if (found := gap(doc.text, verb.idx, end(verb)))]


def mask_rel(doc: Any, asked: Gap, said: str) -> Negative | None:
    """The text of `doc` with the first word of `said` for the verb at `asked`; None where that is no other word."""
    found = _FIRST_WORD.match(said)
    if found is None or found.group(1) == doc.text[asked.start : asked.end]:
        return None
    return change(doc.text, [Replacement(asked.start, asked.end, found.group(1))])


def rel_holds(doc: Any, asked: Gap, made: Negative, parsed: Any) -> bool:
    """Whether the fill of `made` is a verb of the form and part that the old one had, and says something else.

    Nor may one of the three words before it say it already: "denied or denied".
    """
    old = doc.char_span(asked.start, asked.end)
    new = parsed.char_span(made.spans[0]["start"], made.spans[0]["end"])
    if old is None or new is None:
        return False
    old, new = old.root, new.root
    lemmas = {old.lemma_, new.lemma_}
    alike = len(lemmas) == 1 or old.lemma_[:4] == new.lemma_[:4] or any(lemmas <= group for group in _SAME)
    same_form = (old.tag_, old.dep_, old.pos_, old.head.i) == (new.tag_, new.dep_, new.pos_, new.head.i)
    repeated = any(word.lemma_ == new.lemma_ for word in parsed[max(0, new.i - _NEAR) : new.i])
    return same_form and not alike and not repeated and new.lemma_ not in _LIGHT
