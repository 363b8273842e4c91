"""Exports: what TRL and other trainers read is what the version holds."""

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from pairgen.errors import OutputError
from pairgen.store import Store, Version
from tests.contents import contents
from training.formats import export, set_rows, trl_rows

BUILT = contents()


@pytest.fixture
def version(tmp_path: Path) -> Version:
    made, _ = Store(tmp_path / "store").publish("demo", BUILT, documents=lambda _: {})
    return made


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def test_trl_has_a_prompt_for_every_pair(version: Version, tmp_path: Path) -> None:
    counts = export(version, tmp_path / "out", to="trl")

    pairs = version.pairs()
    for split in ("train", "validation", "test"):
        rows = pairs.filter(pl.col("split") == split)
        expected = [
            {"prompt": f"{context}\n" if context else "", "chosen": positive, "rejected": negative}
            for context, positive, negative in rows.select("context", "positive", "negative").iter_rows()
        ]
        assert lines(tmp_path / "out" / f"{split}.jsonl") == expected
        assert counts[split] == len(expected)
    assert {"", "What about the bridge in Leeds?\n"} <= set(trl_rows(pairs)["prompt"])
    readme = (tmp_path / "out" / "README.md").read_text()
    assert readme.startswith("demo@v1 as trl: prompt, chosen, rejected; train ")
    assert version.digest in readme
    assert readme.count("\n") == 1


def test_sets_hold_every_member_once(version: Version, tmp_path: Path) -> None:
    export(version, tmp_path / "out", to="sets")

    found = []
    for split in ("train", "validation", "test"):
        for row in lines(tmp_path / "out" / f"{split}.jsonl"):
            for role in ("positive", "negative"):
                kinds = row[f"{role}_kinds"]
                found += [
                    (row["set_id"], split, role, kind, text)
                    for kind, text in zip(kinds, row[f"{role}s"], strict=True)  # type: ignore[call-overload]
                ]
    assert sorted(found) == sorted(version.members().select("set_id", "split", "role", "kind", "text").rows())
    assert set_rows(version.members()).height == 24


def test_datasets_loads_it(version: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datasets import load_dataset

    export(version, tmp_path / "out", to="trl")

    loaded = load_dataset("json", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))

    assert sorted(loaded) == ["test", "train", "validation"]
    assert loaded["train"].column_names == ["prompt", "chosen", "rejected"]
    assert loaded["test"].num_rows == version.pairs().filter(pl.col("split") == "test").height


def test_a_split_without_rows_has_no_file(tmp_path: Path) -> None:
    made, _ = Store(tmp_path / "store").publish("demo", contents(splits=("train",)), documents=lambda _: {})

    assert list(export(made, tmp_path / "out", to="trl")) == ["train"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["README.md", "train.jsonl"]


def test_line_breaks_and_quotes_of_a_text_come_back(tmp_path: Path) -> None:
    odd = 'one\r\ntwo\u2028"three"\t\\ \x85'
    pairs = BUILT.pairs.collect().with_columns(positive=pl.lit(odd))

    (tmp_path / "x.jsonl").write_text(trl_rows(pairs).write_ndjson(), encoding="utf-8", newline="")

    assert {row["chosen"] for row in lines(tmp_path / "x.jsonl")} == {odd}


@pytest.mark.parametrize("what", ["file", "full", "link"])
def test_what_is_there_already_stays(version: Version, tmp_path: Path, what: str) -> None:
    out = tmp_path / "out"
    if what == "file":
        out.write_text("x")
    elif what == "full":
        out.mkdir()
        (out / "mine").write_text("x")
    else:
        out.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OutputError, match="out: exists and is no empty folder; name another one, or remove it first"):
        export(version, out, to="trl")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "store"]


def test_an_empty_folder_is_filled(version: Version, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()

    export(version, tmp_path / "out", to="trl")

    assert (tmp_path / "out" / "train.jsonl").is_file()


def test_an_unknown_format_or_a_place_that_cannot_be_written(version: Version, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="'csv': no format; there are: trl, sets"):
        export(version, tmp_path / "out", to="csv")
    with pytest.raises(OutputError, match=r"/proc/x: cannot be written \("):
        export(version, Path("/proc/x"), to="trl")


def test_a_pair_of_the_same_text_twice_is_refused(tmp_path: Path) -> None:
    text = BUILT.pairs.filter(pl.col("negative_kind") == "toxic").collect()["negative"][0]
    same = pl.when(pl.col("negative") == text).then(pl.lit(text)).otherwise("positive").alias("positive")
    members = BUILT.members.filter(pl.col("text") == text).with_columns(
        role=pl.lit("positive"), member_id=pl.lit("x"), kind=pl.lit("rewrite")
    )
    built = replace(BUILT, pairs=BUILT.pairs.with_columns(same), members=pl.concat([BUILT.members, members]))
    made, _ = Store(tmp_path / "store").publish("demo", built, documents=lambda _: {})

    with pytest.raises(OutputError, match="demo@v1: 1 pairs hold the same text twice, first pair_id "):
        export(made, tmp_path / "out", to="trl")

    assert not (tmp_path / "out").exists()
