"""Form tells the sides where it differs, and nothing where only words do; no set teaches what it is judged on."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from data_cards.shortcuts import FEATURES, form, shortcuts
from pairgen.digests import digest, fraction, pick
from tests.contents import PLACES, THINGS

FORMLESS = {"form": 0.5, "form_in_pairs": 0.5}


def text(number: int) -> str:
    """Five to 120 words on buildings, some with a mark or a number."""
    seed = str(number)
    words = [pick((*PLACES, *THINGS, "12", "and,"), seed, str(place)) for place in range(5 + number * 7 % 116)]
    return " ".join(words) + pick((".", "!", ""), seed)


def table(
    change: Callable[[str, int], str], *, pairs: int = 120, kind: str = "negation", sets: int = 120
) -> pl.DataFrame:
    rows = [(text(number), change(text(number), number), digest("set", str(number % sets))) for number in range(pairs)]
    made = pl.DataFrame(rows, schema=["positive", "negative", "set_id"], orient="row")
    return made.with_columns(pair_id=pl.Series([digest(*row) for row in rows]), negative_kind=pl.lit(kind))


def lengthened(text: str, _: int) -> str:
    return text.replace(" ", " not ", 1)


def told(*args: Any, **more: Any) -> dict[str, Any]:
    [row] = shortcuts(table(*args, **more).lazy())
    return row


def test_the_form_of_a_text_is_what_it_says() -> None:
    found = dict(zip(FEATURES, form('"Oh no, WE  saw 12!!"'), strict=True))

    assert {name: found[name] for name in ("share of capitals", "capital at the start", "ends in ! or ?")} == {
        "share of capitals": 3 / 21,
        "capital at the start": 1,
        "ends in ! or ?": 1,
    }
    once = {name for name in FEATURES if found[name] == pytest.approx(0.6931, abs=1e-4)}  # log 2
    assert once == {"words in capitals", "commas", "double spaces", "repeated marks"}
    assert (found["mean word length"], found["ends in a full stop"], found["ends in no mark"]) == (2.2, 0, 0)
    assert len(form("")) == len(FEATURES)


def test_one_word_more_is_told_in_pairs_and_hardly_over_all_texts() -> None:
    row = told(lengthened)

    assert row["form"] < 0.7 < row["form_in_pairs"] == 1.0
    assert row["warns"] is True
    assert {"feature": "characters", "share": 0.0} in row["telling"]


def test_a_mark_that_only_negatives_have_is_told_by_any_text() -> None:
    row = told(lambda text, _: f"{text} ;")

    assert (row["form"], row["form_in_pairs"], row["warns"]) == (1.0, 1.0, True)


def test_words_of_one_form_are_told_by_words_alone() -> None:
    row = told(lambda text, _: text.replace("a", "z").replace("e", "z").replace("i", "z").replace("o", "z"))

    assert {**FORMLESS, "telling": [], "warns": False}.items() <= row.items()
    assert row["words"] > 0.95


def test_what_changes_as_often_one_way_as_the_other_is_no_cue() -> None:
    one_way = table(lengthened)
    turned = pl.col("pair_id").map_elements(lambda pair_id: fraction(pair_id) < 0.5, return_dtype=pl.Boolean)
    sides = {
        side: pl.when(turned).then(other).otherwise(side)
        for side, other in (("positive", "negative"), ("negative", "positive"))
    }
    [row] = shortcuts(one_way.lazy().with_columns(**sides))

    assert max(row["form"], row["form_in_pairs"]) < 0.6
    assert row["warns"] is False


def test_no_set_is_in_two_folds() -> None:
    """Words that each set has of its own tell its sides only to who has seen the set."""
    own = table(lambda text, _: text, sets=40).with_columns(
        positive=pl.concat_str(pl.lit("x"), "set_id"), negative=pl.concat_str(pl.lit("y"), "set_id")
    )

    assert shortcuts(own.lazy())[0]["words"] == 0.5


def test_a_toxic_text_may_show() -> None:
    row = told(lambda text, _: f"{text} !!!", kind="toxic")

    assert (row["form"], row["warns"]) == (1.0, None)


@pytest.mark.parametrize(("pairs", "sets", "known"), [(49, 49, False), (50, 50, True), (50, 4, False), (50, 5, True)])
def test_too_few_pairs_or_sets_tell_nothing(pairs: int, sets: int, known: bool) -> None:
    row = told(lambda text, _: f"{text} ;", pairs=pairs, sets=sets)

    assert (row["pairs"], row["form"], row["warns"]) == (pairs, 1.0 if known else None, True if known else None)


def test_kinds_stand_apart_and_the_order_of_rows_changes_nothing() -> None:
    one, other = table(lambda text, _: f"{text} ;"), table(lambda text, _: text[1:], pairs=60, kind="swap_num")
    both = pl.concat([other, one]).lazy()

    assert shortcuts(both) == shortcuts(both.reverse()) == [*shortcuts(one.lazy()), *shortcuts(other.lazy())]
    assert shortcuts(both.clear()) == []


def test_a_word_list_tells_what_it_lists_and_nothing_else() -> None:
    assert told(lambda text, _: f"You idiot. {text}", kind="toxic")["listed"] == 1
    assert told(lengthened)["listed"] == 0.5
