"""Of sets that grew from nearly the same text, the first by its id stays."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from filters.base import apply_filters
from filters.near_duplicate import NearDuplicate
from pairgen.errors import StoreError
from pairgen.near_duplicates import jaccard, shingles
from pairgen.schema import DROPPED, PAIRS, Outcome, check, empty
from pairgen.store import Store, Version
from tests.contents import contents
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


def dropped_by(found: NearDuplicate, table: pl.DataFrame) -> Outcome:
    (nearest,) = found.nearest([table])
    return found.drop(table, nearest)


@pytest.mark.parametrize("against", [(), ("demo",)])
@pytest.mark.parametrize("lazy", [False, True])
def test_cut_into_tables_the_pairs_have_the_same_near_duplicates(
    publish: Callable[[int], Version], tmp_path: Path, against: tuple[str, ...], lazy: bool
) -> None:
    publish(24)
    settled = NearDuplicate(against=against).settled(tmp_path)
    some = pl.concat([AGAINST, TABLE.with_columns(pl.col("set_id") + "2", pl.col("pair_id") + "2")])
    (whole,) = settled.nearest([some])
    cut = [some[:1], some[1:1], some[1:4], some[4:]]

    found = list(settled.nearest([each.lazy() for each in cut] if lazy else cut))

    assert [each.height for each in found] == [1, 0, 3, 5]
    assert_frame_equal(pl.concat(found), whole)
    assert whole["duplicate_of"].drop_nulls().len() == (5 if against else 2)


def test_a_dropped_pair_says_of_what_it_is_a_near_duplicate() -> None:
    outcome = dropped_by(NearDuplicate(), TABLE)

    assert outcome.dropped.select("positive", "drop_reason", "duplicate_of").rows() == [("One.", "near_duplicate", "a")]
    assert outcome.kept.columns == [*PAIRS, "score_near_duplicate"]
    check(outcome.dropped, DROPPED, stage="test")


# Other versions -------------------------------------------------------------------------------------------------------

OLD = contents().pairs.sort("pair_id").collect()
TOXIC = OLD.filter(pl.col("negative_kind") == "toxic").row(0, named=True)
SWAPPED = OLD.filter(pl.col("negative_kind") == "swap_num").row(0, named=True)
AGAINST = pairs(
    pair("Nobody waits.", TOXIC["parent"] + "!", set_id="a"),  # near in its parent
    pair(TOXIC["positive"] + "!", "Another toxic text, damn it.", set_id="b"),  # in its positive
    pair("A clean one.", SWAPPED["negative"] + "!", parent="A clean one.", set_id="c"),  # in its negative
    pair("Nothing like it.", "You fool, nothing is like it.", set_id="d"),
    pair("Another thing.", "You fool, nothing is like it!", set_id="e"),  # nearly duplicates d
)


@pytest.fixture
def publish(tmp_path: Path) -> Callable[[int], Version]:
    def published(sets: int) -> Version:
        built = replace(contents(sets), recipe='[publish]\nname = "demo"\n')
        return Store(tmp_path).publish("demo", built, documents=lambda _: {})[0]

    return published


def test_a_pair_near_a_text_of_another_version_goes_and_says_which(
    publish: Callable[[int], Version], tmp_path: Path
) -> None:
    publish(24)

    settled = NearDuplicate(against=("demo",)).settled(tmp_path)
    outcome = dropped_by(settled, AGAINST)

    assert outcome.kept.select("set_id", "score_near_duplicate").rows() == [("d", 0)]
    assert outcome.dropped.select("set_id", "drop_reason", "duplicate_of").rows() == [
        ("a", "near_duplicate", f"demo@v1 {TOXIC['set_id']}"),
        ("b", "near_duplicate", f"demo@v1 {TOXIC['set_id']}"),
        ("c", "near_duplicate", f"demo@v1 {SWAPPED['set_id']}"),
        ("e", "near_duplicate", "d"),
    ]
    first = jaccard(shingles(TOXIC["parent"] + "!"), shingles(TOXIC["parent"]))
    assert outcome.dropped["score"][0] == outcome.dropped["score_near_duplicate"][0] == first
    assert dropped_by(NearDuplicate(), AGAINST).kept["set_id"].to_list() == ["a", "b", "c", "d"]
    assert dropped_by(settled, empty(PAIRS)).kept.height == 0


def test_settled_names_the_digest_and_takes_no_other(publish: Callable[[int], Version], tmp_path: Path) -> None:
    first, second = publish(24), publish(18)

    settled = NearDuplicate(against=("demo@v1", "demo@latest")).settled(tmp_path)

    assert settled.against == (f"demo@v1@{first.digest}", f"demo@v2@{second.digest}")
    assert settled.settled(tmp_path) == settled
    with pytest.raises(StoreError, match=rf"^demo@v1: has the digest {first.digest} in .*, expected {second.digest}; "):
        NearDuplicate(against=(f"demo@v1@{second.digest}",)).settled(tmp_path)
    with pytest.raises(StoreError, match="settle the filter first"):
        NearDuplicate(against=("demo",)).score(TABLE, Fakes())


def test_an_unknown_or_withdrawn_version_is_one_line(publish: Callable[[int], Version], tmp_path: Path) -> None:
    publish(24)
    Store(tmp_path).withdraw("demo@v1", "a licence is missing")
    for reference, line in (
        ("nosuch", "nosuch: no data set 'nosuch' in "),
        ("demo@v7", "demo@v7: no such version in "),
        ("demo@v1", "demo@v1: was withdrawn on "),
    ):
        with pytest.raises(StoreError) as caught:
            NearDuplicate(against=(reference,)).settled(tmp_path)
        assert str(caught.value).startswith(line)
        assert "\n" not in str(caught.value)


def test_no_pairs() -> None:
    assert apply_filters(empty(PAIRS), [NearDuplicate()], Fakes()).kept.height == 0
