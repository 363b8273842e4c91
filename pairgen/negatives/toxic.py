"""`toxic`, generated: what a language model says to the context, or makes of the positive's second half, where that is
at or over the toxicity threshold. Mined texts are negatives of this kind too; `mining.py` finds those.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from pairgen.identity import neutralise
from pairgen.models import Models
from pairgen.negatives.change import Gap, Negative, gap
from pairgen.negatives.regen import near_end, regen
from pairgen.negatives.sys_lowcon import context_gap, sys_lowcon

_LONGEST = 26  # words, as in `regen`


def toxic_gaps(doc: Any, context: Any, *, seed: str) -> list[Gap]:
    """The whole text of `doc` behind its context; without one its second half, of a long text its end."""
    words = [found.start() for found in re.finditer(r"\S+", doc.text)]
    place = max(len(words) // 2, len(words) - _LONGEST)
    half = gap(doc.text, words[place], len(doc.text)) if words else None
    return context_gap(doc, context, seed=seed) or near_end(doc.text, [half] if half else [])


def toxic(doc: Any, asked: Gap, said: str) -> Negative | None:
    """The sentences of `said` at `asked`, about as long as what stood there; the spans are what the model said."""
    return regen(doc, asked, said) if asked.start else sys_lowcon(doc, asked, said)


def is_toxic(texts: Sequence[str], models: Models, *, min_toxicity: float) -> list[bool]:
    """Whether the scorer puts each text at or over the threshold, its identity terms or not; False without a score."""
    scores = [models.toxicity.toxicity(each) for each in (texts, [neutralise(text) for text in texts])]
    return [bool(least >= min_toxicity) for least in np.minimum(*scores)]
