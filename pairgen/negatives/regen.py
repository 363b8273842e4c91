"""`regen_ent` and `regen_rel`: the text from a named entity on, or from the verb that heads one, written anew by a
language model (CLIFF, section 3.2), to about the old length and to the end of a sentence."""

import re
from typing import Any

from pairgen.extraction import entities, protected_spans
from pairgen.negatives.change import Gap, Negative, Replacement, change
from pairgen.negatives.mask_ent import ent_gaps, same_name
from pairgen.negatives.mask_rel import rel_gaps

_SHORTEST, _LONGEST = 5, 26  # words from the gap on: as many as `generated` has tokens for
_LENGTHS = (0.6, 1.5)  # a length over the old one
_SENTENCE_END = re.compile(r"(?:(?<=[a-z]{2})(?<!Mrs)(?<!vs)\.|(?<=\w)[!?])(?=\s|$)")


def ent_tails(doc: Any, context: Any, *, seed: str) -> list[Gap]:
    """Gaps from a named entity of `doc` to the end of the text, where that is near, in an order drawn from `seed`."""
    return near_end(doc.text, ent_gaps(doc, context, seed=seed))


def rel_tails(doc: Any, context: Any, *, seed: str) -> list[Gap]:
    """Gaps from a verb that heads a named entity of `doc` to the end of the text, as `ent_tails`."""
    return near_end(doc.text, rel_gaps(doc, context, seed=seed))


def regen(doc: Any, asked: Gap, said: str) -> Negative | None:
    """The text of `doc` with sentences of `said` from `asked` on, which begin with another word than the old ones."""
    if not re.match(r" \w", said):  # goes on with the last word, or opens with a mark
        return None
    old = doc.text[asked.start :]
    new = sentences(said, len(old))
    if new is None or new.split()[0].casefold()[:4] == old.split()[0].casefold()[:4]:
        return None
    return change(doc.text, [Replacement(asked.start, asked.end, new)])


def tail_holds(doc: Any, asked: Gap, made: Negative, parsed: Any) -> bool:
    """Whether no entity that began the old tail comes back in the new one."""
    gone = next((mention.text for mention in entities(doc) if mention.start == asked.start), None)
    return gone is None or not any(
        same_name(gone, mention.text) for mention in entities(parsed) if mention.start >= asked.start
    )


def sentences(said: str, length: int) -> str | None:
    """The beginning of `said` up to that end of a sentence which comes nearest to `length` characters.

    None where none is near enough, or what is before it holds a line break or a link, or says half of its words again.
    """
    ends = [found.end() for found in _SENTENCE_END.finditer(said)]
    ends = [place for place in ends if _LENGTHS[0] * length <= place <= _LENGTHS[1] * length]
    if not ends:
        return None
    new = said[: min(ends, key=lambda place: abs(place - length))].strip()
    words = new.casefold().split()
    return None if "\n" in new or protected_spans(new) or len(set(words)) * 2 <= len(words) else new


def near_end(text: str, gaps: list[Gap]) -> list[Gap]:
    """`gaps` drawn out to the end of `text`, where that is five to 26 words away."""
    return [gap._replace(end=len(text)) for gap in gaps if _SHORTEST <= len(text[gap.start :].split()) <= _LONGEST]
