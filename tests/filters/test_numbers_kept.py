"""Every number of the parent stands in the positive as often, and no new one does."""

import pytest

from filters.base import apply_filters
from filters.numbers_kept import NumbersKept
from pairgen.schema import PAIRS, empty
from tests.pairgen.samples import Fakes, pair, pairs


@pytest.mark.parametrize(
    ("parent", "positive", "ratio"),
    [
        ("pay $5 by May, idiot", "pay $5 by May", 1),
        ("pay $5 by May, idiot", "pay $6 by May", 0),
        ("pay $5 by May, idiot", "pay by May", 0),
        ("pay by May, idiot", "pay $5 by May", 0),
        ("2 idiots met 3 fools", "2 people met 3 others", 1),
        ("2 idiots met 3 fools", "2 people met others", 0.5),
        ("2 idiots met 2 fools", "2 people met", 0.5),
        ("Two idiots", "two people", 1),
        ("damn it", "oh dear", 1),
        ("", "", 1),
    ],
)
def test_shared_numbers(parent: str, positive: str, ratio: float) -> None:
    table = pairs(pair(positive, "You have 7 lives, idiot.", parent=parent))

    assert NumbersKept().score(table, Fakes()).to_list() == [ratio]
    for least in (0.5, 0.51, 1.0):
        outcome = apply_filters(table, [NumbersKept(min_ratio=least)], Fakes())
        assert (outcome.kept.height, outcome.dropped.height) == (ratio >= least, ratio < least)


def test_no_pairs() -> None:
    assert apply_filters(empty(PAIRS), [NumbersKept()], Fakes()).kept.height == 0
