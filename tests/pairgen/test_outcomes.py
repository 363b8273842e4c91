"""What a stage made of a row is not made again, and nothing else is taken for it."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pairgen.memory import Memory
from pairgen.outcomes import recalled
from pairgen.schema import Outcome, drop


class Doubling:
    """Keeps each text twice, with spans and a score, and drops what holds "bad" or has no score."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, rows: pl.DataFrame) -> Outcome:
        self.asked.append(rows["text"].to_list())
        bad = pl.col("text").str.contains("bad")
        unscored = pl.col("text").str.contains("odd")
        kept = rows.filter(~bad & ~unscored)
        twice = pl.concat([kept, kept]).sort("text_id", maintain_order=True)
        length = pl.col("text").str.len_chars() / 3
        made = twice.select(
            set_id="s" + pl.col("text_id"),
            spans=pl.concat_list(pl.struct(start=pl.lit(0), end=pl.col("text").str.len_chars().cast(pl.Int32))),
            score_length=pl.when(pl.col("text") == "d").then(None).otherwise(length),
        )
        reason = pl.when(unscored).then(pl.lit("toxicity_unscored")).otherwise(pl.lit("bad"))
        dropped = drop(rows.filter(bad | unscored), stage="double", reason=reason, unit="text", score=length)
        return Outcome(made, dropped)


def table(texts: Sequence[str]) -> pl.DataFrame:
    rows = [(f"t{text}", text, "") for text in texts]
    return pl.DataFrame(rows, schema=dict.fromkeys(("text_id", "text", "context"), pl.String), orient="row")


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "scores.sqlite")


def ask(memory: Memory, function: Any, texts: Sequence[str], what: Sequence[str] = ("double",)) -> Outcome:
    return of_rows(memory, function, table(texts), what)


def of_rows(memory: Memory, function: Any, rows: pl.DataFrame, what: Sequence[str]) -> Outcome:
    return recalled(
        rows, function=function, memory=memory, what=what, of="text_id", kept_of="set_id", named="s{}".format
    )


def assert_same(found: Outcome, expected: Outcome) -> None:
    assert_frame_equal(found.kept, expected.kept)
    assert_frame_equal(found.dropped, expected.dropped)


def test_only_what_is_new_is_asked_and_the_rest_stands_where_it_stood(memory: Memory) -> None:
    function = Doubling()
    texts = ["a", "bad b", "c", "d", "e"]

    first = ask(memory, function, ["a", "c", "bad b"])
    second = ask(memory, function, texts)
    third = ask(memory, function, texts)

    assert function.asked == [["a", "c", "bad b"], ["d", "e"], []]
    assert_same(first, Doubling()(table(["a", "c", "bad b"])))
    assert_same(second, Doubling()(table(texts)))
    assert_same(third, second)
    assert second.kept.height == 8
    assert second.dropped["id"].to_list() == ["tbad b"]
    assert ask(memory, function, []).kept.schema == second.kept.schema


def test_a_row_that_changed_and_other_parameters_are_asked_again(memory: Memory) -> None:
    function = Doubling()
    ask(memory, function, ["a"])

    ask(memory, function, ["a"], what=("double", "0.2"))
    moved = table(["a"]).with_columns(context=pl.lit("Said on Monday."))
    of_rows(memory, function, moved, ("double",))

    assert function.asked == [["a"], ["a"], ["a"]]


def test_what_could_not_be_scored_is_asked_again(memory: Memory) -> None:
    function = Doubling()

    for _ in range(2):
        outcome = ask(memory, function, ["odd", "bad"])

    assert function.asked == [["odd", "bad"], ["odd"]]
    assert sorted(outcome.dropped["drop_reason"]) == ["bad", "toxicity_unscored"]


@pytest.mark.parametrize("value", [b"", b"damn", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_an_outcome_that_cannot_be_read_is_made_anew(memory: Memory, tmp_path: Path, value: bytes) -> None:
    function = Doubling()
    ask(memory, function, ["a"])
    with sqlite3.connect(tmp_path / "scores.sqlite") as connection:
        assert connection.execute("UPDATE scores SET value = ?", (value,)).rowcount == 1

    assert_same(ask(memory, function, ["a"]), Doubling()(table(["a"])))
    ask(memory, function, ["a"])
    assert function.asked == [["a"], ["a"], []]
