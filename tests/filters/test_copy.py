"""A positive that is its negative teaches nothing; a minimal edit is no copy."""

import pytest

from filters.base import apply_filters
from filters.copy import Copy
from pairgen.schema import PAIRS, empty
from tests.pairgen.samples import Fakes, pair, pairs


@pytest.mark.parametrize(
    ("positive", "negative", "changed"),
    [
        ("It opens at 9.", "it  OPENS at 9. ", 0),
        ("It opens at 9.", "It opens at 8.", 1),
        ("It opens at 9.", "It damn well opens at 9.", 2),
        ("It opens.", "It opens at 9.", 3),
        ("", "", 0),
    ],
)
def test_words_changed(positive: str, negative: str, changed: int) -> None:
    table = pairs(pair(positive, negative))

    assert Copy().score(table, Fakes()).to_list() == [changed]
    for least in (1, 2, 3):
        outcome = apply_filters(table, [Copy(min_changed_words=least)], Fakes())
        assert (outcome.kept.height, outcome.dropped.height) == (changed >= least, changed < least)


def test_the_parent_has_no_say() -> None:
    assert apply_filters(pairs(pair("Same.", "Other.", parent="Same.")), [Copy()], Fakes()).kept.height == 1


def test_no_pairs() -> None:
    assert apply_filters(empty(PAIRS), [Copy()], Fakes()).kept.height == 0
