"""`swap_roles`: agent and patient of one verb exchanged: "Anna thanked Boris" becomes "Boris thanked Anna".

Both must be able to take the other's part: people and bodies of people, or places, or things under a verb that takes
things on both sides. What the exchange upsets is mended: the case of pronouns, the verb, the capital of the sentence.
"""

import re
from typing import Any

from pairgen.digests import fraction
from pairgen.extraction import Roles, roles
from pairgen.negatives.change import Negative, Replacement, case_like, change
from pairgen.negatives.verbs import cased, end, finite_of, infinitive_of, inflected, is_verb, replace

_CASES = {"i": "me", "he": "him", "she": "her", "we": "us", "they": "them", "you": "you"}
_SUBJECT_OF = {other: subject for subject, other in _CASES.items()}
_SORTS = {"PERSON": "people", "NORP": "people", "ORG": "people", "GPE": "places", "LOC": "places"}
# fmt: off
_PEOPLE = {
    "actor", "actress", "admin", "administrator", "adult", "agency", "agent", "army", "artist", "aunt", "author",
    "baby", "baker", "bank", "boss", "boy", "boyfriend", "brother", "candidate", "cat", "chairman", "chef", "child",
    "citizen", "clerk", "client", "club", "coach", "colleague", "committee", "company", "congress", "conservative",
    "cop", "council", "court", "cousin", "crew", "crowd", "customer", "cyclist", "dad", "daughter", "dealer",
    "democrat", "dentist", "director", "doctor", "dog", "driver", "editor", "employee", "employer", "enemy",
    "engineer", "expert", "family", "fan", "farmer", "father", "firm", "friend", "girl", "girlfriend", "goalkeeper",
    "government", "governor", "grandfather", "grandmother", "guard", "guest", "guy", "hunter", "husband", "judge",
    "kid", "king", "lady", "landlord", "lawyer", "leader", "liberal", "librarian", "manager", "man", "mayor",
    "member", "minister", "moderator", "mom", "mother", "mum", "neighbor", "neighbour", "nephew", "niece", "nurse",
    "officer", "opponent", "owner", "parent", "party", "passenger", "patient", "people", "person", "pilot", "player",
    "police", "politician", "president", "priest", "prisoner", "professor", "protester", "publisher", "queen",
    "reader", "referee", "refugee", "reporter", "republican", "resident", "scientist", "secretary",
    "senator", "shepherd", "singer",
    "sister", "soldier", "son", "staff", "stranger", "student", "supporter", "teacher", "team", "tenant", "thief",
    "tourist", "union", "user", "victim", "visitor", "voter", "waiter", "wife", "witness", "woman", "worker",
    "writer",
}
_BETWEEN_PEOPLE = {  # what one does to another of one's kind, and not both to each other
    "abandon", "accuse", "advise", "annoy", "arrest", "ask", "assure", "attack", "avoid", "back", "ban", "beat",
    "betray", "bite", "blame", "bomb", "bother", "bribe", "bully", "call", "challenge", "chase", "cheat", "comfort",
    "condemn", "congratulate", "convince", "criticise", "criticize", "deceive", "defeat", "defend", "despise",
    "distrust", "endorse", "fire", "follow", "fool", "forgive", "greet", "harass", "hate", "help", "hire", "hit",
    "hurt", "ignore", "impress", "insult", "interview", "invade", "invite", "kick", "kill", "love", "mislead", "mock",
    "nominate", "obey", "offend", "oppose", "outlive", "overtake", "pay", "persuade", "phone", "praise", "promote",
    "protect", "punish", "push", "question", "recommend", "replace", "rescue", "respect", "save", "scare", "shoot",
    "strike", "sue", "support", "surprise", "teach", "tease", "tell", "thank", "threaten", "trust", "urge", "visit",
    "warn", "watch", "welcome",
}
_EITHER_WAY = {  # what takes things on both sides, and is not the same from both
    "affect", "beat", "block", "cause", "contradict", "delay", "destroy", "exceed", "follow", "hit",
    "influence", "outnumber", "outweigh", "precede", "replace", "support", "surpass", "threaten", "trigger",
}
_SAME_BOTH_WAYS = {"be", "date", "do", "equal", "get", "have", "join", "kiss", "marry", "match", "meet",
                   "resemble", "want"}
