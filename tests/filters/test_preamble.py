"""What a language model says around the rewrite is dropped; what the parent says itself is not."""

import pytest

from filters.base import apply_filters
from filters.preamble import Preamble
from pairgen.schema import PAIRS, empty
from tests.pairgen.samples import Fakes, pair, pairs

PREAMBLES = (
    "Sure! Here is the rewritten text: The library closes at nine.",
    "Sure, here you go: The library closes at nine.",
    "Here's a rewritten version: The library closes at nine.",
    "Here is a more polite version of the comment: The library closes at nine.",
    "**Rewritten version:** The library closes at nine.",
    "Rewrite: The library closes at nine.",
    "Of course! I'd be happy to help. The library closes at nine.",
    "As an AI language model, I say that the library closes at nine.",
    "The library closes at nine. Let me know if you need anything else!",
    "The library closes at nine. I hope this helps.",
)
REWRITES = (
    "The library closes at nine.",
    "Sure, it closes at nine.",
    "Here is the library: it closes at nine.",
    "Here is my bus.",
    "Of course it closes at nine.",
    "As an aside, it closes at nine.",
    "The version that I read was shorter.",
    "I hope this ends.",
    "Let me know if it rains, and I will stay.",
    "",
)


@pytest.mark.parametrize("positive", PREAMBLES)
def test_a_preamble_is_dropped(positive: str) -> None:
    outcome = apply_filters(pairs(pair(positive)), [Preamble()], Fakes())

    assert (outcome.kept.height, outcome.dropped["score"].to_list()) == (0, [1.0])


@pytest.mark.parametrize("positive", REWRITES)
def test_a_rewrite_is_kept(positive: str) -> None:
    outcome = apply_filters(pairs(pair(positive)), [Preamble()], Fakes())

    assert (outcome.kept["score_preamble"].to_list(), outcome.dropped.height) == ([0.0], 0)


def test_what_the_parent_says_itself_is_no_preamble() -> None:
    said = "Here is my version: it closes at nine"

    assert apply_filters(pairs(pair(f"{said}.", f"{said}, idiot.")), [Preamble()], Fakes()).kept.height == 1


def test_no_pairs() -> None:
    assert apply_filters(empty(PAIRS), [Preamble()], Fakes()).kept.height == 0
