"""What a language model says instead of the rewrite is dropped; what the parent says itself is not."""

import pytest

from filters.base import apply_filters
from filters.refusal import Refusal
from pairgen.schema import PAIRS, empty
from tests.pairgen.samples import Fakes, pair, pairs

REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "I am so sorry, I cannot do that.",
    "Sorry, but I can't assist.",
    "“I cannot rewrite this comment.”",
    "I can’t provide that.",
    "I'm not able to help with this.",
    "I am unable to comply.",
    "I won't write that.",
    "As an AI language model, I do not insult people.",
    "as a large model I would rather not",
    "My apologies, but no.",
)
REWRITES = (
    "The library closes at nine.",
    "I'm sorry for the delay.",
    "Sorry to hear it.",
    "I cannot stand the noise.",
    "As an aside, it opens at nine.",
    "He said: I'm sorry, but I can't help.",
    "",
)


@pytest.mark.parametrize("positive", REFUSALS)
def test_a_refusal_is_dropped(positive: str) -> None:
    outcome = apply_filters(pairs(pair(positive)), [Refusal()], Fakes())

    assert (outcome.kept.height, outcome.dropped["score"].to_list()) == (0, [1.0])


@pytest.mark.parametrize("positive", REWRITES)
def test_a_rewrite_is_kept(positive: str) -> None:
    outcome = apply_filters(pairs(pair(positive)), [Refusal()], Fakes())

    assert (outcome.kept["score_refusal"].to_list(), outcome.dropped.height) == ([0.0], 0)


@pytest.mark.parametrize("parent", ["I can't help you, idiot.", "Damn, I CAN'T HELP you."])
def test_what_the_parent_says_itself_is_no_refusal(parent: str) -> None:
    assert apply_filters(pairs(pair("I can't help you.", parent)), [Refusal()], Fakes()).kept.height == 1


def test_no_pairs() -> None:
    assert apply_filters(empty(PAIRS), [Refusal()], Fakes()).kept.height == 0
