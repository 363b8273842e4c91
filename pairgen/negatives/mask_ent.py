"""`mask_ent`: a named entity masked and filled by a language model (CLIFF: Cao & Wang 2021, section 3.2).

The model writes on from what stands before the entity. A name that it begins with is the fill, where the parser reads
it as an entity of the same label in the old one's place.
"""

import re
from typing import Any

from rapidfuzz.fuzz import ratio

from pairgen.digests import fraction
from pairgen.extraction import Mention, entities
from pairgen.negatives.change import Gap, Negative, Replacement, article_fits, case_like, change, gap
from pairgen.negatives.swap_ent import can_be_swapped

_WORD = r"[A-Z][\w-]*[a-z]\b"
_NAME = re.compile(rf" ({_WORD}(?: (?:(?:of|the|and|de|van|von) )*{_WORD})*)(?=[^\w-])")
_SAME = (  # one thing under several names
    {"america", "american", "americans", "states", "us", "usa"},
    {"britain", "british", "england", "english", "kingdom", "uk"},
    {"republican", "republicans", "gop"},
    {"democrat", "democrats", "dems", "democratic"},
)
_TOO_LIKE = 80  # of 100: "Clinton" and "Clintons", "Hillary" and "Hilary"


def ent_gaps(doc: Any, context: Any, *, seed: str) -> list[Gap]:
    """The named entities of `doc` that can be masked, in an order drawn from `seed`; the first place of each."""
    names: dict[str, Mention] = {}
    for mention in entities(doc):
        if mention.label != "DATE" and can_be_swapped(doc, mention):
            names.setdefault(mention.text, mention)
    drawn = sorted(names.values(), key=lambda mention: fraction(seed, "order", mention.text))
    return [found for mention in drawn if (found := gap(doc.text, mention.start, mention.end))]


def mask_ent(doc: Any, asked: Gap, said: str) -> Negative | None:
    """The text of `doc` with the name that `said` begins with for the entity at `asked`, at all its places.

    None where `said` begins with no name, or with one that may stand for an entity of the text.
    """
    found = _NAME.match(said)
    if found is None or any(same_name(found.group(1), other.text) for other in entities(doc)):
        return None
    places = [other for other in entities(doc) if other.text == doc.text[asked.start : asked.end]]
    new = case_like(found.group(1), places[0].text)
    if not all(article_fits(doc.text, place.start, new) for place in places):
        return None
    return change(doc.text, [Replacement(place.start, place.end, new) for place in places])


def ent_holds(doc: Any, asked: Gap, made: Negative, parsed: Any) -> bool:
    """Whether each fill of `made` is an entity for the parser, of the label that stood there."""
    label = next(mention.label for mention in entities(doc) if mention.start == asked.start)
    read = {(mention.start, mention.end) for mention in entities(parsed) if mention.label == label}
    return all((span["start"], span["end"]) in read for span in made.spans)


def same_name(one: str, other: str) -> bool:
    """Whether two names may mean the same: by a shared word, stem or spelling, by initials, or as is known."""
    left, right = (name.replace(".", "").casefold().split() for name in (one, other))
    if any(group & set(left) and group & set(right) for group in _SAME):
        return True
    initials = "".join(word[0] for word in left) == "".join(right) or "".join(word[0] for word in right) == "".join(
        left
    )
    stems = {word[:4] for word in left if len(word) > 3} & {word[:4] for word in right if len(word) > 3}
    return initials or bool(stems or set(left) & set(right)) or ratio("".join(left), "".join(right)) >= _TOO_LIKE
