"""The build flow with real models on forty mild comments: what it publishes and refuses, and what Prefect is told."""

import asyncio
import logging
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import datasets
import polars as pl
import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import StateType
from prefect.settings import PREFECT_API_URL

from filters.base import apply_filters
from filters.near_duplicate import NearDuplicate
from flows.build import STAGES, build, drop_near_duplicates, leaking_texts, shared_texts, what_decides
from flows.killed import noted
from flows.recipe import Recipe, RunSettings, read_recipe
from flows.stage import StageError
from flows.standing import standing
from flows.whatif import ask
from pairgen.corpus import SourceFacts
from pairgen.errors import SchemaError, StoreError
from pairgen.loading import load_models
from pairgen.mining import MineSettings
from pairgen.places import Remote, local_folder, place_of
from pairgen.schema import PAIRS, TEXTS, Outcome
from pairgen.sets import make_pairs, make_sets, rewrite_seeds
from pairgen.store import Contents, Store, Version, verify
from tests.flows.conftest import COMMENTS, Published

pytestmark = pytest.mark.slow

NEW = [
    "Only an idiot parks a tractor in front of the swimming pool on a Sunday.",
    "The orchestra from Bergen played for 45 minutes in the old harbour.",
    "My uncle sold 12 beehives to a farmer from Porto last spring.",
]


def comments() -> pl.DataFrame:
    return pl.read_csv(COMMENTS, infer_schema=False)


def leftovers(store: Path) -> list[str]:
    """What stands in the store besides data sets and remembered scores."""
    return [path.name for path in store.iterdir() if path.name.startswith(".") and path.name != ".cache"]


def warm(store: Path, published: Published) -> Path:
    """A store without versions that remembers the scores of the published one: its builds load no model."""
    shutil.copytree(published.store / ".cache", store / ".cache")
    return store


