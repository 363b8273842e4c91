"""Which pairs a step sees."""

from pathlib import Path

import polars as pl
import pytest

from pairgen.errors import TrainingError
from pairgen.loading import load_causal_lm
from training.batches import Pair, members, plan, refuse_unfit, train_pairs, within_reach
from training.settings import TrainSettings


def many(count: int, kinds: tuple[str, ...] = ("toxic",)) -> pl.DataFrame:
    """`count` pairs, two of each set; the kinds of their negatives come in turn."""
    rows = [
        {
            "pair_id": f"p{n:03d}",
            "set_id": f"s{n // 2:03d}",
            "context": "",
            "positive": "p " * (n + 1),
            "negative": f"n{n // 2}",
            "negative_kind": kinds[n % len(kinds)],
        }
        for n in range(count)
    ]
    return pl.DataFrame(rows).with_columns(split=pl.lit("train"))


def test_only_the_train_split_is_trained_on() -> None:
    splits = ["train", "validation", "test"] * 4

    found = train_pairs(many(12).with_columns(split=pl.Series(splits)))

    assert found["pair_id"].to_list() == ["p000", "p003", "p006", "p009"]


def test_no_pairs_in_train_is_an_error() -> None:
    with pytest.raises(TrainingError, match="4 pairs, none of split 'train'"):
        train_pairs(many(4).with_columns(split=pl.lit("test")))
    with pytest.raises(TrainingError, match="0 pairs"):
        train_pairs(many(4).clear())


@pytest.mark.parametrize(
    ("column", "text", "said"), [("positive", " ", "empty text"), ("negative", "p p ", "same text twice")]
)
def test_a_pair_that_teaches_nothing_is_an_error_that_names_it(column: str, text: str, said: str) -> None:
    bad = many(4).with_columns(
        pl.when(pl.col("pair_id") == "p001").then(pl.lit(text)).otherwise(pl.col(column)).alias(column)
    )

    with pytest.raises(TrainingError, match=f"p001.*{said}"):
        train_pairs(bad)


def test_pairs_that_differ_beyond_what_is_read_are_left_out(tiny_model: Path) -> None:
    _, tokenizer = load_causal_lm(str(tiny_model))
    long = "The library is open until nine. " * 8
    rows = [
        ("first word", f"A. {long}", f"B. {long}"),
        ("last word", f"{long} A.", f"{long} B."),
        ("longer", "Open.", f"Open. {long}"),
        ("short", "Open.", "Shut."),
    ]
    pairs = pl.DataFrame(rows, schema=["pair_id", "positive", "negative"], orient="row").with_columns(
        context=pl.lit("")
    )

    assert within_reach(pairs, tokenizer, max_tokens=32)["pair_id"].to_list() == ["first word", "longer", "short"]
    assert within_reach(pairs, tokenizer, max_tokens=500).equals(pairs)
    with pytest.raises(TrainingError, match=r"^none of 1 pairs differs within max_tokens = 32, .* raise it$"):
        within_reach(pairs[1:2], tokenizer, max_tokens=32)


def test_every_pair_is_seen_once_before_any_is_seen_again() -> None:
    batches = plan(many(20), steps=5, batch_pairs=4, toxic_fraction=0.75, seed=0)

    positives = [member.text for batch in batches for member in batch if member.is_positive]
    assert sorted(positives) == sorted(many(20)["positive"])
    assert len(plan(many(20), steps=13, batch_pairs=4, toxic_fraction=0.75, seed=0)) == 13


def test_a_set_stays_together_with_its_different_texts() -> None:
    (batch,) = plan(many(4), steps=1, batch_pairs=4, toxic_fraction=0.75, seed=0)

    roles = {number: [member.is_positive for member in batch if member.set_id == number] for number in (0, 1)}
    assert all(sorted(found) == [False, True, True] for found in roles.values())


@pytest.mark.parametrize("kinds", [("toxic", "swap_num"), ("toxic", "toxic", "swap_num", "swap_num")])
def test_a_batch_has_its_toxic_pairs_however_many_the_version_has(kinds: tuple[str, ...]) -> None:
    toxic = set(many(64, kinds).filter(pl.col("negative_kind") == "toxic")["positive"])

    for batch in plan(many(64, kinds), steps=20, batch_pairs=8, toxic_fraction=0.75, seed=0):
        positives = [member.text for member in batch if member.is_positive]
        assert len(positives) == 8
        assert len(toxic.intersection(positives)) == 6


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_no_sort_of_pair_is_left_out(fraction: float) -> None:
    table = many(16, ("toxic", "swap_num"))
    toxic = set(table.filter(pl.col("negative_kind") == "toxic")["positive"])

    for batch in plan(table, steps=4, batch_pairs=4, toxic_fraction=fraction, seed=0):
        found = {member.text in toxic for member in batch if member.is_positive}
        assert found == {True, False}


@pytest.mark.parametrize("kind", ["toxic", "swap_num"])
def test_without_pairs_of_one_sort_the_others_fill_the_batch(kind: str) -> None:
    (batch,) = plan(many(32, (kind,)), steps=1, batch_pairs=8, toxic_fraction=0.75, seed=0)

    assert sum(member.is_positive for member in batch) == 8


def test_the_seed_decides_and_the_order_of_rows_does_not() -> None:
    first = plan(train_pairs(many(40)), steps=10, batch_pairs=4, toxic_fraction=0.75, seed=1)

    assert first == plan(train_pairs(many(40).reverse()), steps=10, batch_pairs=4, toxic_fraction=0.75, seed=1)
    assert first != plan(train_pairs(many(40)), steps=10, batch_pairs=4, toxic_fraction=0.75, seed=2)


def test_the_pairs_that_come_first_are_drawn_too() -> None:
    def first_half(seed: int) -> set[str]:
        return {
            member.text
            for batch in plan(many(128), steps=32, batch_pairs=2, toxic_fraction=0.5, seed=seed)
            for member in batch
        }

    assert first_half(1) != first_half(2)


def test_a_member_knows_the_kind_it_was_made_by() -> None:
    batch = [
        Pair("1", "a", "", "It is open.", "It is not open.", "negation"),
        Pair("2", "a", "", "It is open.", "Fool.", "toxic"),
    ]

    found = [(member.text, member.kind, member.is_positive) for member in members(batch)]

    assert found == [("It is open.", "", True), ("It is not open.", "negation", False), ("Fool.", "toxic", False)]


@pytest.mark.parametrize("wanted", [{"kind_weights": {"negation": 2.0}}, {"scaling": "toxicity"}])
def test_a_weighed_kind_that_the_version_lacks_is_an_error(wanted: dict[str, object]) -> None:
    kind = "toxic" if "scaling" in wanted else "negation"

    with pytest.raises(TrainingError, match=f"no pairs whose negative is '{kind}'.*this version has: swap_num"):
        refuse_unfit(many(4, ("swap_num",)), TrainSettings(**wanted))
    refuse_unfit(many(4, (kind,)), TrainSettings(**wanted))


def test_sets_of_one_positive_and_no_context_have_nothing_to_represent() -> None:
    bare = many(8).filter(pl.int_range(pl.len()) % 2 == 0)
    settings = TrainSettings(contrast="representation")

    with pytest.raises(TrainingError, match="none of 4 sets has two positives or a context; use 'likelihood'"):
        refuse_unfit(bare, settings)
    refuse_unfit(many(8), settings)
    refuse_unfit(bare.with_columns(context=pl.lit("Is it open?")), settings)
    refuse_unfit(bare, TrainSettings(contrast="both"))
