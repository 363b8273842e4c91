"""Shards: where a text goes, what a stage leaves behind, and that no row vanishes."""

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from flows.shards import advance, funnel, gather, gather_dropped, write_shards
from pairgen.corpus import SourceSettings
from pairgen.errors import SchemaError, SourceError
from pairgen.schema import DROPPED, FUNNEL, TEXTS, Outcome, drop, empty

PLACES = ("Leeds", "Lyon", "Porto", "Graz")


def corpus(file: Path, rows: Sequence[str]) -> str:
    pl.DataFrame({"text": rows}).write_csv(file)
    return str(file)


def remarks(number: int) -> list[str]:
    return [f"The {each}th damn bus to {PLACES[each % 4]} was late." for each in range(number)]


def placed(work: Path, *paths: str, rows_per_shard: int) -> dict[str, set[str]]:
    """The texts by the name of their shard."""
    shards = write_shards(work, SourceSettings(paths=paths), rows_per_shard=rows_per_shard)
    return {folder.name: set(pl.read_parquet(folder / "raw.parquet")["text"]) for folder in shards.folders}


def texts(number: int) -> pl.DataFrame:
    row = {"context": "", "source": "ours", "source_id": None, "licence": "unknown", "split": "train"}
    rows = [{"text_id": f"t{each}", "text": text, **row} for each, text in enumerate(remarks(number))]
    return pl.DataFrame(rows, schema=TEXTS)


def halve(table: pl.DataFrame) -> Outcome:
    """Keep every other row."""
    even = pl.int_range(pl.len()) % 2 == 0
    return Outcome(table.filter(even), drop(table.filter(~even), stage="mine", reason="odd", unit="text"))


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    folder = tmp_path / "shard-00000"
    folder.mkdir()
    texts(5).write_parquet(folder / "split.parquet")
    return folder


@pytest.mark.parametrize(("rows_per_shard", "shards"), [(1_000, 1), (64, 1), (63, 2), (32, 2), (16, 4)])
def test_a_corpus_is_cut_into_powers_of_two(tmp_path: Path, rows_per_shard: int, shards: int) -> None:
    path = corpus(tmp_path / "a.csv", remarks(64))

    assert len(placed(tmp_path / "work", path, rows_per_shard=rows_per_shard)) == shards


def test_a_text_is_in_the_same_shard_whatever_the_order_of_rows(tmp_path: Path) -> None:
    forth = corpus(tmp_path / "a.csv", remarks(64))
    back = corpus(tmp_path / "b.csv", remarks(64)[::-1])

    first = placed(tmp_path / "first", forth, rows_per_shard=8)
    second = placed(tmp_path / "second", back, rows_per_shard=8)

    assert len(first) > 1
    assert first == second
    assert sorted(text for part in first.values() for text in part) == sorted(remarks(64))


def test_one_more_text_moves_no_other(tmp_path: Path) -> None:
    before = placed(tmp_path / "first", corpus(tmp_path / "a.csv", remarks(60)), rows_per_shard=8)
    after = placed(tmp_path / "second", corpus(tmp_path / "b.csv", remarks(61)[::-1]), rows_per_shard=8)

    new = set(remarks(61)) - set(remarks(60))
    assert {name: part - new for name, part in after.items()} == before


def test_texts_that_are_the_same_share_a_shard(tmp_path: Path) -> None:
    rows = [*remarks(32), *(text.upper() for text in remarks(32))]
    shards = placed(tmp_path / "work", corpus(tmp_path / "a.csv", rows), rows_per_shard=8)

    for part in shards.values():
        assert {text.casefold() for text in part if text.isupper()} == {
            text.casefold() for text in part if not text.isupper()
        }


def test_several_sources_make_one_corpus_and_keep_their_names(tmp_path: Path) -> None:
    first = corpus(tmp_path / "first.csv", remarks(5))
    (tmp_path / "second.jsonl").write_text('{"body": "The library closed, damn it.", "id": 7}\n')
    settings = SourceSettings(paths=(first, str(tmp_path / "second.jsonl")), licence="CC-BY-4.0")

    shards = write_shards(tmp_path / "work", settings, rows_per_shard=100)

    raw = pl.read_parquet(shards.folders[0] / "raw.parquet")
    assert [(facts.name, facts.rows) for facts in shards.facts] == [("first", 5), ("second", 1)]
    assert raw["source"].value_counts().sort("source").rows() == [("first", 5), ("second", 1)]
    assert raw.filter(pl.col("source") == "second").select("text", "source_id", "licence").rows() == [
        ("The library closed, damn it.", "7", "CC-BY-4.0")
    ]


