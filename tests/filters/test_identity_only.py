"""A negative whose toxicity goes with its identity terms is no toxic text."""

from typing import Any

import pytest

from filters.base import apply_filters
from filters.identity_only import IdentityOnly
from pairgen.schema import PAIRS, empty
from tests.pairgen.samples import Fakes, WordToxicity, pair, pairs

FAKES = Fakes(toxicity=WordToxicity(gay=0.8, idiot=0.9, fool=0.4))


@pytest.mark.parametrize(
    ("negative", "ratio"),
    [
        ("I am a gay man.", 0),
        ("That gay fool.", 0.5),
        ("That gay idiot.", 1),
        ("That idiot.", 1),
        ("An old woman.", 1),  # nothing is toxic, with or without
        ("", 1),
    ],
)
def test_both_sides_of_the_limit(negative: str, ratio: float) -> None:
    table = pairs(pair("Fine.", negative))

    assert IdentityOnly().score(table, FAKES).to_list() == pytest.approx([ratio])
    for least in (0.0, 0.5, 0.51, 1.0):
        outcome = apply_filters(table, [IdentityOnly(min_ratio=least)], FAKES)
        assert (outcome.kept.height, outcome.dropped.height) == (ratio >= least, ratio < least)


def test_other_kinds_of_negatives_need_not_be_toxic() -> None:
    row: dict[str, Any] = pair("A gay man.", "A gay woman.") | {"negative_kind": "swap_ent"}

    assert IdentityOnly().score(pairs(row), FAKES).to_list() == [1]


def test_what_cannot_be_scored_is_dropped_as_unscored_and_nothing_else_is() -> None:
    table = pairs(pair("Fine.", "unscorable gay"), pair("Fine.", "unscorable"), pair("Fine.", "a gay idiot"))

    outcome = apply_filters(table, [IdentityOnly()], FAKES)

    assert outcome.kept["negative"].to_list() == ["unscorable", "a gay idiot"]
    assert outcome.dropped["drop_reason"].to_list() == ["identity_only_unscored"]


def test_no_pairs() -> None:
    assert apply_filters(empty(PAIRS), [IdentityOnly()], FAKES).kept.height == 0
