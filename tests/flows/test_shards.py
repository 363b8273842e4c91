"""Shards: where a text goes, what a stage leaves behind, and that no row vanishes."""

import json
import multiprocessing
import resource
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from flows.shards import advance, dropped_of, funnel, rows_of, scans, set_aside, workplace, write_shards
from flows.stage import stage
from pairgen.corpus import SourceSettings
from pairgen.errors import SchemaError, SourceError, StoreError
from pairgen.schema import DROPPED, FUNNEL, TEXTS, Outcome, drop, empty

SPOILT = [
    Path.unlink,
    lambda file: file.write_bytes(b""),
    lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    lambda file: file.write_bytes(file.read_bytes()[:-1]),
]
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


@pytest.mark.parametrize("rows_per_shard", [1_000, 20, 3])
def test_shards_are_the_same_however_many_rows_are_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_per_shard: int
) -> None:
    copies = [*remarks(90), *(text.upper() for text in remarks(60)), *remarks(30)]
    settings = SourceSettings(paths=(corpus(tmp_path / "a.csv", copies), corpus(tmp_path / "b.csv", remarks(50))))
    whole = write_shards(tmp_path / "whole", settings, rows_per_shard=rows_per_shard)
    for name, rows in (("pairgen.corpus._ROWS_A_BATCH", 7), ("flows.shards._ROWS_AT_ONCE", 30)):
        monkeypatch.setattr(name, rows)
    monkeypatch.setattr("pairgen.sorting._ROWS_A_GROUP", 2)

    parts = write_shards(tmp_path / "parts", settings, rows_per_shard=rows_per_shard)

    assert parts.facts == whole.facts
    assert [folder.name for folder in parts.folders] == [folder.name for folder in whole.folders]
    for part, other in zip(parts.folders, whole.folders, strict=True):
        assert_frame_equal(pl.read_parquet(part / "raw.parquet"), pl.read_parquet(other / "raw.parquet"))
    assert sum(pl.read_parquet(folder / "raw.parquet").height for folder in parts.folders) == 230
    assert not (tmp_path / "parts" / "runs").exists()


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
        "bytes": {name: (shard / name).stat().st_size for name in ("mine.parquet", "mine.dropped.parquet")},
        "models": {},
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

    assert scans([shard], "mine")[0].collect().equals(empty(TEXTS))
    assert dropped_of([shard])[0].collect().height == 0
    assert funnel([shard], ["mine"]).rows() == [("mine", "text", 0, 0, 0)]


def test_what_is_gathered_is_the_sum_of_all_shards(tmp_path: Path, shard: Path) -> None:
    other = tmp_path / "shard-00001"
    other.mkdir()
    texts(4).with_columns(score_toxicity=pl.lit(0.9)).write_parquet(other / "split.parquet")
    for each in (shard, other):
        advance(each, "mine", halve, reads=["split"])
        advance(each, "rewrite", halve, reads=["mine"])

    kept = [each.collect()["text_id"].to_list() for each in scans([shard, other], "rewrite")]
    assert kept == [["t0", "t4"], ["t0"]]
    dropped = [each.collect()["id"].to_list() for each in dropped_of([shard, other])]
    assert dropped == [["t1", "t3"], ["t2"], ["t1", "t3"], ["t2"]]
    rows = [("mine", "text", 9, 5, 4), ("rewrite", "text", 5, 3, 2)]
    assert funnel([shard, other], ["mine", "rewrite", "filter"]).equals(pl.DataFrame(rows, schema=FUNNEL, orient="row"))


def test_of_a_table_of_all_texts_a_shard_reads_its_own(tmp_path: Path) -> None:
    shards = write_shards(
        tmp_path / "work", SourceSettings(paths=(corpus(tmp_path / "c.csv", remarks(40)),)), rows_per_shard=8
    )
    raw = [pl.read_parquet(folder / "raw.parquet").select("text_id", "text") for folder in shards.folders]
    pl.concat(raw).sort("text_id").write_parquet(tmp_path / "all.parquet", row_group_size=3)
    aside = tmp_path / "aside"
    aside.mkdir()
    raw[0].clear().write_parquet(aside / "raw.parquet")

    found = [rows_of(folder, tmp_path / "all.parquet") for folder in shards.folders]

    assert [each.sort("text_id").rows() for each in found] == [each.sort("text_id").rows() for each in raw]
    assert rows_of(aside, tmp_path / "all.parquet").height == 0


def never(table: pl.DataFrame) -> Outcome:
    raise AssertionError("this stage was done")


def test_an_outcome_that_is_there_is_not_made_again(shard: Path) -> None:
    advance(shard, "mine", halve, reads=["split"])
    before = {file.name: file.read_bytes() for file in shard.iterdir()}

    assert advance(shard, "mine", never, reads=["split"]) == shard
    assert {file.name: file.read_bytes() for file in shard.iterdir()} == before


