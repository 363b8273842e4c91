"""Rows through the filters: each comes back in its place, with its scores and the first thing that is wrong with it."""

import polars as pl
import pytest

from filters.base import Filter
from filters.copy import Copy
from filters.identity_only import IdentityOnly
from filters.near_duplicate import NearDuplicate
from filters.rows import judge_rows, score_rows
from filters.toxicity import Toxicity
from tests.pairgen.samples import Fakes, WordToxicity, pair, pairs

LONG = "Only a damn idiot would complain that the council keeps the library open until nine."
FILTERS: list[Filter] = [NearDuplicate(), Toxicity(), Copy()]


def rows(*given: dict[str, str], faults: dict[int, str] | None = None) -> pl.DataFrame:
    """A table of rows numbered from 0, each its own set, with no kind of negative."""
    table = pairs(*given).with_columns(
        pair_id=pl.int_range(pl.len()).cast(pl.String),
        set_id=pl.int_range(pl.len()).cast(pl.String).str.zfill(12),
        negative_kind=pl.lit(None, dtype=pl.String),
    )
    return table.with_columns(
        fault=pl.Series([(faults or {}).get(place) for place in range(len(given))], dtype=pl.String)
    )


def judged(table: pl.DataFrame, filters: list[Filter], *, fakes: Fakes | None = None) -> pl.DataFrame:
    models = fakes or Fakes()
    return judge_rows(score_rows(table, filters, models, min_toxicity=0.7), filters, models)


def test_every_row_comes_back_in_its_place() -> None:
    table = rows(
        pair("Fine.", "You idiot."),
        pair("", "You idiot."),
        pair("You idiot.", "You idiot."),  # toxic, and a copy
        pair("Same.", "same."),
        pair("unscorable", "You fool."),
        pair("idiot.", LONG),  # toxic, so that the next is no near duplicate
        pair("Well.", LONG),
        pair("Good.", LONG.replace("nine", "noon")),
        faults={1: "empty"},
    )

    found = judged(table, FILTERS)

    assert found.columns == ["score_near_duplicate", "score_toxicity", "score_copy", "kept", "drop_reason"]
    assert found.select("kept", "drop_reason").rows() == [
        (True, None),
        (False, "empty"),
        (False, "toxicity"),
        (False, "copy"),
        (False, "toxicity_unscored"),
        (False, "toxicity"),
        (True, None),
        (False, "near_duplicate"),
    ]
    assert found["score_toxicity"].to_list() == [0, None, 0.9, 0, None, 0.9, 0, 0]
    assert found["score_copy"].to_list() == [2, None, 0, 0, 2, 15, 15, 15]
    near = found["score_near_duplicate"].to_list()
    assert near[:7] == [0, None, None, None, None, None, 0]
    assert near[7] > 0.8


def test_every_row_is_at_fault_or_there_is_none() -> None:
    faulty = judged(rows(pair("", "b"), faults={0: "empty"}), FILTERS)
    none = judged(rows(pair("a", "b")).head(0), FILTERS)

    assert faulty.rows() == [(None, None, None, False, "empty")]
    assert none.height == 0
    assert faulty.schema == none.schema


def test_no_filters_keep_what_has_no_fault() -> None:
    assert judged(rows(pair("a", "b"), pair("", "b"), faults={1: "empty"}), []).rows() == [
        (True, None),
        (False, "empty"),
    ]


@pytest.mark.parametrize(
    ("negative", "kind", "ratio"),
    [
        ("A gay man.", None, 0),  # over the threshold, and only because of the word
        ("A gay man.", "toxic", 0),
        ("A gay man.", "swap_ent", 1),
        ("A lesbian.", None, 1),  # below the threshold: it is negative in another way
    ],
)
def test_a_negative_of_no_kind_is_toxic_where_the_scorer_says_so(negative: str, kind: str | None, ratio: float) -> None:
    table = rows(pair("Fine.", negative)).with_columns(negative_kind=pl.lit(kind, dtype=pl.String))

    found = judged(table, [IdentityOnly()], fakes=Fakes(toxicity=WordToxicity(gay=0.8, lesbian=0.6)))

    assert found["score_identity_only"].to_list() == [ratio]
