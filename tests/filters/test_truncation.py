"""A rewrite that breaks off where its parent did not."""

import pytest

from filters.base import apply_filters
from filters.truncation import Truncation
from pairgen.schema import PAIRS, empty
from tests.pairgen.samples import Fakes, pair, pairs

PARENT = "The idiots closed the library, and nobody told us."


@pytest.mark.parametrize(
    ("positive", "parent", "score"),
    [
        ("They closed the library.", PARENT, 0),
        ("They closed the library!”", PARENT, 0),
        ("They closed the library", PARENT, 0.5),
        ("They closed the", PARENT, 1),
        ("They closed the library,", PARENT, 1),
        ("They closed the library, and", PARENT, 1),
        ("They closed the library (", PARENT, 1),
        ("They closed the libr-", PARENT, 1),
        ("they closed the library", "the idiots closed the library", 0),
        ("What is it for", "What the hell is it for", 0),
        ("", "", 0),
        ("", PARENT, 0.5),
    ],
)
def test_both_sides_of_the_limit(positive: str, parent: str, score: float) -> None:
    table = pairs(pair(positive, parent=parent))

    assert Truncation().score(table, Fakes()).to_list() == [score]
    for most in (0, 0.49, 0.5, 1):
        outcome = apply_filters(table, [Truncation(max_score=most)], Fakes())
        assert (outcome.kept.height, outcome.dropped.height) == (score <= most, score > most)


def test_no_pairs() -> None:
    assert apply_filters(empty(PAIRS), [Truncation()], Fakes()).kept.height == 0
