"""Pairs made elsewhere become rows in their places, under our names or TRL's, each with its set and its fault."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pairgen.corpus import SourceSettings
from pairgen.errors import SourceError
from pairgen.given_pairs import pair_faults, read_pairs

GOOD = "The library in Leeds opens at nine."
BAD = "The damn library in Leeds opens at nine."


def written(folder: Path, *rows: dict[str, Any]) -> str:
    file = folder / "pairs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(file)


def test_the_negative_is_the_parent_where_none_is_given(tmp_path: Path) -> None:
    rows = [
        {"positive": " A\t1", "negative": "B", "parent": "C", "context": "D", "pair_id": 7, "kept": True, "score_x": 1},
        {"positive": "A", "negative": "B", "parent": None, "context": None, "pair_id": None},
        {"positive": None, "negative": "", "parent": " ", "context": "", "pair_id": 7},
    ]

    given = read_pairs(written(tmp_path, *rows))

    assert given.rows.select("pair_id", "positive", "negative", "parent", "context").rows() == [
        ("0", " A\t1", "B", "C", "D"),
        ("1", "A", "B", "B", ""),
        ("2", None, "", "", ""),
    ]
    echoed = ["positive", "negative", "parent", "context", "pair_id"]
    assert given.table.to_dicts() == [{name: row[name] for name in echoed} for row in rows]


def test_names_of_trl_and_no_more_than_the_sides(tmp_path: Path) -> None:
    given = read_pairs(written(tmp_path, {"prompt": "Why?", "chosen": "Well.", "rejected": "Idiot.", "positive": "?"}))
    bare = read_pairs(written(tmp_path, {"chosen": "Well.", "rejected": None, "negative_kind": "swap_num"}))

    columns = ("context", "positive", "negative", "parent", "negative_kind")
    assert given.rows.select(columns).rows() == [("Why?", "Well.", "Idiot.", "Idiot.", None)]
    assert bare.rows.select(columns).rows() == [("", "Well.", None, None, "swap_num")]
    assert bare.table.columns == ["chosen", "rejected", "negative_kind"]


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (
            {"text": "a"},
            r"no columns of pairs; expected positive and negative \(context, parent, pair_id besides\), or TRL",
        ),
        ({"positive": "a", "rejected": "b"}, "no columns of pairs; .* there are: 'positive', 'rejected'$"),
        ({"a long sentence, no header": "a"}, r"no columns of pairs; .*1 columns, unnamed \(is the header line"),
        ({"positive": 1, "negative": "b"}, "column 'positive' holds Int64, expected texts$"),
        ({"chosen": [{"role": "user", "content": "a"}], "rejected": "b"}, "column 'chosen' holds List.*expected texts"),
        ({"chosen": "a", "rejected": "b", "prompt": 2.5}, "column 'prompt' holds Float64, expected texts$"),
    ],
)
def test_other_columns_are_refused(tmp_path: Path, row: dict[str, Any], line: str) -> None:
    with pytest.raises(SourceError, match=rf"pairs\.jsonl: {line}"):
        read_pairs(written(tmp_path, row))


def test_a_set_is_a_parent_in_its_context_and_a_row_again_is_a_set_of_its_own(tmp_path: Path) -> None:
    rows = [
        {"positive": "One.", "negative": BAD},
        {"positive": "Two.", "negative": BAD.upper()},  # another rewrite of the same text
        {"positive": "one. ", "negative": BAD},  # the first row again
        {"positive": "One.", "negative": "Other."},
        {"positive": "One.", "negative": BAD, "context": "Elsewhere."},
        {"positive": "One.", "negative": "Worse.", "parent": BAD},
        {"positive": "One.", "negative": BAD},  # and again
    ]

    sets = [int(number) for number in read_pairs(written(tmp_path, *rows)).rows["set_id"]]

    assert sets == [0, 0, 2, 3, 4, 0, 6]


@pytest.mark.parametrize(
    ("positive", "negative", "fault"),
    [
        (GOOD, BAD, None),
        (GOOD, GOOD, None),  # what is wrong there, the filters say
        (None, BAD, "empty"),
        (GOOD, " \n", "empty"),
        (GOOD + "\0", BAD, "control_characters"),
        (GOOD, "Good. " * 2_000, "too_long"),
        ("Good. " * 2_000, None, "too_long"),  # that of the positive comes first
        (GOOD, "1984 !!!", "no_letters"),
        ("La bibliothèque de la ville ouvre ses portes à neuf heures.", BAD, "other_language"),
        (GOOD, "Библиотека в нашем городе открывается в девять часов утра.", "other_language"),
    ],
)
def test_faults(tmp_path: Path, positive: str | None, negative: str | None, fault: str | None) -> None:
    given = read_pairs(
        written(tmp_path, {"positive": positive, "negative": negative}, {"positive": "a", "negative": "b"})
    )

    assert pair_faults(given.rows, SourceSettings()).to_list() == [fault, None]


def test_a_fault_of_the_parent_is_one_too(tmp_path: Path) -> None:
    row = {"positive": GOOD, "negative": BAD, "parent": "Good. " * 2_000}

    assert pair_faults(read_pairs(written(tmp_path, row)).rows, SourceSettings()).to_list() == ["too_long"]


def test_no_rows() -> None:
    rows = pl.DataFrame(schema=dict.fromkeys(("positive", "negative", "parent"), pl.String))

    assert pair_faults(rows, SourceSettings()).to_list() == []
