"""Of sets that grew from nearly the same text, the first by its id stays."""

import pytest

from filters.base import apply_filters
from filters.near_duplicate import NearDuplicate
from pairgen.near_duplicates import jaccard, shingles
from pairgen.schema import PAIRS, empty
from tests.pairgen.samples import Fakes, pair, pairs

BASE = "Only a damn idiot would complain that the council keeps the library open until nine."
NEAR = BASE.replace("nine", "noon")
SIMILARITY = jaccard(shingles(BASE), shingles(NEAR))
TABLE = pairs(
    pair("One.", NEAR, set_id="b"),
    pair("Two.", "Something else, idiot.", set_id="c"),
    pair("Three.", BASE, set_id="a"),
    pair("Four.", "It opens at 8.", parent=BASE, set_id="a"),
)


def test_pairs_of_a_set_go_together_and_the_first_set_stays() -> None:
    outcome = apply_filters(TABLE, [NearDuplicate(max_score=0.8)], Fakes())

    assert outcome.kept.select("positive", "score_near_duplicate").rows() == [("Two.", 0), ("Three.", 0), ("Four.", 0)]
    assert outcome.dropped.select("positive", "score").rows() == [("One.", SIMILARITY)]


@pytest.mark.parametrize(("limit", "kept"), [(SIMILARITY, 4), (SIMILARITY - 1e-9, 3), (1, 4)])
def test_the_limit_is_inclusive(limit: float, kept: int) -> None:
    assert apply_filters(TABLE, [NearDuplicate(max_score=limit)], Fakes()).kept.height == kept


def test_the_order_of_the_pairs_does_not_matter() -> None:
    outcome = apply_filters(TABLE.reverse(), [NearDuplicate()], Fakes())

    assert outcome.dropped["positive"].to_list() == ["One."]


def test_it_compares_sets() -> None:
    assert NearDuplicate.across_sets


def test_no_pairs() -> None:
    assert apply_filters(empty(PAIRS), [NearDuplicate()], Fakes()).kept.height == 0
