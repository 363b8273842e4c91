"""Sorting out of core: every row once, in order, whatever fits into memory."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pairgen.digests import digest, fraction
from pairgen.errors import SchemaError
from pairgen.schema import collected, stack
from pairgen.sorting import by_ranges, sort_tables, write_run

SCHEMA = {"id": pl.String(), "stage": pl.String()}


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pairgen.sorting._ROWS_AT_ONCE", 20)
    monkeypatch.setattr("pairgen.sorting._ROWS_A_GROUP", 4)


def table(*numbers: int, **more: float) -> pl.DataFrame:
    rows = [{"id": digest(str(each // 3)), "stage": "abc"[each % 3], **more} for each in numbers]
    return pl.DataFrame(rows, schema={**SCHEMA, **dict.fromkeys(more, pl.Float64())})


@pytest.mark.usefixtures("few_at_once")
def test_sorted_in_files_it_is_what_it_is_in_memory(tmp_path: Path) -> None:
    shuffled = sorted(range(300), key=lambda each: fraction(str(each)))
    tables = [table(*shuffled[start : start + 7]) for start in range(0, 300, 7)]

    found = sort_tables(iter(tables), ["id", "stage"], SCHEMA, tmp_path / "sorted")

    assert len(list((tmp_path / "sorted").iterdir())) > 5
    assert_frame_equal(collected(found), pl.concat(tables).sort("id", "stage"))


@pytest.mark.usefixtures("few_at_once")
def test_rows_with_one_id_stay_together_and_in_their_order(tmp_path: Path) -> None:
    same = pl.DataFrame({"id": ["x"] * 90, "stage": [f"{each:02}" for each in range(90)]})

    found = sort_tables((same.slice(start, 9) for start in range(0, 90, 9)), ["id"], SCHEMA, tmp_path / "sorted")

    assert_frame_equal(collected(found), same)


@pytest.mark.parametrize("at_once", [1, 50])
def test_a_score_that_a_table_lacks_is_null(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr("pairgen.sorting._ROWS_AT_ONCE", at_once)
    monkeypatch.setattr("pairgen.sorting._ROWS_A_GROUP", 1)
    tables = [table(1, score_a=0.5), table(2), table(), table(4, score_b=0.25)]

    found = collected(sort_tables(tables, ["id", "stage"], SCHEMA, tmp_path / "sorted"))

    assert_frame_equal(found, stack(tables, SCHEMA).sort("id", "stage"))
    assert found.columns == ["id", "stage", "score_a", "score_b"]


def test_of_nothing_there_is_an_empty_table(tmp_path: Path) -> None:
    found = sort_tables([table()], ["id"], SCHEMA, tmp_path / "sorted")

    assert found.collect_schema() == SCHEMA
    assert collected(found).height == 0


def test_what_a_stopped_sort_left_is_not_taken_up(tmp_path: Path) -> None:
    sort_tables([table(1, 2)], ["id"], SCHEMA, tmp_path / "sorted")

    again = sort_tables([table(5)], ["id"], SCHEMA, tmp_path / "sorted")

    assert collected(again)["id"].to_list() == [digest("1")]


def test_ranges_without_rows_are_left_out(tmp_path: Path) -> None:
    runs = [write_run(pl.DataFrame({"id": ids}), tmp_path / ids[0]) for ids in (["b", "d"], ["c", "x"])]

    found = [some["id"].to_list() for some in by_ranges(runs, ["id"], ["a", "c", "e", "f", "y"])]

    assert found == [["b"], ["c", "d"], ["x"]]


@pytest.mark.usefixtures("few_at_once")
def test_a_row_without_an_id_is_told(tmp_path: Path) -> None:
    rows = pl.concat([table(*range(60)), pl.DataFrame({"id": [None], "stage": ["a"]}, schema=SCHEMA)])

    with pytest.raises(SchemaError, match=r"^sort by id: 61 rows entered, but 60 kept"):
        sort_tables([rows], ["id"], SCHEMA, tmp_path / "sorted")
