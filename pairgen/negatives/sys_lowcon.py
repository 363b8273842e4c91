"""`sys_lowcon`: what a language model says to the context by itself, where it is least sure (CLIFF, section 3.3)."""

from typing import Any

from pairgen.digests import normalise
from pairgen.negatives.change import Gap, Negative, case_like
from pairgen.negatives.regen import near_end, sentences

_LEADING_WORDS = 5


def context_gap(doc: Any, context: Any, *, seed: str) -> list[Gap]:
    """The whole text of `doc` as the gap behind its context, as in training; none where that has under five words."""
    if len(context.text.split()) < _LEADING_WORDS:
        return []
    return near_end(doc.text, [Gap(f"{context.text}\n", 0, len(doc.text))])


def sys_lowcon(doc: Any, asked: Gap, said: str) -> Negative | None:
    """The sentences of `said` that are about as long as the text of `doc`, where they are not the context's own.

    In lower case where the text is, or that would tell them apart.
    """
    new = sentences(said.lstrip(), len(doc.text))
    if new is None or normalise(new) in normalise(asked.prompt):
        return None
    new = case_like(new, doc.text)
    return Negative(new, [{"start": 0, "end": len(new)}])