# fmt: on
_CLOSED = {"DET", "PRON", "ADP", "NUM"}
_REFLEXIVES = {f"{word}sel{end}" for word in ("my", "your", "him", "her", "it", "our", "them") for end in ("f", "ves")}
_TAG_QUESTION = re.compile(r",\s*\w+(?:n['’]?t)?\s+(?:i|you|he|she|it|we|they)\s*\?", re.IGNORECASE)
_SHARE_OF_I = 0.3  # of "I love him": it is six times as common as "he loves me", and would tell the positive
_PLURAL = {"police", "people", "staff"}
_INSIDE = {"det", "amod", "compound", "poss", "nummod", "case", "prep", "nmod", "quantmod", "flat", "advmod", "punct"}


def swap_roles(doc: Any, context: Any, *, seed: str) -> Negative | None:
    """The text of `doc` with agent and patient of one verb exchanged; None where none can be.

    Everything but the two phrases, and the verb where it must agree with another subject, stays as it is.
    """
    found = sorted(roles(doc), key=lambda each: fraction(seed, "order", str(each.verb.idx)))
    for each in found:
        if each.agent.text == "I" and fraction(seed, "I", str(each.verb.idx)) >= _SHARE_OF_I:
            continue
        if replacements := _exchange(each):
            negative = change(doc.text, replacements)
            if negative.text.casefold() != doc.text.casefold():
                return negative
    return None


def _exchange(each: Roles) -> list[Replacement] | None:
    subject, other = (each.patient, each.agent) if each.passive else (each.agent, each.patient)
    first, second, doc = _phrase(subject), _phrase(other), each.verb.doc
    if not first or not second or not first[-1].i < each.verb.i < second[0].i or each.verb.lemma_ in _SAME_BOTH_WAYS:
        return None
    sort = _sort(subject)
    wanted = _EITHER_WAY if sort == "things" else _BETWEEN_PEOPLE
    if sort is None or sort != _sort(other) or each.verb.lemma_ not in wanted:
        return None
    if {subject.lower_, other.lower_} & {"they", "them"}:  # as often things as people
        return None
    if any(token.is_punct or token.is_space for token in doc[first[-1].i + 1 : second[0].i]):  # "ask her mom, Anna"
        return None
    if _TAG_QUESTION.search(first[0].sent.text) or _REFLEXIVES & {token.lower_ for token in each.verb.subtree}:
        return None
    if first[0].i > 0 and first[0].nbor(-1).pos_ == "ADP":  # a subject behind a preposition is a mistake of the parse
        return None
    agreed = _agreed(each.verb, subject, other)
    if agreed is None or {subject.lower_, other.lower_} in ({"i", "me"}, {"we", "us"}, {"i", "us"}, {"we", "me"}):
        return None
    opens = first[0].is_sent_start and first[0].text[:1].isupper()
    if opens and len(first) == 1 and subject.tag_ == "NN":  # "Flake" may be a name
        return None
    risen = _put(second, subject, _SUBJECT_OF, opens=opens)
    fallen = _put(first, other, _CASES, opens=False)
    return [replace(first[0], first[-1], risen), replace(second[0], second[-1], fallen), *agreed]


def _phrase(head: Any) -> list[Any]:
    """The tokens of the noun phrase of `head`, or none where it is more than a plain one.

    What follows the head stays where it is, but for "of" and what comes after; a clause or a list goes with neither.
    """
    if any(child.dep_ not in _INSIDE for child in head.children):
        return []
    first = min([head, *head.lefts], key=lambda token: token.i).left_edge
    last = head
    for child in head.rights:
        if child.lower_ == "of" and child.i == last.i + 1:
            last = child.right_edge
        elif child.dep_ not in {"prep", "punct"}:
            return []
    phrase = list(head.doc[first.i : last.i + 1])
    plain = all(token.is_alpha or token.text in {"'s", "’s", "-", "'"} for token in phrase)
    return phrase if plain and first.sent == last.sent and first.dep_ not in {"punct", "advmod"} else []


