"""What is different between two versions, row by row, and what it comes from."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pairgen.diff import Difference, diff
from pairgen.digests import digest
from pairgen.draft import Contents
from pairgen.errors import StoreError
from pairgen.store import Store
from tests.contents import contents

RECIPE = (
    "[mine]\nmin_toxicity = 0.7\n[run]\nrows_per_shard = {rows}\n"
    '[[filters]]\nkind = "similarity"\nmin_score = {score}\n'
)
BUILT = replace(contents(), recipe=RECIPE.format(rows=1000, score=0.6))
PAIRS = BUILT.pairs.collect()


@pytest.fixture
def between(tmp_path: Path) -> Callable[[Contents, Contents], Difference]:
    def compare(older: Contents, newer: Contents) -> Difference:
        store = Store(tmp_path / "store")
        for name, built in (("a", older), ("b", newer)):
            store.publish(name, built, documents=lambda _: {})
        return diff(store.resolve("a"), store.resolve("b"))

    return compare


def without(built: Contents, pair_ids: list[str], *, reason: str | None, score: str = "score_similarity") -> Contents:
    """`built` with these pairs dropped by the filter `reason` at the score they have, or gone as if never seen."""
    before = built.pairs.collect()
    gone, pairs = (
        before.filter(found) for found in (pl.col("pair_id").is_in(pair_ids), ~pl.col("pair_id").is_in(pair_ids))
    )
    texts = pl.concat([pairs["set_id"] + pairs["positive"], pairs["set_id"] + pairs["negative"]])
    members = built.members.filter((pl.col("set_id") + pl.col("text")).is_in(texts.implode()))
    if reason is None:
        return replace(built, pairs=pairs.lazy(), members=members)
    ledger = gone.rename({"pair_id": "id"}).with_columns(
        stage=pl.lit("filter"), unit=pl.lit("pair"), drop_reason=pl.lit(reason), score=pl.col(score)
    )
    rows = pl.concat([built.dropped, ledger.lazy()], how="diagonal").select(list(built.dropped.collect_schema()))
    more = pl.when(pl.col("stage") == "filter").then(gone.height).otherwise(0)
    funnel = built.funnel.with_columns(kept=pl.col("kept") - more, dropped=pl.col("dropped") + more)
    return replace(built, pairs=pairs.lazy(), members=members, dropped=rows, funnel=funnel)


def told(rows: pl.DataFrame) -> list[tuple[str, str | None]]:
    return sorted(rows.select("cause", "reason").unique().rows())


def test_nothing_changed(between: Callable[..., Difference]) -> None:
    found = between(BUILT, BUILT)

    said = found.as_dict()
    assert said["same"]
    assert said["causes"] == {"corpus": [], "recipe": [], "models": [], "code": None}
    assert set(said["pairs"].values()) == {0}
    assert said["files"] == {"added": [], "removed": [], "changed": []}
    assert all(each["from"] == each["to"] for each in said["counts"])
    assert found.suspects == []


def test_a_threshold_that_moved(between: Callable[..., Difference]) -> None:
    weak = PAIRS.sort("score_similarity")["pair_id"][:3].to_list()
    strict = replace(without(BUILT, weak, reason="similarity"), recipe=RECIPE.format(rows=1000, score=0.7))

    forth, back = between(BUILT, strict), between(strict, BUILT)

    move = {"key": "filters.similarity.min_score", "from": 0.6, "to": 0.7}
    assert forth.thresholds == forth.recipe == [move]
    assert sorted(forth.removed["pair_id"]) == sorted(weak)
    assert told(forth.removed) == [("threshold moved", "similarity")]
    assert (forth.added.height, forth.rewritten.height, forth.rescored.height) == (0, 0, 0)
    assert sorted(back.added["pair_id"]) == sorted(weak)
    assert told(back.added) == [("threshold moved", "similarity")]
    counts = {each["count"]: (each["from"], each["to"]) for each in forth.counts}
    assert counts["pairs"] == (PAIRS.height, PAIRS.height - 3)
    assert counts["dropped.filter.similarity"] == (3, 6)
    assert "recipe.toml" in forth.files["changed"]


def test_another_evaluation_set_is_a_change_of_the_recipe_and_no_threshold(between: Callable[..., Difference]) -> None:
    held = RECIPE.format(rows=1000, score=0.6) + '[[filters]]\nkind = "contamination"\nagainst = ["a.csv@{}"]\n'

    found = between(replace(BUILT, recipe=held.format("0")), replace(BUILT, recipe=held.format("1")))

    assert [move["key"] for move in found.recipe] == ["filters.contamination.against"]
    assert (found.thresholds, found.suspects) == ([], ["recipe"])


def test_a_score_that_moved_is_told_from_a_threshold_that_did(between: Callable[..., Difference]) -> None:
    weak = PAIRS.sort("score_similarity")["pair_id"][:2].to_list()
    other = without(
        replace(BUILT, pairs=BUILT.pairs.with_columns(pl.col("score_similarity") - 0.1)), weak, reason="similarity"
    )
    newer = replace(
        other,
        fingerprints={**BUILT.fingerprints, "judge": "package:other 1"},
        recipe=RECIPE.format(rows=1000, score=0.61),
    )

    found = between(BUILT, newer)

    assert told(found.removed) == [("score moved: models", "similarity")]
    assert found.models == [{"role": "judge", "from": "package:better_profanity 0.7", "to": "package:other 1"}]
    assert set(found.rescored["score"]) == {"similarity"}
    assert found.rescored_pairs == PAIRS.height - 2
    assert set(found.rescored["cause"]) == {"models"}
    moved = found.rescored.with_columns(by=pl.col("after") - pl.col("before"))["by"]
    assert moved.min() == pytest.approx(-0.1)
    assert moved.max() == pytest.approx(-0.1)


def test_a_near_duplicate_moves_with_the_other_pairs_and_every_other_score_with_its_model(
    between: Callable[..., Difference],
) -> None:
    older = replace(BUILT, pairs=BUILT.pairs.with_columns(score_near_duplicate=0.0))
    newer = replace(
        BUILT,
        pairs=older.pairs.with_columns(score_near_duplicate=pl.lit(0.5), score_judge=pl.col("score_judge") + 0.25),
        source=[{**BUILT.source[0], "sha256": "00" * 32}],
        fingerprints={"judge": "package:other 1"},
    )

    moved = between(older, newer).rescored

    assert dict(moved.select("score", "cause").unique().iter_rows()) == {
        "near_duplicate": "corpus or models",
        "judge": "models",
    }


def test_a_filter_that_came(between: Callable[..., Difference]) -> None:
    gone = PAIRS["pair_id"][:2].to_list()
    newer = replace(without(BUILT, gone, reason="copy"), recipe=BUILT.recipe + '[[filters]]\nkind = "copy"\n')

    assert told(between(BUILT, newer).removed) == [("filter added", "copy")]
    assert told(between(newer, BUILT).added) == [("filter removed", "copy")]


def test_a_score_that_came_or_became_null(between: Callable[..., Difference]) -> None:
    first = PAIRS.sort("pair_id")["pair_id"][0]
    blank = pl.when(pl.col("pair_id") == first).then(None).otherwise("score_judge").alias("score_judge")
    newer = replace(BUILT, pairs=BUILT.pairs.with_columns(blank, score_new=0.5))

    [moved] = between(BUILT, newer).rescored.to_dicts()

    assert (moved["pair_id"], moved["score"], moved["after"]) == (first, "judge", None)


def test_a_source_that_was_withdrawn_or_came(between: Callable[..., Difference]) -> None:
    sets = PAIRS["set_id"].unique().sort()[:4]
    part = pl.when(pl.col("set_id").is_in(sets.implode())).then(pl.lit("forum")).otherwise("source").alias("source")
    two = replace(
        BUILT,
        pairs=BUILT.pairs.with_columns(part),
        members=BUILT.members.with_columns(part),
        source=[*BUILT.source, {**BUILT.source[0], "name": "forum", "sha256": "ef" * 32}],
    )
    one = without(two, two.pairs.filter(source="forum").collect()["pair_id"].to_list(), reason=None)
    one = replace(one, source=BUILT.source)

    gone, come = between(two, one), between(one, two)

    assert gone.corpus == [{"source": "forum", "change": "withdrawn", "from": "ef" * 32, "to": None}]
    assert told(gone.removed) == [("source withdrawn", None)]
    assert come.corpus == [{"source": "forum", "change": "added", "from": None, "to": "ef" * 32}]
    assert told(come.added) == [("source added", None)]
    assert gone.removed.height == come.added.height > 0


def test_a_source_that_changed(between: Callable[..., Difference]) -> None:
    sets = PAIRS["set_id"].unique().sort()[:2]
    newer = without(BUILT, PAIRS.filter(pl.col("set_id").is_in(sets.implode()))["pair_id"].to_list(), reason=None)
    newer = replace(newer, source=[{**BUILT.source[0], "sha256": "00" * 32}])

    found = between(BUILT, newer)

    assert [change["change"] for change in found.corpus] == ["sha256"]
    assert told(found.removed) == [("source changed", None)]


def test_another_positive_of_the_same_parent(between: Callable[..., Difference]) -> None:
    old = PAIRS.filter(pl.col("positive_kind") == "rewrite").sort("pair_id")["positive"][0]
    new = "Other words for the same."

    def changed(rows: pl.LazyFrame, column: str, key: str) -> pl.LazyFrame:
        touched = pl.col(column) == old
        fresh = pl.when(touched).then(pl.lit(digest(new, column))).otherwise(key).alias(key)
        return rows.with_columns(fresh, pl.col(column).replace(old, new))

    newer = replace(
        BUILT,
        pairs=changed(BUILT.pairs, "positive", "pair_id"),
        members=changed(BUILT.members, "text", "member_id"),
    )

    found = between(BUILT, newer)

    assert (found.added.height, found.removed.height) == (0, 0)
    assert found.rewritten.select("positive", "positive_after").rows() == [(old, new)]
    assert found.as_dict()["rows"]["rewritten"][0]["after"] == digest(new, "positive")
    assert found.rewritten["cause"].to_list() == ["unknown"]
    model = replace(found.newer, manifest={**found.newer.manifest, "fingerprints": {}})
    assert diff(found.older, model).as_dict()["rows"]["rewritten"][0]["cause"] == "models"


def test_another_negative_of_the_same_positive_is_removed_and_added(between: Callable[..., Difference]) -> None:
    old = PAIRS.filter(pl.col("negative_kind") == "swap_num").sort("pair_id")["negative"][0]
    new = "They built it for 99 women."
    pairs = BUILT.pairs.with_columns(
        pl.when(pl.col("negative") == old).then(pl.lit(digest(new))).otherwise("pair_id").alias("pair_id"),
        pl.col("negative").replace(old, new),
    )
    newer = replace(BUILT, pairs=pairs, members=BUILT.members.with_columns(pl.col("text").replace(old, new)))

    found = between(BUILT, newer)

    assert (found.added.height, found.removed.height, found.rewritten.height) == (1, 1, 0)
    assert told(found.added) == told(found.removed) == [("unknown", None)]


def test_what_cannot_change_a_pair_is_told_but_no_suspect(between: Callable[..., Difference]) -> None:
    gone = without(BUILT, PAIRS["pair_id"][:1].to_list(), reason=None)
    found = between(BUILT, replace(gone, recipe=RECIPE.format(rows=50, score=0.6)))

    assert found.recipe == [{"key": "run.rows_per_shard", "from": 1000, "to": 50}]
    assert (found.suspects, found.thresholds) == ([], [])
    assert told(found.removed) == [("unknown", None)]


def test_what_no_row_tells_comes_from_what_changed(between: Callable[..., Difference]) -> None:
    gone = without(BUILT, PAIRS["pair_id"][:1].to_list(), reason=None)

    found = between(BUILT, replace(gone, recipe=BUILT.recipe.replace("0.7", "0.8")))

    assert found.suspects == ["recipe"]
    assert told(found.removed) == [("recipe", None)]


def test_the_code_is_a_suspect_and_another_split_an_alteration(between: Callable[..., Difference]) -> None:
    sets = PAIRS.filter(pl.col("split") == "train")["set_id"].unique().sort()[:1]
    split = pl.when(pl.col("set_id").is_in(sets.implode())).then(pl.lit("test")).otherwise("split").alias("split")
    newer = replace(BUILT, pairs=BUILT.pairs.with_columns(split), members=BUILT.members.with_columns(split))

    found = between(BUILT, newer)
    older = replace(found.older, manifest={**found.older.manifest, "code": "0.0.1+aaa"})

    assert {tuple(columns) for columns in found.altered["columns"]} == {("split",)}
    assert set(found.altered["pair_id"]) == set(PAIRS.filter(pl.col("set_id") == sets[0])["pair_id"])
    assert diff(older, found.newer).suspects == ["code"]


def test_machines_get_ids_and_no_text(between: Callable[..., Difference]) -> None:
    weak = PAIRS["pair_id"][:6].to_list()
    said: dict[str, Any] = between(BUILT, without(BUILT, weak, reason="similarity")).as_dict()

    written = json.dumps(said)
    assert not any(text in written for text in [*PAIRS["positive"], *PAIRS["negative"]])
    assert [row["pair_id"] for row in said["rows"]["removed"]] == sorted(weak)


def test_a_recipe_that_cannot_be_read_is_one_line(between: Callable[..., Difference]) -> None:
    found = between(BUILT, BUILT)
    path = found.older.path / "recipe.toml"
    for text in ("[x", "a = 1", '[[filters]]\nname = "x"'):
        path.chmod(0o644)
        path.write_text(text)

        with pytest.raises(StoreError, match=r"a@v1: its recipe cannot be read .*verify a@v1") as caught:
            diff(found.older, found.newer)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("of", "table"), [("a", "pairs"), ("b", "pairs"), ("a", "dropped"), ("b", "dropped")])
def test_a_file_that_is_damaged_further_in_is_named(tmp_path: Path, of: str, table: str) -> None:
    versions = {name: Store(tmp_path).publish(name, BUILT, documents=lambda _: {})[0] for name in ("a", "b")}
    (path,) = (versions[of].path / table).glob("train-*")
    content = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(content[:4] + b"\xff" * 400 + content[404:])

    with pytest.raises(StoreError, match=rf"{table}/train-00000-of-00001\.parquet: cannot be read \("):
        diff(versions["a"], versions["b"])
