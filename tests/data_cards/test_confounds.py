"""Plain counts of what a model could learn instead: identities as whole words, and words that stand on one side."""

from dataclasses import replace

import polars as pl

from data_cards.confounds import vocabulary
from data_cards.stats import count
from tests.contents import contents


def pairs(positives: list[str], negatives: list[str], kind: str = "toxic") -> pl.LazyFrame:
    texts = {"positive": positives, "negative": negatives, "negative_kind": [kind] * len(positives)}
    return pl.LazyFrame({**texts, "pair_id": [f"{number:03}" for number in range(len(positives))]})


def test_identity_words_are_counted_as_whole_words_on_both_sides() -> None:
    texts = {
        "positive": ["She is a Woman.", "A womanly hat.", "Nobody."],
        "negative": ["She is.", "A hat.", "A gay man."],
    }
    pairs = contents(24).pairs.head(3).with_columns(**{side: pl.Series(said) for side, said in texts.items()})

    rows = {row["group"]: row for row in count(replace(contents(24), pairs=pairs))["identity"]}

    assert rows["any"] == {"group": "any", "positive": 1, "negative": 1, "lost": 1, "gained": 1}
    assert rows["gender"]["positive"] == 1
    assert rows["sexuality"] == {"group": "sexuality", "positive": 0, "negative": 1, "lost": 1, "gained": 0}


def test_a_word_on_one_side_stands_out_and_one_on_both_does_not() -> None:
    number = [f"house {letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]

    [row] = vocabulary(
        pairs([f"The {one} is dear." for one in number], [f"The {one} is Daft, daft." for one in number])
    )

    assert (row["group"], row["pairs"]) == ("toxic", 26)
    assert row["negative"] == [{"word": "daft", "positive": 0, "negative": 26}]
    assert row["positive"] == [{"word": "dear", "positive": 26, "negative": 0}]


def test_a_text_in_many_pairs_counts_once_and_chance_does_not_show() -> None:
    [row] = vocabulary(pairs(["a house"] * 30, ["a daft house"] * 30))

    assert row == {"group": "toxic", "pairs": 30, "positive": [], "negative": []}


def test_toxic_and_unfaithful_negatives_are_told_apart_and_the_empty_have_no_row() -> None:
    built = contents(180)

    rows = {row["group"]: row for row in vocabulary(built.pairs)}

    assert {group: row["pairs"] for group, row in rows.items()} == {"toxic": 120, "unfaithful": 180}
    assert {each["word"] for each in rows["toxic"]["negative"]} == {"damn", "idiot", "you"}
    assert rows["toxic"]["positive"] == []  # negatives are longer, and hold every word of theirs as often
    assert {each["word"] for each in rows["unfaithful"]["negative"]} == {"never"}
    assert vocabulary(built.pairs.clear()) == []


def test_words_of_no_letters_or_of_no_end_are_none() -> None:
    assert vocabulary(pairs(["12 ✓"] * 3, ["w" * 100_000, "_", ""]))[0]["negative"] == []