def _sort(head: Any) -> str | None:
    """What `head` names: people (or bodies of them), places, things; None where it may be anything."""
    if head.tag_ == "PRP":
        return "people" if head.lower_ in _CASES or head.lower_ in _SUBJECT_OF else None
    if head.ent_type_ in _SORTS:
        return _SORTS[head.ent_type_]
    if head.lemma_.lower() in _PEOPLE:
        return "people"
    thing = head.tag_ in {"NN", "NNS"} and not head.ent_type_ and not head.lower_.endswith(("thing", "one", "body"))
    return "things" if thing else None


def _put(phrase: list[Any], place: Any, cases: dict[str, str], *, opens: bool) -> str:
    """The text of `phrase` in the place of the head `place`: pronouns in its case, a capital where it `opens`."""
    doc = phrase[0].doc
    text: str = doc.text[phrase[0].idx : end(phrase[-1])]
    shouted = doc.text.isupper()
    if phrase[0].tag_ == "PRP" and len(phrase) == 1:
        text = cases.get(text.lower(), text.lower())
        text = "I" if text == "i" and not doc.text.islower() else text
    elif phrase[0].is_sent_start and not shouted and (phrase[0].pos_ in _CLOSED or _is_plain(phrase[0])):
        text = text[:1].lower() + text[1:] if not (len(phrase[0].text) > 1 and phrase[0].text.isupper()) else text
    if shouted:
        return text.upper()
    return text[:1].upper() + text[1:] if opens else text


def _is_plain(token: Any) -> bool:
    """Whether `token` is no name, and has its capital from the beginning of the sentence alone."""
    return bool(token.pos_ != "PROPN" and not token.ent_type_)


def _agreed(verb: Any, before: Any, after: Any) -> list[Replacement] | None:
    """What the verb of `before` becomes under the subject `after`: nothing, one replacement, or None if not known."""
    finite = finite_of(verb)
    if finite is None:  # "her calling him" is no "him calling she"
        return None if verb.tag_ == "VB" or "PRP" in {before.tag_, after.tag_} else []
    old, new = _person(before), _person(after)
    if not finite.text[0].isalpha():
        return _contracted(finite, after, new)
    form: str | None
    past_be = finite.lower_ in {"was", "were"}
    if finite.tag_ == "MD" or (finite.tag_ == "VBD" and not past_be) or old == new:
        return []
    shared = any(child.dep_ == "conj" and is_verb(child) for child in verb.children)
    if shared or finite.lower_ not in {"was", "were", "am", "are", "is", "has", "have", "does", "do"} | {verb.lower_}:
        return None
    if past_be:
        form = "were" if new == "many" else "was"
    elif finite.lemma_ == "be":
        form = {"i": "am", "one": "is", "many": "are"}[new]
    elif finite.lemma_ in {"do", "have"}:
        form = {"do": ("does", "do"), "have": ("has", "have")}[finite.lemma_][new != "one"]
    else:
        form = infinitive_of(finite) if new != "one" else inflected(finite, "VBZ")
    following = finite.nbor() if finite.i + 1 < len(finite.doc) else None
    if form == "am" and following is not None and following.lower_ in {"n't", "n’t", "nt"}:
        return None
    if form is None or form == finite.lower_:
        return [] if form else None
    return [replace(finite, finite, cased(case_like(form, finite.text), finite))]


def _contracted(finite: Any, after: Any, person: str) -> list[Replacement] | None:
    """ "'m" to "'re" and the like; None where the new subject is no pronoun."""
    if after.tag_ != "PRP":
        return None
    forms = {"be": ("m", "s", "re"), "have": ("ve", "s", "ve")}.get(finite.lemma_)
    form = forms[("i", "one", "many").index(person)] if forms and finite.tag_ != "VBD" else finite.lower_[1:]
    return [] if form == finite.lower_[1:] else [replace(finite, finite, cased(finite.text[0] + form, finite))]


def _person(head: Any) -> str:
    """How a verb agrees with `head`: as with "i", with "one", or with "many"."""
    word = head.lower_
    if word in {"i", "me"}:
        return "i"
    if word in {"we", "us", "you", "they", "them"} or head.lemma_.lower() in _PLURAL:
        return "many"
    return "many" if head.tag_ in {"NNS", "NNPS"} else "one"