def known_to_prefect(name: str) -> dict[str, Any]:
    """The newest run of the flow `name` as the API tells it: state, tasks, logs; and the artifacts of all runs."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        FlowFilter,
        FlowFilterName,
        FlowRunFilter,
        FlowRunFilterId,
        LogFilter,
        LogFilterFlowRunId,
    )
    from prefect.client.schemas.sorting import FlowRunSort
    from prefect.logging.handlers import APILogHandler

    async def ask() -> dict[str, Any]:
        await APILogHandler.aflush()
        async with get_client() as client:
            flows = FlowFilter(name=FlowFilterName(any_=[name]))
            [run] = await client.read_flow_runs(flow_filter=flows, sort=FlowRunSort.START_TIME_DESC, limit=1)
            runs = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
            tasks = await client.read_task_runs(flow_run_filter=runs)
            logs = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id])))
            artifacts = await client.read_artifacts()
        return {"run": run, "tasks": tasks, "logs": logs, "artifacts": artifacts}

    return asyncio.run(ask())


def assert_no_text(told: str, texts: Sequence[str]) -> None:
    """No text of the corpus stands in `told`; what stood there is not printed."""
    places = [place for place, text in enumerate(texts) if len(text.strip()) > 5 and text.strip() in told]
    assert not places, f"rows {places} of the corpus are there"


def test_a_version_is_published_whole(published: Published) -> None:
    version = published.version

    assert version.reference == "small@v1"
    assert verify(version) == []
    assert leftovers(published.store) == []
    assert set(version.pairs()["negative_kind"]) - {"swap_roles"} == {"toxic", "swap_ent", "swap_num", "negation"}
    assert set(version.pairs()["positive_kind"]) == {"rewrite", "original"}
    assert read_recipe(str(version.path / "recipe.toml")) == published.recipe
    assert set(version.manifest["fingerprints"]) == {"toxicity", "judge", "embedder", "language", "parser"}
    [source] = version.manifest["source"]
    assert (source["name"], source["rows"]) == ("comments", comments().height)


def test_at_every_stage_what_went_in_was_kept_or_dropped(published: Published) -> None:
    funnel = published.version.manifest["funnel"]

    assert [row["stage"] for row in funnel] == [stage for stage in STAGES if stage != "references"]
    assert funnel[0]["entered"] == comments().height
    assert all(row["entered"] == row["kept"] + row["dropped"] for row in funnel)
    for before, after in pairwise(funnel):
        assert after["unit"] != before["unit"] or after["entered"] == before["kept"]
    assert funnel[-1]["kept"] == published.version.pairs().height
    assert sum(row["dropped"] for row in funnel) == published.version.dropped().height


def test_faulty_rows_are_dropped_with_their_reason(published: Published) -> None:
    dropped = published.version.dropped().filter(pl.col("stage") == "read")

    assert dict(dropped.select("source_id", "drop_reason").iter_rows()) == {
        "c35": "duplicate",
        "c36": "empty",
        "c37": "no_letters",
        "c38": "other_language",
    }


@pytest.mark.parametrize("where", ["{folder}/store", "memory://{folder.name}"])
def test_what_is_in_another_version_stays_out_and_the_row_says_of_what_it_is_a_duplicate(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    store = place_of(where.format(folder=tmp_path))
    shutil.copytree(published.store, local_folder(store))
    if isinstance(store, Remote):
        (store / "small").upload(published.store / "small", besides="")
    new = tmp_path / "new.csv"
    pl.DataFrame({"text": NEW}).write_csv(new)
    recipe = read_recipe("embedded", sources=[str(COMMENTS), str(new)], name="next")
    filters = tuple(
        NearDuplicate(against=("small",)) if each.kind == "near_duplicate" else each for each in recipe.filters
    )

    version, is_new = build(recipe.model_copy(update={"filters": filters}).settled(store), store)

    assert is_new
    assert set(version.pairs()["source"]) == {"new"}
    dropped = version.dropped().filter(pl.col("drop_reason") == "near_duplicate")
    assert dropped.height == published.version.pairs().height
    assert set(dropped["duplicate_of"]) == {f"small@v1 {each}" for each in published.version.pairs()["set_id"]}
    stored = read_recipe(str(version.path / "recipe.toml")).filters[-1]
    assert stored.model_dump()["against"] == (f"small@v1@{published.version.digest}",)
    assert (
        f"| near&#95;duplicate | small&#64;v1 | {published.version.digest} |"
        in (version.path / "README.md").read_text()
    )
    assert verify(version) == []


@pytest.mark.parametrize("config", ["pairs", "members", "dropped"])
def test_datasets_loads_every_table(published: Published, tmp_path: Path, config: str) -> None:
    table: pl.DataFrame = getattr(published.version, config)()

    loaded = datasets.load_dataset(str(published.version.path), config, cache_dir=str(tmp_path))

    expected = dict(table.with_columns(pl.col("split").fill_null("unsplit"))["split"].value_counts().iter_rows())
    assert {split: part.num_rows for split, part in loaded.items()} == expected
    assert set(next(iter(loaded.values())).column_names) == set(table.columns)


def test_pairs_are_what_loads_when_no_table_is_named(published: Published, tmp_path: Path) -> None:
    loaded = datasets.load_dataset(str(published.version.path), split="train", cache_dir=str(tmp_path))

    assert (
        sorted(loaded["pair_id"]) == published.version.pairs().filter(pl.col("split") == "train")["pair_id"].to_list()
    )


def test_the_card_is_a_valid_data_set_card_and_masks_toxic_words(published: Published) -> None:
    from huggingface_hub import DatasetCard

    readme = (published.version.path / "README.md").read_text(encoding="utf-8")
    html = (published.version.path / "card.html").read_text(encoding="utf-8")

    _, front, body = readme.split("---\n", 2)
    configs = {each["config_name"]: each for each in yaml.safe_load(front)["configs"]}
    assert list(configs) == ["pairs", "members", "dropped"]
    assert configs["pairs"]["default"] is True
    for each in configs.values():
        for data_file in each["data_files"]:
            assert list(published.version.path.glob(data_file["path"])), data_file
    assert DatasetCard(readme).data.to_dict()["size_categories"] == ["n<1K"]
    assert "●" in body
    assert not [word for word in ("idiot", "moron", "stupid") if word in body.casefold()]
    assert html.startswith("<!doctype html>") or html.startswith("<!DOCTYPE html>")
    assert 'class="masked"' in html


@pytest.mark.parametrize("known", [True, False])
def test_the_same_build_again_publishes_nothing_and_does_nothing_where_that_is_known(
    published: Published, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    note = published.store / ".cache" / "small.built"
    assert note.is_file()
    if known:
        monkeypatch.setattr("flows.build.clean", never)
    else:
        note.write_text("{")
    before = sorted(published.store.rglob("*"))

    assert build(published.recipe, published.store) == (published.version, False)

    assert sorted(path for path in published.store.rglob("*") if ".cache" not in path.parts) == [
        path for path in before if ".cache" not in path.parts
    ]
    assert verify(published.version) == []


def test_an_empty_store_other_shards_and_another_order_of_rows_give_the_same_digest(
    published: Published, tmp_path: Path
) -> None:
    file = tmp_path / "comments.csv"
    comments().sample(fraction=1, shuffle=True, seed=3).write_csv(file)
    recipe = read_recipe("embedded", sources=[str(file)], name="small")
    recipe = recipe.model_copy(update={"run": recipe.run.model_copy(update={"rows_per_shard": 7})})
    store = tmp_path / "store"
    store.mkdir()

    version, is_new = build(recipe, store)

    assert is_new
    assert version.pairs().equals(published.version.pairs())
    assert version.members().equals(published.version.members())
    assert version.dropped().equals(published.version.dropped())
    assert version.digest == published.version.digest
    assert version.manifest["funnel"] == published.version.manifest["funnel"]


def test_one_more_comment_changes_no_other_set_and_is_all_that_is_worked_on(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()

    def counted(function: Callable[..., Outcome]) -> Callable[..., Outcome]:
        @wraps(function)
        def call(rows: pl.DataFrame, **given: Any) -> Outcome:
            asked[function.__name__] += rows.height
            return function(rows, **given)

        return call

    for function in (rewrite_seeds, make_sets, apply_filters):
        monkeypatch.setattr(f"flows.build.{function.__name__}", counted(function))
    file = tmp_path / "comments.csv"
    new = {"id": "c41", "text": "Only a stupid moron parks 2 cars in front of the school in York.", "parent_text": ""}
    pl.concat([comments(), pl.DataFrame([new])]).write_csv(file)

    recipe = read_recipe("embedded", sources=[str(file)], name="small").settled(tmp_path)
    version, is_new = build(recipe, warm(tmp_path, published))

    assert is_new
    for table in ("pairs", "members"):
        before, after = getattr(published.version, table)(), getattr(version, table)()
        before, after = (
            rows.with_columns(source=pl.lit("")).sort("set_id", *rows.columns[:2]) for rows in (before, after)
        )
        assert after.join(before, on="set_id", how="semi", maintain_order="left").equals(before)
        assert after.join(before, on="set_id", how="anti")["set_id"].n_unique() == 1
    assert (asked["rewrite_seeds"], asked["make_sets"]) == (1, 1)
    assert 0 < asked["apply_filters"] < 10


def test_what_people_wrote_is_a_positive_of_its_own_kind(published: Published, tmp_path: Path) -> None:
    toxic = "Only a stupid moron parks 2 cars in front of the school in York."
    rewritten, abstained = "People should not park 2 cars in front of the school in York.", "It is odd."
    rows = [
        {"text": toxic, "neutral": [rewritten, "x " * 5_000, "Park elsewhere.", toxic, None]},
        {"text": toxic, "neutral": [rewritten]},
        {"text": "idiot", "neutral": [abstained]},  # there is nothing to rewrite it to
        {"text": "The bus to York leaves at 9.", "neutral": ["The bus to York goes at 9."]},
        {"text": "The boat to Hull leaves at 9.", "neutral": None},
        {"text": "...", "neutral": ["It leaves."]},
    ]
    pl.DataFrame(rows).write_parquet(tmp_path / "parallel.parquet")
    recipe = read_recipe("embedded", sources=[str(tmp_path / "parallel.parquet")], name="parallel")
    source = recipe.source.model_copy(update={"references": "neutral"})

    version, is_new = build(recipe.model_copy(update={"source": source}), warm(tmp_path, published))

    assert is_new
    assert verify(version) == []
    assert 'references = "neutral"' in (version.path / "recipe.toml").read_text(encoding="utf-8")
    funnel = {row["stage"]: (row["unit"], row["entered"], row["kept"]) for row in version.manifest["funnel"]}
    assert funnel["read"] == ("text", 6, 4)
    assert funnel["references"] == ("reference", 9, 4)
    dropped = version.dropped()
    reasons = dropped.filter(pl.col("unit") == "reference").select("drop_reason", "parent").rows()
    others = [(reason, toxic) for reason in ("copy", "duplicate", "empty", "too_long")]
    assert sorted(reasons) == sorted([*others, ("of_a_dropped_text", "...")])
    assert dict(dropped.filter(pl.col("stage") == "mine").select("drop_reason", "text").rows()) == {
        "clean_but_for_its_references": "The bus to York leaves at 9."
    }
    judged = pl.concat([version.pairs(), dropped.filter(pl.col("unit") == "pair")], how="diagonal")
    against = judged.filter(pl.col("negative_kind") == "toxic").select("positive_kind", "positive", "parent").rows()
    human = {(positive, parent) for kind, positive, parent in against if kind == "human"}
    assert human == {(rewritten, toxic), ("Park elsewhere.", toxic), (abstained, "idiot")}
    assert "rewrite" in {kind for kind, *_ in against}
    assert rewritten in version.pairs().filter(pl.col("positive_kind") == "human")["positive"].to_list()
    assert "a toxic text, rewritten by a person" in (version.path / "card.html").read_text(encoding="utf-8")


def test_the_card_says_what_other_thresholds_would_keep(published: Published) -> None:
    """As `contrast-pairs whatif` says it."""
    rows = {f"{row['filter']}.{row['key']}": row for row in published.version.stats()["what_if"]}

    points = rows["similarity.min_score"]["points"]
    assert len(points) > 1
    for point in points:
        told = ask(published.version, [f"similarity.min_score={point['threshold']}"])["pairs"]
        assert (told["kept_then"], told["unknown"]) == (point["kept"], point["unknown"])
        assert told["judged"] == sum(point[key] for key in ("kept", "dropped", "unknown"))


def test_the_card_sets_our_rewrites_beside_copying_and_deleting(published: Published) -> None:
    rows = {row["system"]: row for row in published.version.stats()["baselines"]}

    assert set(rows) == {"copy", "delete", "ours"}
    assert rows["copy"]["sta"] == rows["copy"]["j"] == 0  # else it would not have been rewritten
    assert rows["copy"]["sim"] == pytest.approx(1, abs=0.01)
    assert rows["ours"]["j"] > 0
    assert "| delete | " in (published.version.path / "README.md").read_text(encoding="utf-8")


def test_prefect_shows_the_tasks_and_the_card_but_no_toxic_word(published: Published) -> None:
    told = known_to_prefect("build")

    assert {task.name.partition("-")[0] for task in told["tasks"]} >= {"shard", "collect", "publish"}
    assert "shard-00000" in {task.name for task in told["tasks"]}
    assert told["run"].state.is_completed()
    card, funnel = (
        next(each for each in told["artifacts"] if each.key == key) for key in ("small-card", "small-funnel")
    )
    assert card.description == "small@v1"
    assert "●" in card.data
    assert not [word for word in ("idiot", "moron", "stupid") if word in card.data.casefold()]
    assert "near_duplicate" in str(funnel.data)
    pages = [str(each.data) for each in told["artifacts"] if each.key == "small-page"]
    address = (published.version.path / "card.html").resolve().as_uri()
    assert any(address in page for page in pages)


def test_a_failing_stage_says_where_and_publishes_nothing_and_no_log_holds_a_text(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failed = []

    def fail(texts: pl.DataFrame, **_: object) -> Outcome:
        failed.append(len(failed) + 1)
        try:
            raise KeyError(texts["text"][0])
        except KeyError as error:
            raise ValueError(f"cannot score {texts['text'].to_list()}") from error

    monkeypatch.setattr("flows.build.mine_texts", fail)
    for name in ("prefect", "prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addHandler(caplog.handler)
    try:
        with pytest.raises(StageError, match=r"^mine: ValueError at \w+/\w+\.py:\d+\. This is a defect") as caught:
            build(published.recipe, warm(tmp_path, published))
    finally:
        for name in ("prefect", "prefect.flow_runs", "prefect.task_runs"):
            logging.getLogger(name).removeHandler(caplog.handler)

    assert isinstance(caught.value.__context__, ValueError)
    assert failed == [1, 2, 3]
    assert Store(tmp_path).versions() == []
    assert leftovers(tmp_path) == [".build-small"]
    told = known_to_prefect("build")
    assert told["run"].state.is_failed()
    assert [each for each in told["logs"] if each.level >= logging.ERROR]
    assert "StageError" in caplog.text
    texts = comments()["text"].to_list()
    for where in (caplog.text, *map(str, (told["run"], told["tasks"], told["logs"]))):
        assert_no_text(where, texts)


def test_a_stage_that_loses_a_row_stops_the_build(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.build import drop_leaks

    def lose(texts: pl.DataFrame, leaks: pl.DataFrame) -> Outcome:
        outcome = drop_leaks(texts, leaks=leaks)
        return Outcome(outcome.kept.head(-1), outcome.dropped)

    monkeypatch.setattr("flows.build.drop_leaks", lose)

    with pytest.raises(SchemaError, match=r"^split: 36 rows entered, but 35 kept \+ 0 dropped = 35$"):
        build(published.recipe, warm(tmp_path, published))

    assert Store(tmp_path).versions() == []
    assert leftovers(tmp_path) == [".build-small"]


def test_a_disk_that_refuses_is_one_line(published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> Outcome:
        raise OSError(28, "No space left on device", "/somewhere/mine.parquet")

    monkeypatch.setattr("flows.build.mine_texts", full)

    with pytest.raises(StoreError, match=r"^mine: No space left on device at /somewhere/mine.parquet. Is there room"):
        build(published.recipe, warm(tmp_path, published))

    assert Store(tmp_path).versions() == []
    monkeypatch.undo()
    monkeypatch.setattr("flows.build.clean", never)  # what was read is there
    version, is_new = build(published.recipe, tmp_path)
    assert is_new
    assert version.digest == published.version.digest
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("kept", [0, 100, -1])
def test_leaks_that_were_cut_short_are_looked_for_again(tmp_path: Path, kept: int) -> None:
    shard = tmp_path / "shard-00000"
    shard.mkdir()
    row = {"context": "", "source": "ours", "licence": "unknown", "references": []}
    said = [
        f"The {ending} bus to Leeds was late again on Monday, damn it, and on Sunday too."
        for ending in ("last", "lost")
    ]
    rows = [
        {"text_id": split, "text": text, "split": split, **row}
        for text, split in zip(said, ("test", "train"), strict=True)
    ]
    pl.DataFrame(rows, schema=TEXTS).write_parquet(shard / "read.parquet")
    recipe = read_recipe("demo")
    leaks = leaking_texts.fn([shard], tmp_path, recipe)
    whole = leaks.read_bytes()
    assert pl.read_parquet(leaks).height == 1
    leaks.write_bytes(whole[:kept])

    assert leaking_texts.fn([shard], tmp_path, recipe) == leaks
    assert leaks.read_bytes() == whole


def never(*_: object, **__: object) -> Outcome:
    raise AssertionError("this stage was done")


def in_shards(recipe: Recipe, **run: object) -> Recipe:
    return recipe.model_copy(update={"run": RunSettings(rows_per_shard=7, **run)})  # type: ignore[arg-type]


def test_a_shard_that_fails_three_times_is_set_aside_and_counted_where_the_recipe_says_so(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def fail_in_one(sets: pl.DataFrame, seeds: pl.DataFrame, **given: Any) -> Outcome:
        if "Leeds" in "".join(seeds["text"]):
            tried.append(seeds["text_id"][0])
            raise ValueError("odd")
        return make_pairs(sets, seeds, **given)

    monkeypatch.setattr("flows.build.make_pairs", fail_in_one)
    recipe = in_shards(published.recipe, on_failed_shard="set_aside")
    with_leeds = comments().filter(pl.col("text").str.contains("Leeds"))["text"].to_list()
    assert with_leeds

    version, is_new = build(recipe, warm(tmp_path, published))

    assert is_new
    assert verify(version) == []
    assert len(tried) == 3 * len(set(tried))
    aside = version.dropped().filter(pl.col("drop_reason") == "failed_pair")
    assert set(aside["stage"]) == {"read"}
    assert set(with_leeds) & set(aside["text"])
    funnel = {row["stage"]: row for row in version.manifest["funnel"]}
    whole = {row["stage"]: row for row in published.version.manifest["funnel"]}
    assert funnel["read"]["entered"] == comments().height
    assert funnel["read"]["kept"] == whole["read"]["kept"] - aside.height
    row = {"stage": "read", "unit": "text", "drop_reason": "failed_pair", "count": aside.height}
    assert row in version.stats()["dropped"]["by_reason"]
    left = published.version.pairs().join(version.pairs(), on="pair_id", how="anti")
    assert left.height > 0
    assert version.pairs().join(published.version.pairs(), on="pair_id", how="anti").height == 0
    monkeypatch.undo()
    whole_again, is_new = build(recipe, tmp_path)  # what was set aside is tried again, though nothing else is new
    assert (whole_again.digest, is_new) == (published.version.digest, True)


def test_another_corpus_at_the_same_path_is_built(published: Published, tmp_path: Path) -> None:
    file = tmp_path / "comments.csv"
    comments().write_csv(file)
    recipe = published.recipe.model_copy(
        update={"source": published.recipe.source.model_copy(update={"paths": (str(file),)})}
    )
    first, _ = build(recipe, warm(tmp_path, published))
    noted_then = (tmp_path / ".cache" / "small.built").read_text()
    comments().head(30).write_csv(file)

    second, is_new = build(recipe, tmp_path)

    assert is_new
    assert second.pairs().height < first.pairs().height
    assert (tmp_path / ".cache" / "small.built").read_text() != noted_then


def test_what_decides_a_build_are_the_sources_as_they_were_read(published: Published, tmp_path: Path) -> None:
    models = load_models(published.recipe.models, tmp_path / "scores.sqlite")
    decided = what_decides(published.recipe, models)
    (facts,) = [SourceFacts(**each) for each in published.version.manifest["source"]]

    assert what_decides(published.recipe, models, read_from=[facts]) == decided
    other = replace(facts, sha256="0" * 64)
    assert what_decides(published.recipe, models, read_from=[other]) != decided


def test_what_a_build_came_to_is_not_taken_for_another_recipe_library_or_withdrawn_version(
    published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(published.store, tmp_path / "store")
    store = Store(tmp_path / "store")
    (version,) = store.versions("small")
    models = load_models(published.recipe.models, tmp_path / "scores.sqlite")
    decided = what_decides(published.recipe, models)
    note = tmp_path / "store" / ".cache" / "small.built"

    assert standing(note, "small", decided, store) == version
    stricter = published.recipe.model_copy(update={"mine": MineSettings(min_toxicity=0.9)})
    assert standing(note, "small", what_decides(stricter, models), store) is None
    monkeypatch.setattr("flows.build.code_and_libraries", lambda: ["polars==0.1"])
    assert standing(note, "small", what_decides(published.recipe, models), store) is None
    assert standing(note, "small", decided, Store(tmp_path / "other")) is None
    store.withdraw("small@v1", reason="a mistake")
    with pytest.raises(StoreError, match="withdrawn"):
        standing(note, "small", decided, store)


@pytest.mark.parametrize("kept", [0, 100, -1])
def test_shared_texts_that_were_cut_short_are_looked_for_again(tmp_path: Path, kept: int) -> None:
    shard = tmp_path / "shard-00000"
    shard.mkdir()
    rows = [{**dict.fromkeys(PAIRS, "x"), "pair_id": split, "split": split} for split in ("train", "test")]
    pl.DataFrame(rows, schema=PAIRS).write_parquet(shard / "near_duplicate.parquet")
    shared = shared_texts.fn([shard], tmp_path)
    whole = shared.read_bytes()
    assert pl.read_parquet(shared).rows() == [("x", 0)]
    shared.write_bytes(whole[:kept])

    assert shared_texts.fn([shard], tmp_path) == shared
    assert shared.read_bytes() == whole


def test_a_comparison_of_sets_that_was_stopped_goes_on_and_one_that_was_done_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = [tmp_path / f"shard-{number}" for number in range(3)]
    for number, shard in enumerate(shards):
        shard.mkdir()
        said = ("The last damn bus to Leeds was late.", "Nobody opens the library before noon, idiot.")[number // 2]
        row = {**dict.fromkeys(PAIRS, said), "split": "train"}
        row |= {"pair_id": f"p{number}", "set_id": f"s{number}"}
        pl.DataFrame([row], schema=PAIRS).write_parquet(shard / "filter.parquet")
    recipe = read_recipe("demo")
    assert drop_near_duplicates.fn(shards, recipe) == shards
    (shards[1] / "near_duplicate.json").unlink()
    before = (shards[0] / "near_duplicate.json").stat().st_mtime_ns

    drop_near_duplicates.fn(shards, recipe)

    assert [pl.read_parquet(shard / "near_duplicate.parquet").height for shard in shards] == [1, 0, 1]
    assert pl.read_parquet(shards[1] / "near_duplicate.dropped.parquet")["duplicate_of"].to_list() == ["s0"]
    assert (shards[0] / "near_duplicate.json").stat().st_mtime_ns == before
    monkeypatch.setattr(NearDuplicate, "nearest", None)
    assert drop_near_duplicates.fn(shards, recipe) == shards


def test_killed_anywhere_the_same_build_goes_on_and_ends_with_the_same_digest(
    published: Published, tmp_path: Path
) -> None:
    store = warm(tmp_path / "store", published)
    recipe = in_shards(published.recipe)
    (tmp_path / "recipe.toml").write_text(recipe.toml(), encoding="utf-8")
    command = [sys.executable, "-m", "flows", "build", str(tmp_path / "recipe.toml"), "--store", str(store)]
    outcomes = random.randint(1, 70)  # of 8 or so shards in 10 stages
    running = subprocess.Popen(command, env=os.environ | {"PREFECT_API_URL": PREFECT_API_URL.value() or ""})
    try:
        deadline = time.monotonic() + 120
        while len(list(store.glob(".build-small/*/shard-*/*.json"))) < outcomes and time.monotonic() < deadline:
            assert running.poll() is None, "the build ended before it was killed"
    finally:
        running.kill()
        running.wait()
    done = {file: file.stat().st_mtime_ns for file in store.glob(".build-small/*/shard-*/*.json")}
    assert Store(store).versions() == []
    killed = UUID((store / ".cache" / "small.run").read_text())
    assert states_of(killed)[0] == StateType.RUNNING
    seen: dict[Path, int] = {}

    def publish_after_looking(name: str, contents: Contents, **given: Any) -> tuple[Version, bool]:
        seen.update({file: file.stat().st_mtime_ns for file in done})
        return published_by(name, contents, **given)

    with pytest.MonkeyPatch.context() as patched:
        published_by = Store(store).publish
        patched.setattr(
            Store, "publish", lambda self, name, contents, **given: publish_after_looking(name, contents, **given)
        )
        version, is_new = build(recipe, store)

    assert is_new
    assert version.digest == published.version.digest, f"killed after {outcomes} outcomes"
    assert seen == done, "what was done was done again"
    assert leftovers(store) == []
    state, *tasks = states_of(killed)
    assert tasks
    assert state == StateType.CRASHED
    assert set(tasks) <= {StateType.COMPLETED, StateType.CRASHED}
    assert not (store / ".cache" / "small.run").exists()


def states_of(run: UUID) -> list[StateType | None]:
    """The state of a flow run, then of its task runs."""
    within = FlowRunFilter(id=FlowRunFilterId(any_=[run]))
    with get_client(sync_client=True) as client:
        runs = [client.read_flow_run(run), *client.read_task_runs(flow_run_filter=within)]
    return [each.state_type for each in runs]


def test_what_a_killed_run_noted_and_nobody_can_use_stops_no_build(published: Published, tmp_path: Path) -> None:
    store = warm(tmp_path, published)
    for said in ("half an i", "00000000-0000-0000-0000-000000000000"):
        (store / ".cache" / "small.run").write_text(said)

        assert build(published.recipe, store)[0].digest == published.version.digest

        assert not (store / ".cache" / "small.run").exists()


def test_a_run_that_its_server_tries_again_is_not_told_that_it_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[UUID] = []
    own, other = uuid4(), uuid4()
    monkeypatch.setattr("flows.killed._crash", told.append)
    monkeypatch.setattr("flows.killed.flow_run.get_id", lambda: str(own))
    for before in (own, other):
        (tmp_path / "small.run").write_text(str(before))

        with noted(tmp_path / "small.run"):
            assert (tmp_path / "small.run").read_text() == str(own)

    assert told == [other]


def test_a_corpus_of_which_nothing_is_kept_publishes_nothing(published: Published, tmp_path: Path) -> None:
    (tmp_path / "dull.txt").write_text("Fine.\n\n🙂\n")
    recipe: Recipe = read_recipe("embedded", sources=[str(tmp_path / "dull.txt")], name="dull")

    with pytest.raises(StoreError, match=r"^dull: nothing to publish, no pair was kept"):
        build(recipe, warm(tmp_path, published))

    assert Store(tmp_path).versions() == []
