"""How many negations the positive has more or less than its parent: a flag, or with a limit a gate."""

import pytest

from filters.base import apply_filters
from filters.negation_kept import NegationKept
from pairgen.schema import PAIRS, empty
from tests.pairgen.samples import Fakes, pair, pairs


@pytest.mark.parametrize(
    ("parent", "positive", "changed"),
    [
        ("They did not pay, the idiots.", "They did not pay.", 0),
        ("They did not pay, the idiots.", "They didn't pay.", 0),
        ("They did not pay, the idiots.", "They did pay.", 1),
        ("They paid, the idiots.", "They never paid.", 1),
        ("No idiot pays nothing.", "People pay.", 2),
        ("", "", 0),
    ],
)
def test_both_sides_of_the_limit(parent: str, positive: str, changed: int) -> None:
    table = pairs(pair(positive, parent=parent))

    assert NegationKept().score(table, Fakes()).to_list() == [changed]
    for limit in (0, 1, 2):
        outcome = apply_filters(table, [NegationKept(max_changed=limit)], Fakes())
        assert (outcome.kept.height, outcome.dropped.height) == (changed <= limit, changed > limit)
    assert apply_filters(table, [NegationKept()], Fakes()).kept["score_negation_kept"].to_list() == [changed]


def test_no_pairs() -> None:
    assert apply_filters(empty(PAIRS), [NegationKept()], Fakes()).kept.height == 0
