"""The check at every boundary: its errors say where, and nothing vanishes."""

from collections.abc import Callable

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pairgen.errors import SchemaError
from pairgen.schema import DROPPED, FUNNEL, MEMBERS, PAIRS, TEXTS, check, check_sums, drop, empty, stack
from tests.contents import contents
from tests.pairgen.samples import pair, pairs, texts


@pytest.mark.parametrize("schema", [TEXTS, MEMBERS, PAIRS, DROPPED, FUNNEL])
def test_an_empty_table_fits_its_schema(schema: dict[str, pl.DataType]) -> None:
    assert check(empty(schema), schema, stage="read").schema == schema


def test_check_orders_the_columns_and_leaves_the_rows() -> None:
    table = contents().pairs.collect().with_columns(score_b=pl.lit(0.5), score_a=pl.lit(None, pl.Float64))
    turned = table.select(reversed(table.columns))

    checked = check(turned, PAIRS, stage="pair")

    assert checked.columns[: len(PAIRS)] == list(PAIRS)
    assert_frame_equal(checked, turned, check_column_order=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop("split"), "mine: column 'split' is missing; found text_id, text, context"),
        (lambda t: t.with_columns(text=pl.lit(1)), "mine: column 'text' holds Int32, expected String"),
        (lambda t: t.with_columns(colour=pl.lit("")), "mine: column 'colour' is in no schema; scores are named score_"),
        (lambda t: t.with_columns(score_a=pl.lit(1)), "mine: column 'score_a' holds Int32, expected Float64"),
    ],
)
def test_errors_name_stage_and_column(change: Callable[[pl.DataFrame], pl.DataFrame], message: str) -> None:
    with pytest.raises(SchemaError, match=f"^{message}"):
        check(change(texts("one", "two")), TEXTS, stage="mine")


def test_errors_name_the_first_bad_id() -> None:
    table = texts("one", "two", "three")
    second = table["text_id"][1]
    at_second = pl.col("text_id") == second

    with pytest.raises(SchemaError, match=f"^mine: column 'text' is null, first at text_id {second}$"):
        check(table.with_columns(text=pl.when(~at_second).then("text")), TEXTS, stage="mine")
    with pytest.raises(
        SchemaError, match=f"^mine: column 'split' holds 'dev', first at text_id {second}; there are: train, val"
    ):
        check(table.with_columns(split=pl.when(at_second).then(pl.lit("dev")).otherwise("split")), TEXTS, stage="mine")
    with pytest.raises(SchemaError, match=f"^mine: text_id {second} stands 2 times$"):
        check(pl.concat([table, table.filter(at_second)]), TEXTS, stage="mine")


def test_a_null_id_is_told_too() -> None:
    with pytest.raises(SchemaError, match=r"^pair: column 'pair_id' is null"):
        check(pairs(pair("fine") | {"pair_id": None}), PAIRS, stage="pair")  # type: ignore[dict-item]


def test_only_what_the_source_may_leave_out_may_be_null() -> None:
    assert check(texts("one").with_columns(licence=pl.lit(None, pl.String)), TEXTS, stage="read").height == 1


@pytest.mark.parametrize(("column", "word"), [("role", "neutral"), ("kind", "swap"), ("split", "dev")])
def test_a_member_of_no_known_kind_is_told(column: str, word: str) -> None:
    with pytest.raises(SchemaError, match=f"^negatives: column '{column}' holds '{word}', first at member_id "):
        check(contents().members.with_columns(pl.lit(word).alias(column)), MEMBERS, stage="negatives")


def test_nothing_vanishes() -> None:
    check_sums("mine", entered=5, kept=3, dropped=2)
    check_sums("mine", entered=0, kept=0, dropped=0)
    for kept, dropped in ((3, 1), (3, 3)):
        with pytest.raises(
            SchemaError, match=f"^mine: 5 rows entered, but 3 kept . {dropped} dropped = {kept + dropped}$"
        ):
            check_sums("mine", entered=5, kept=kept, dropped=dropped)


def test_a_dropped_text() -> None:
    rows = texts("one", "two", score_toxicity=[0.5, None], colour=["red", "blue"])

    dropped = drop(rows, stage="mine", reason=pl.col("colour"), unit="text", score=pl.col("score_toxicity"))

    expected = pl.DataFrame(
        {
            **dict.fromkeys(DROPPED),
            "stage": "mine",
            "drop_reason": ["red", "blue"],
            "score": [0.5, None],
            "unit": "text",
            "id": rows["text_id"],
            "context": "",
            "text": ["one", "two"],
            "source": "street",
            "split": "train",
            "score_toxicity": [0.5, None],
        },
        schema={**DROPPED, "score_toxicity": pl.Float64()},
    )
    assert_frame_equal(dropped, expected)
    check(dropped, DROPPED, stage="mine")


def test_a_dropped_pair_has_both_sides_and_an_empty_table_has_the_columns() -> None:
    dropped = drop(pairs(pair("fine", "damn")), stage="filter", reason="copy", unit="pair")

    assert dropped.select("id", "positive", "negative", "text", "score").rows() == [
        (pair("fine", "damn")["pair_id"], "fine", "damn", None, None)
    ]
    assert drop(empty(TEXTS), stage="mine", reason="", unit="text").schema == DROPPED


def test_stack_keeps_every_row_and_leaves_a_missing_score_null() -> None:
    one, other = texts("one", score_a=[0.1]), texts("two", score_b=[0.2])

    stacked = stack([one, other], TEXTS)

    assert stacked.columns == [*TEXTS, "score_a", "score_b"]
    assert stacked.select("text", "score_a", "score_b").rows() == [("one", 0.1, None), ("two", None, 0.2)]
    assert stack([], TEXTS).schema == TEXTS
