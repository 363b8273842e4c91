"""Splits: the same in every run, the fractions asked for, and no near duplicate across them."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pydantic import ValidationError

from pairgen.digests import digest
from pairgen.near_duplicates import jaccard, shingles
from pairgen.schema import DROPPED, PAIRS, TEXTS, check, empty
from pairgen.splits import SplitSettings, drop_leaks, drop_shared, find_leaks, find_shared, split_of
from tests.pairgen.samples import texts

BASE = "The council keeps the library open until nine, and only an idiot would complain about that."
NEAR = BASE.replace("nine", "noon")
NEARER = BASE.replace("nine", "nine!")


def test_the_split_of_a_text_is_the_same_in_every_run() -> None:
    drawn = [split_of(digest(str(number)), validation_fraction=0.1, test_fraction=0.1) for number in range(40)]

    assert [place for place, split in enumerate(drawn) if split == "test"] == [2, 10, 12, 15, 17, 38]
    assert [place for place, split in enumerate(drawn) if split == "validation"] == [29, 30]


def test_fractions_hold_and_a_text_stays_where_it_was_when_validation_grows() -> None:
    ids = [digest(str(number)) for number in range(5_000)]
    small = [split_of(text_id, validation_fraction=0.1, test_fraction=0.2) for text_id in ids]
    large = [split_of(text_id, validation_fraction=0.3, test_fraction=0.2) for text_id in ids]

    assert small.count("test") / len(ids) == pytest.approx(0.2, abs=0.02)
    assert small.count("validation") / len(ids) == pytest.approx(0.1, abs=0.02)
    assert large.count("validation") / len(ids) == pytest.approx(0.3, abs=0.02)
    moved = {pair for pair in zip(small, large, strict=True) if pair[0] != pair[1]}
    assert moved == {("train", "validation")}


def test_fractions_of_nothing_leave_all_to_train() -> None:
    assert {split_of(digest(str(n)), validation_fraction=0, test_fraction=0) for n in range(50)} == {"train"}


@pytest.mark.parametrize(
    "wrong", [{"validation_fraction": 0.5, "test_fraction": 0.5}, {"test_fraction": -0.1}, {"max_similarity": 0.6}]
)
def test_settings_that_make_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        SplitSettings(**wrong)


def test_a_leak_is_found_and_dropped_from_train() -> None:
    table = texts(BASE, "Something else, damn it.", NEARER, split=["test", "train", "train"])

    leaks = find_leaks([table.head(1), table.tail(2)], max_similarity=0.8)
    outcome = drop_leaks(table, leaks=leaks)

    similarity = jaccard(shingles(BASE), shingles(NEARER))
    assert leaks.rows() == [(table["text_id"][2], NEARER, similarity)]
    assert outcome.kept.rows() == table.head(2).rows()
    assert outcome.dropped.select("stage", "drop_reason", "score", "unit", "id", "text", "split").rows() == [
        ("split", "near_duplicate_in_other_split", similarity, "text", table["text_id"][2], NEARER, "train")
    ]
    check(outcome.kept, TEXTS, stage="split")
    check(outcome.dropped, DROPPED, stage="split")


def test_the_threshold_is_inclusive() -> None:
    table = texts(BASE, NEAR, split=["test", "train"])
    similarity = jaccard(shingles(BASE), shingles(NEAR))

    assert find_leaks([table], max_similarity=similarity).height == 0
    assert find_leaks([table], max_similarity=similarity - 1e-9).height == 1


@pytest.mark.parametrize(
    ("splits", "leaking"),
    [
        (("train", "train"), []),
        (("test", "validation"), [1]),
        (("validation", "test"), [0]),
        (("validation", "train"), [1]),
        (("train", "test"), [0]),
    ],
)
def test_test_comes_before_validation_and_validation_before_train(splits: tuple[str, str], leaking: list[int]) -> None:
    table = texts(BASE, NEARER, split=splits)

    leaks = find_leaks([table], max_similarity=0.8)

    assert leaks["text_id"].to_list() == [table["text_id"][place] for place in leaking]


def test_a_leak_is_found_though_a_text_of_its_own_split_is_nearer() -> None:
    """Of copies of a test text that stand in train, each is nearer to the other copy than to the test text."""
    copies = [f"{BASE} {'Damn' * number}" for number in (1, 2, 3)]
    table = texts(BASE, *copies, split=["test", "train", "train", "train"])

    leaks = find_leaks([table], max_similarity=0.8)

    assert sorted(leaks["text_id"]) == sorted(table["text_id"][1:])


@pytest.mark.parametrize(
    ("splits", "leaking"),
    [
        (("train", "train", "train"), []),
        (
            ("test", "train", "train"),
            [(1, NEARER), (2, NEARER)],
        ),  # a reference of test, a text and a reference of train
        (("train", "test", "train"), [(0, BASE), (2, NEARER)]),
        (("train", "train", "test"), [(0, BASE), (1, NEARER)]),
    ],
)
def test_a_reference_leaks_and_is_leaked_as_a_text_is(splits: list[str], leaking: list[tuple[int, str]]) -> None:
    table = texts("You fool.", NEARER, "That damn idiot.", split=splits).with_columns(
        references=pl.Series([[BASE, "", BASE], [], [NEARER, "No."]])
    )

    leaks = find_leaks([table.head(2), table.tail(1)], max_similarity=0.8)

    found = sorted(leaks.select("text_id", "text").rows())
    assert found == sorted((table["text_id"][place], text) for place, text in leaking)
    text_leaks = {text for place, text in leaking if text == table["text"][place]}
    assert drop_leaks(table, leaks=leaks).dropped["text"].to_list() == list(text_leaks)


def test_leaks_do_not_depend_on_the_order_or_the_shards() -> None:
    table = texts(BASE, NEAR, NEARER, "Damn.", split=["validation", "test", "train", "train"])

    one = find_leaks([table], max_similarity=0.7)
    other = find_leaks([table.tail(2).reverse(), empty(TEXTS), table.head(2).reverse()], max_similarity=0.7)

    lazy = find_leaks([table.head(1).lazy(), table.tail(3).lazy()], max_similarity=0.7)

    assert one.height == 2
    assert_frame_equal(one, other)
    assert_frame_equal(one, lazy)


@pytest.mark.parametrize("tables", [[], [empty(TEXTS)]])
def test_no_texts(tables: list[pl.DataFrame]) -> None:
    leaks = find_leaks(tables, max_similarity=0.8)
    outcome = drop_leaks(empty(TEXTS), leaks=leaks)

    assert leaks.schema == {"text_id": pl.String, "text": pl.String, "score_similarity": pl.Float64}
    assert outcome.kept.schema == TEXTS
    assert outcome.dropped.schema == DROPPED


def test_a_pair_whose_text_stands_in_an_earlier_split_is_dropped() -> None:
    texts = {
        "train": ("He is unwise.", "He is an idiot."),
        "test": ("he is  UNWISE.", "He is a fool."),
        "validation": ("No.", "Yes."),
    }
    rows = [
        {**dict.fromkeys(PAIRS, "x"), "pair_id": split, "split": split, "positive": positive, "negative": negative}
        for split, (positive, negative) in texts.items()
    ]
    clean_of_rewrite = {**rows[0], "pair_id": "other", "positive": "Yes!", "negative": "YES."}
    pairs = pl.DataFrame([*rows, clean_of_rewrite], schema=PAIRS)

    shared = find_shared([pairs[:1], pairs[1:].lazy()])
    outcome = drop_shared(pairs, shared=shared)

    assert outcome.kept["pair_id"].to_list() == ["test", "validation"]
    assert outcome.dropped.select("id", "stage", "drop_reason").rows() == [
        ("train", "disjoint", "text_in_other_split"),
        ("other", "disjoint", "text_in_other_split"),
    ]
    assert shared.rows() == [("he is unwise.", 0), ("yes.", 1)]
    assert drop_shared(pairs.clear(), shared=shared).kept.height == 0
    assert find_shared([]).height == find_shared([pairs.clear()]).height == 0