@pytest.mark.parametrize("name", ["mine.parquet", "mine.dropped.parquet", "mine.json"])
@pytest.mark.parametrize("spoil", SPOILT)
def test_half_an_outcome_is_made_again(shard: Path, name: str, spoil: Callable[[Path], object]) -> None:
    advance(shard, "mine", halve, reads=["split"])
    before = {file.name: file.read_bytes() for file in shard.iterdir()}
    spoil(shard / name)

    advance(shard, "mine", halve, reads=["split"])

    assert {file.name: file.read_bytes() for file in shard.iterdir()} == before


@contextmanager
def room(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes, which is what a full disk looks like."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("left", [set(), {"mine.parquet"}])
def test_a_disk_that_fills_in_a_stage_is_one_line_and_the_next_run_sound(shard: Path, left: set[str]) -> None:
    mine = stage("mine")(partial(advance, function=halve, reads=["split"]))
    mine.fn(shard, "mine")
    whole = {file.name: file.read_bytes() for file in shard.iterdir()}
    for name in whole.keys() - {"split.parquet"}:
        (shard / name).unlink()
    size = len(whole["mine.parquet"])
    assert size < len(whole["mine.dropped.parquet"])

    with (
        room(size if left else size - 1),
        pytest.raises(StoreError, match=r"^mine: File too large. Is there room, may"),
    ):
        mine.fn(shard, "mine")

    assert {file.name for file in shard.iterdir()} == {"split.parquet"} | left
    mine.fn(shard, "mine")
    assert {file.name: file.read_bytes() for file in shard.iterdir()} == whole


@pytest.mark.parametrize("size", [1, 4_000])
def test_a_disk_that_fills_while_shards_are_cut_is_told_and_the_next_run_sound(tmp_path: Path, size: int) -> None:
    cut = stage("shard")(write_shards)
    settings = SourceSettings(paths=(corpus(tmp_path / "a.csv", remarks(64)),))

    with room(size), pytest.raises(StoreError, match=r"^shard: File too large. Is there room, may it be written\?$"):
        cut.fn(tmp_path / "work", settings, rows_per_shard=16)

    assert not (tmp_path / "work" / "shards.json").exists()
    shards = cut.fn(tmp_path / "work", settings, rows_per_shard=16)
    assert sum(pl.read_parquet(each / "raw.parquet").height for each in shards.folders) == 64
    assert {path.name for path in (tmp_path / "work").iterdir()} == {"shards.json", *(f.name for f in shards.folders)}


def test_an_outcome_of_an_older_release_is_made_again(shard: Path) -> None:
    advance(shard, "mine", halve, reads=["split"])
    row = json.loads((shard / "mine.json").read_text())
    del row["bytes"]
    (shard / "mine.json").write_text(json.dumps({**row, "kept": 99}))

    advance(shard, "mine", halve, reads=["split"])

    assert json.loads((shard / "mine.json").read_text())["kept"] == 3


def test_shards_are_cut_once_and_again_when_the_source_is_another(tmp_path: Path) -> None:
    work, path = tmp_path / "work", corpus(tmp_path / "a.csv", remarks(64))
    settings = SourceSettings(paths=(path,))
    first = write_shards(work, settings, rows_per_shard=16)
    (first.folders[0] / "mine.json").write_text("{}")

    assert write_shards(work, settings, rows_per_shard=16) == first
    assert (first.folders[0] / "mine.json").exists()

    corpus(tmp_path / "a.csv", remarks(65))
    assert write_shards(work, settings, rows_per_shard=16).facts[0].rows == 65
    assert not (first.folders[0] / "mine.json").exists()


def test_shards_that_were_not_all_cut_are_cut_again(tmp_path: Path) -> None:
    work, settings = tmp_path / "work", SourceSettings(paths=(corpus(tmp_path / "a.csv", remarks(64)),))
    first = write_shards(work, settings, rows_per_shard=16)
    (work / "shards.json").unlink()
    shutil.rmtree(first.folders[1])

    assert write_shards(work, settings, rows_per_shard=16) == first
    assert sum(pl.read_parquet(each / "raw.parquet").height for each in first.folders) == 64


def test_all_begins_anew_where_a_shard_was_set_aside(tmp_path: Path) -> None:
    work, settings = tmp_path / "work", SourceSettings(paths=(corpus(tmp_path / "a.csv", remarks(64)),))
    first = write_shards(work, settings, rows_per_shard=16)
    for other in ("shard-00001.set_aside", "pairs"):
        (work / other).mkdir()
    (work / "shared.parquet").touch()

    assert write_shards(work, settings, rows_per_shard=16) == first
    assert {path.name for path in work.iterdir()} == {"shards.json", *(folder.name for folder in first.folders)}


@pytest.mark.parametrize("spoil", SPOILT)
def test_shards_of_which_one_is_damaged_are_cut_again(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    work, settings = tmp_path / "work", SourceSettings(paths=(corpus(tmp_path / "a.csv", remarks(64)),))
    first = write_shards(work, settings, rows_per_shard=16)
    before = {folder: (folder / "raw.parquet").read_bytes() for folder in first.folders}
    spoil(first.folders[1] / "raw.parquet")

    assert write_shards(work, settings, rows_per_shard=16) == first
    assert {folder: (folder / "raw.parquet").read_bytes() for folder in first.folders} == before


def test_a_source_that_changes_while_it_is_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = corpus(tmp_path / "a.csv", remarks(5))

    def read_slowly(file: Path, suffix: str) -> Iterator[pl.DataFrame]:
        yield pl.read_csv(file, infer_schema=False)
        with file.open("a") as stream:
            stream.write("One more.\n")

    monkeypatch.setattr("pairgen.corpus._parsed", read_slowly)

    with pytest.raises(SourceError, match=r"a\.csv: changed while it was read; build again"):
        write_shards(tmp_path / "work", SourceSettings(paths=(path,)), rows_per_shard=16)

    assert not (tmp_path / "work" / "shards.json").exists()


def test_a_source_that_vanishes_while_it_is_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = corpus(tmp_path / "a.csv", remarks(5))

    def read_and_lose(file: Path, suffix: str) -> Iterator[pl.DataFrame]:
        yield pl.read_csv(file, infer_schema=False)
        file.unlink()

    monkeypatch.setattr("pairgen.corpus._parsed", read_and_lose)

    with pytest.raises(SourceError, match=r"a\.csv: no such file"):
        write_shards(tmp_path / "work", SourceSettings(paths=(path,)), rows_per_shard=16)


def test_a_shard_that_is_set_aside_has_dropped_all_its_texts_and_its_sums_add_up(shard: Path) -> None:
    written = pl.Series([["The bus was late."], ["It came.", ""], [], [], []], dtype=pl.List(pl.String))
    table = texts(5).drop("split").with_columns(references=written)
    table.select("text_id", "text", "context", "source", "source_id", "licence", "references").write_parquet(
        shard / "raw.parquet"
    )

    def read(raw: pl.DataFrame) -> Outcome:
        odd = raw["text_id"] == "t1"
        return Outcome(texts(5).filter(~odd), drop(raw.filter(odd), stage="read", reason="empty", unit="text"))

    advance(shard, "read", read, reads=["raw"])
    advance(shard, "mine", halve, reads=["read"])

    aside = set_aside(shard, "rewrite")
    advance(aside, "rewrite", halve, reads=["mine"])

    rows = [("read", "text", 5, 0, 5), ("references", "reference", 3, 0, 3)]
    rows += [("mine", "text", 0, 0, 0), ("rewrite", "text", 0, 0, 0)]
    assert funnel([aside], ["read", "references", "mine", "rewrite"]).rows() == rows
    dropped = pl.concat([each.collect() for each in dropped_of([aside])], how="diagonal")
    lost = dropped.filter(pl.col("unit") == "reference")
    assert lost.select("text", "drop_reason").rows() == [
        (text, "failed_rewrite") for text in ("The bus was late.", "It came.", "")
    ]
    reasons = dropped.filter(pl.col("unit") == "text").sort("id").select("id", "drop_reason").rows()
    assert reasons == [(f"t{each}", "empty" if each == 1 else "failed_rewrite") for each in range(5)]


def stop_in(work: Path) -> None:
    (work / "shards.json").touch()
    raise ZeroDivisionError


def test_a_stopped_build_goes_on_and_another_one_starts_anew(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), workplace(tmp_path, "small", "a", "b") as work:
        stop_in(work)

    with workplace(tmp_path, "small", "a", "b") as again:
        assert (again, (again / "shards.json").exists()) == (work, True)
    assert not work.parent.exists()

    with pytest.raises(ZeroDivisionError), workplace(tmp_path, "small", "a", "b") as work:
        stop_in(work)
    with workplace(tmp_path, "small", "a", "c") as other:
        assert other != work
        assert not work.exists()


def test_a_build_that_ends_before_it_has_shards_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), workplace(tmp_path, "small", "a") as work:
        raise ZeroDivisionError

    assert not work.parent.exists()


def test_one_build_of_a_data_set_works_at_a_time(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    order = []

    def second() -> None:
        with workplace(tmp_path, "small", "a"):
            order.append("second")

    with workplace(tmp_path, "small", "a"), workplace(tmp_path, "other", "a"):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.3)
        order.append("first")
    waiting.join()

    assert order == ["first", "second"]
    assert "small: another build of it is at work" in capfd.readouterr().err


def _hold(folder: Path, ready: "multiprocessing.synchronize.Event") -> None:
    with workplace(folder, "small", "a"):
        ready.set()
        threading.Event().wait()


def test_a_killed_build_holds_up_nobody(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    killed = context.Process(target=_hold, args=(tmp_path, ready))
    killed.start()
    assert ready.wait(60)
    killed.kill()
    killed.join()

    with workplace(tmp_path, "small", "a") as work:
        assert work.is_dir()


def test_a_workplace_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".cache").touch()

    with (
        pytest.raises(StoreError, match=r"\.build-small: cannot work there \(File exists\); make room"),
        workplace(tmp_path, "small", "a"),
    ):
        pass