def test_a_missing_source_among_several_stops_all(tmp_path: Path) -> None:
    settings = SourceSettings(paths=(corpus(tmp_path / "a.csv", remarks(5)), str(tmp_path / "nosuch.csv")))

    with pytest.raises(SourceError, match=r"nosuch\.csv: no such file"):
        write_shards(tmp_path / "work", settings, rows_per_shard=100)

    assert not (tmp_path / "work").exists()


def test_a_stage_leaves_what_it_kept_what_it_dropped_and_its_row_of_the_funnel(shard: Path) -> None:
    assert advance(shard, "mine", halve, reads=["split"]) == shard

    expected = halve(texts(5))
    assert pl.read_parquet(shard / "mine.parquet").equals(expected.kept)
    assert pl.read_parquet(shard / "mine.dropped.parquet").equals(expected.dropped)
    assert json.loads((shard / "mine.json").read_text()) == {
        "stage": "mine",
        "unit": "text",
        "entered": 5,
        "kept": 3,
        "dropped": 2,
    }


def test_a_stage_reads_tables_in_order_and_counts_as_it_is_told(shard: Path) -> None:
    texts(2).write_parquet(shard / "read.parquet")

    def both(first: pl.DataFrame, second: pl.DataFrame) -> Outcome:
        assert (first.height, second.height) == (5, 2)
        return Outcome(first, empty(DROPPED))

    def doubled(table: pl.DataFrame) -> int:
        return 2 * table.height

    advance(shard, "pair", both, reads=["split", "read"], unit="pair", entered=doubled, kept=doubled)

    counted = json.loads((shard / "pair.json").read_text())
    assert (counted["unit"], counted["entered"], counted["kept"]) == ("pair", 10, 10)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda table: Outcome(table.head(4), empty(DROPPED)), r"^mine: 5 rows entered, but 4 kept \+ 0 dropped = 4$"),
        (lambda table: Outcome(pl.concat([table, table]), empty(DROPPED)), r"^mine: 5 rows entered, but 10 kept \+ 0"),
        (lambda table: Outcome(table, halve(table).dropped), r"^mine: 5 rows entered, but 5 kept \+ 2 dropped = 7$"),
    ],
)
def test_a_stage_that_loses_or_makes_rows_is_an_error_and_leaves_nothing(shard: Path, function, said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        advance(shard, "mine", function, reads=["split"])

    assert [file.name for file in shard.iterdir()] == ["split.parquet"]


def test_an_empty_table_goes_through(shard: Path) -> None:
    empty(TEXTS).write_parquet(shard / "split.parquet")

    advance(shard, "mine", halve, reads=["split"])

    assert gather([shard], "mine", TEXTS).equals(empty(TEXTS))
    assert gather_dropped([shard]).height == 0
    assert funnel([shard], ["mine"]).rows() == [("mine", "text", 0, 0, 0)]


def test_what_is_gathered_is_the_sum_of_all_shards(tmp_path: Path, shard: Path) -> None:
    other = tmp_path / "shard-00001"
    other.mkdir()
    texts(4).with_columns(score_toxicity=pl.lit(0.9)).write_parquet(other / "split.parquet")
    for each in (shard, other):
        advance(each, "mine", halve, reads=["split"])
        advance(each, "rewrite", halve, reads=["mine"])

    kept = gather([shard, other], "rewrite", TEXTS)
    assert kept["text_id"].to_list() == ["t0", "t4", "t0"]
    assert kept["score_toxicity"].to_list() == [None, None, 0.9]
    assert gather_dropped([shard, other])["id"].to_list() == ["t1", "t3", "t2", "t1", "t3", "t2"]
    rows = [("mine", "text", 9, 5, 4), ("rewrite", "text", 5, 3, 2)]
    assert funnel([shard, other], ["mine", "rewrite", "filter"]).equals(pl.DataFrame(rows, schema=FUNNEL, orient="row"))
