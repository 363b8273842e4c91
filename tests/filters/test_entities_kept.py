"""Every name of the parent stands in the positive, and no new one does."""

import pytest

from filters.base import apply_filters
from filters.entities_kept import EntitiesKept
from pairgen.models import Parser
from pairgen.schema import PAIRS, empty
from tests.pairgen.samples import Fakes, pair, pairs


@pytest.mark.parametrize(
    ("parent", "positive", "ratio"),
    [
        ("The idiots flew from Chicago to Paris.", "The people flew from Chicago to Paris.", 1),
        ("The idiots flew from Chicago to Paris.", "The people flew from CHICAGO to paris.", 1),
        ("The idiots flew from Chicago to Paris.", "The people flew from Chicago.", 0.5),
        ("The idiots flew from Chicago.", "The people flew from Boston.", 0),
        ("The idiots flew.", "The people flew to Boston.", 0),
        ("The idiots met Ann Baker in Chicago.", "They met Ann Bakersfield in Chicago.", 1 / 3),
        ("the idiots flew .", "the people flew to rotterdam .", 0),
        ("the idiots flew to rotterdam .", "the people flew to rotterdam .", 1),
        ("the losers left a remark .", "the commenters left a remark .", 1),  # no dictionary has it, our lexicon does
        ("the losers shut the shop .", "the workers shut the shop .", 1),
        ("Idiots!", "People!", 1),
        ("", "", 1),
    ],
)
def test_shared_names(parent: str, positive: str, ratio: float, parser: Parser) -> None:
    table, fakes = pairs(pair(positive, "They live in Madrid.", parent=parent)), Fakes(parser=parser)

    assert EntitiesKept().score(table, fakes).to_list() == pytest.approx([ratio])
    for least in (0.5, 0.51, 1.0):
        outcome = apply_filters(table, [EntitiesKept(min_ratio=least)], fakes)
        assert (outcome.kept.height, outcome.dropped.height) == (ratio >= least, ratio < least)


def test_an_insult_with_a_capital_is_no_name(parser: Parser) -> None:
    table = pairs(pair("People like that live in Chicago.", "Moron Idiot lives in Chicago."))

    assert EntitiesKept().score(table, Fakes(parser=parser)).to_list() == [1.0]


def test_no_pairs(parser: Parser) -> None:
    assert apply_filters(empty(PAIRS), [EntitiesKept()], Fakes(parser=parser)).kept.height == 0
