"""Characters of the positive over those of its parent, both limits inclusive."""

import pytest
from pydantic import ValidationError

from filters.base import apply_filters
from filters.length_ratio import LengthRatio
from pairgen.schema import PAIRS, empty
from tests.pairgen.samples import Fakes, pair, pairs


@pytest.mark.parametrize(
    ("positive", "parent", "reason"),
    [
        ("abcd", "0123456789", None),
        ("abc", "0123456789", "length_ratio"),
        ("é" * 18, "0123456789", None),
        ("é" * 19, "0123456789", "length_ratio"),
        ("", "0123456789", "length_ratio"),
        ("abc", "", "length_ratio"),
        ("", "", "length_ratio_unscored"),
    ],
)
def test_both_limits(positive: str, parent: str, reason: str | None) -> None:
    table = pairs(pair(positive, "0123456789" * 9, parent=parent))

    outcome = apply_filters(table, [LengthRatio(min_ratio=0.4, max_ratio=1.8)], Fakes())

    assert outcome.dropped["drop_reason"].to_list() == ([reason] if reason else [])
    assert outcome.kept.height == (reason is None)


def test_limits_that_cross_are_refused() -> None:
    assert LengthRatio(min_ratio=1, max_ratio=1)
    with pytest.raises(ValidationError, match=r"min_ratio 1.1 is over max_ratio 1.0"):
        LengthRatio(min_ratio=1.1, max_ratio=1)


def test_no_pairs() -> None:
    assert apply_filters(empty(PAIRS), [LengthRatio()], Fakes()).kept.height == 0
