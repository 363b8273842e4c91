"""The build flow: from a recipe to a published version, stage by stage. This is the whole pipeline.

Stages are plain functions from table to table; each task here runs one of them on one shard (`shards.advance`).
"""

import json
import re
import secrets
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import polars as pl
from prefect import flow

from data_cards.card import documents
from filters.base import apply_filters, keep_pairs
from filters.near_duplicate import NearDuplicate
from filters.what_if import curves
from flows.engines import task_runner
from flows.killed import noted
from flows.progress import tell_where_time_went, timing, where_time_went
from flows.publishing import show_card, show_time
from flows.recipe import Recipe, RunSettings
from flows.shards import (
    Shards,
    advance,
    dropped_of,
    funnel,
    is_done,
    is_table,
    rows_of,
    scans,
    seconds_of_models,
    set_aside_of,
    workplace,
    write_shards,
    write_whole,
)
from flows.stage import across, stage
from flows.standing import note_standing, standing
from pairgen.candidates import beyond
from pairgen.clock import model_seconds
from pairgen.corpus import SourceFacts, clean, source_sha256
from pairgen.draft import code_version
from pairgen.loading import LoadedModels, fingerprints, load_models
from pairgen.mining import mine_texts
from pairgen.outcomes import recalled
from pairgen.places import Place, local_folder
from pairgen.references import count_references, judge_references
from pairgen.rewriting.baselines import baselines
from pairgen.schema import Outcome, collected
from pairgen.sets import count_products, count_sets, make_pairs, make_sets, members_of, rewrite_seeds, set_id_of
from pairgen.sorting import sort_tables
from pairgen.splits import drop_leaks, drop_shared, find_leaks, find_shared
from pairgen.store import Contents, Draft, Store, Version
from pairgen.version import ORDER, TABLES

STAGES = ("read", "split", "references", "mine", "rewrite", "negatives", "pair", "filter", "near_duplicate", "disjoint")
_COMMIT = re.compile(r"@[0-9a-f]{40}$")
shard_stage = partial(stage, run_name="{shard.name}", again_after=(1, 2))  # three times in all


def build(recipe: Recipe, store: Place) -> tuple[Version, bool]:
    """The version that a settled `recipe` makes from its source, and whether it is new: no two hold the same pairs."""
    return stages.with_options(task_runner=task_runner(recipe.run))(recipe, store)


@flow(name="build", validate_parameters=False)
def stages(recipe: Recipe, store: Place) -> tuple[Version, bool]:
    """The stages of a build, timed, and the training that may follow."""
    memory = local_folder(store).resolve() / ".cache" / "scores.sqlite"
    with timing() as seconds:
        version, is_new, models = made(recipe, store, memory)
    rows = where_time_went(seconds, models)
    if rows:  # none where nothing had to be made
        tell_where_time_went(rows)
    leave_artifacts(version, is_new, rows, return_state=True)  # published whether or not the UI shows it
    if recipe.train.into is not None:
        from flows.train import train_built  # takes seconds, which a build alone need not wait for

        train_built(version, recipe, memory)
    return version, is_new


def made(recipe: Recipe, store: Place, memory: Path) -> tuple[Version, bool, Counter[str]]:
    """The version, whether it is new, and the seconds that each model worked for it.

    Where shards are worked on, `memory` is the file of scores that the models share.
    """
    models = load_models(recipe.models, memory)
    name, decided = recipe.publish.name, what_decides(recipe, models)
    last = memory.with_name(f"{name}.built")
    with workplace(local_folder(store), name, *decided) as work, noted(memory.with_name(f"{name}.run")):
        if version := standing(last, name, decided, Store(store)):
            return version, False, Counter()
        raw = shard_source(recipe, work)
        read = across(read_texts, raw.folders, recipe)
        leaks = leaking_texts(read, work, recipe)
        split = across(split_texts, read, recipe, leaks)
        mined = across(mine_seeds, split, recipe, memory)
        rewritten = across(rewrite_texts, mined, recipe, memory)
        negated = across(make_negatives, rewritten, recipe, memory)
        paired = across(pair_members, negated, recipe, memory)
        judged = across(judge_pairs, paired, recipe, memory)
        apart = drop_near_duplicates(judged, recipe)
        kept = across(drop_shared_texts, apart, recipe, shared_texts(apart, work))
        contents = collect(kept, work, recipe, models, raw)
        seconds = seconds_of_models(kept)
        with model_seconds() as more:
            version, is_new = publish(contents, recipe, store, models)
        if not set_aside_of(kept) and what_decides(recipe, models, read_from=raw.facts) == decided:
            note_standing(last, decided, version)
    seconds.update(more)
    return version, is_new, seconds


def what_decides(recipe: Recipe, models: LoadedModels, *, read_from: Sequence[SourceFacts] = ()) -> list[str]:
    """What a stopped build must share with one that goes on with its shards, and an ended one with what it spares.

    Of the sources as they are, or as they were when they were `read_from`. A data set on the hub whose revision is no
    commit may be another one by then: its build begins anew.
    """
    run = RunSettings(rows_per_shard=recipe.run.rows_per_shard)
    then = {each.path: each.sha256 for each in read_from}
    sources = [
        path if _COMMIT.search(path) else then.get(path) or source_sha256(path) or secrets.token_hex(8)
        for path in recipe.source.paths
    ]
    decisive = recipe.model_copy(update={"run": run}).toml()
    return [decisive, json.dumps(sources), json.dumps(fingerprints(models)), *code_and_libraries()]


@cache
def code_and_libraries() -> list[str]:
    """What runs, in so far as it may decide what is made: this project's code, Python, and all that is installed."""
    return [code_version(), sys.version, *sorted(f"{each.name}=={each.version}" for each in distributions())]


code_and_libraries()  # once, when this is imported: what is installed later does not run here


def remembered(
    function: Callable[..., Outcome],
    *,
    of: str,
    kept_of: str,
    named: Callable[[str], str] = str,
    models: LoadedModels,
    **given: Any,
) -> Callable[[pl.DataFrame], Outcome]:
    """`function` with `given` and `models`, of the rows alone of which it is not known what it makes (`recalled`)."""
    what = [function.__name__, repr(given), json.dumps(fingerprints(models)), *code_and_libraries()]
    asked = partial(function, models=models, **given)
    return partial(recalled, function=asked, memory=models.memory, what=what, of=of, kept_of=kept_of, named=named)


@stage("shard")
def shard_source(recipe: Recipe, work: Path) -> Shards:
    return write_shards(work, recipe.source, rows_per_shard=recipe.run.rows_per_shard)


@shard_stage("read")
def read_texts(shard: Path, recipe: Recipe) -> Path:
    return advance(shard, "read", partial(clean, settings=recipe.source, split=recipe.split), reads=["raw"])


@stage("find leaks")
def leaking_texts(shards: list[Path], work: Path, recipe: Recipe) -> Path:
    """The file that says which texts another split must not see."""
    leaks = work / "leaks.parquet"
    if not is_table(leaks):
        write_whole(leaks, find_leaks(scans(shards, "read"), max_similarity=recipe.split.max_similarity))
    return leaks


@shard_stage("split")
def split_texts(shard: Path, recipe: Recipe, leaks: Path) -> Path:
    """The texts, then the references of all that were read."""
    leaking = rows_of(shard, leaks)
    advance(shard, "split", partial(drop_leaks, leaks=leaking), reads=["read"])
    function = partial(judge_references, settings=recipe.source, leaks=leaking)
    reads, count = ["raw", "read.dropped", "split"], count_references
    return advance(shard, "references", function, reads=reads, unit="reference", entered=count, kept=count)


@shard_stage("mine")
def mine_seeds(shard: Path, recipe: Recipe, memory: Path) -> Path:
    models = load_models(recipe.models, memory)
    return advance(shard, "mine", partial(mine_texts, settings=recipe.mine, models=models), reads=["references"])


@shard_stage("rewrite")
def rewrite_texts(shard: Path, recipe: Recipe, memory: Path) -> Path:
    models = load_models(recipe.models, memory)
    function = remembered(rewrite_seeds, of="text_id", kept_of="text_id", settings=recipe.rewrite, models=models)
    return advance(shard, "rewrite", function, reads=["mine"])


@shard_stage("negatives")
def make_negatives(shard: Path, recipe: Recipe, memory: Path) -> Path:
    models = load_models(recipe.models, memory)
    given = {"settings": recipe.negatives, "min_toxicity": recipe.mine.min_toxicity}
    function = remembered(make_sets, of="text_id", kept_of="set_id", named=set_id_of, models=models, **given)
    return advance(shard, "negatives", function, reads=["rewrite"], kept=count_sets)


@shard_stage("pair")
def pair_members(shard: Path, recipe: Recipe, memory: Path) -> Path:
    models = load_models(recipe.models, memory)
    function = partial(make_pairs, settings=recipe.negatives, models=models)
    return advance(shard, "pair", function, reads=["negatives", "rewrite"], unit="pair", entered=count_products)


@shard_stage("filter")
def judge_pairs(shard: Path, recipe: Recipe, memory: Path) -> Path:
    models = load_models(recipe.models, memory)
    filters = [each for each in recipe.filters if not each.across_sets]
    function = remembered(apply_filters, of="pair_id", kept_of="pair_id", filters=filters, models=models)
    return advance(shard, "filter", function, reads=["pair"], unit="pair")


@stage("near_duplicate")
def drop_near_duplicates(shards: list[Path], recipe: Recipe) -> list[Path]:
    """The filter that compares sets, if the recipe has it, sees all shards at once, and then drops from one by one."""
    if all(is_done(shard, "near_duplicate") for shard in shards):
        return shards
    found = next((each for each in recipe.filters if isinstance(each, NearDuplicate)), None)
    drops: Iterable[Any] = [partial(keep_pairs, filters=[], stage="near_duplicate")] * len(shards)
    if found is not None:
        drops = (partial(found.drop, nearest=each) for each in found.nearest(scans(shards, "filter")))
    for shard, function in zip(shards, drops, strict=True):
        advance(shard, "near_duplicate", function, reads=["filter"], unit="pair")
    return shards


@stage("find shared texts")
def shared_texts(shards: list[Path], work: Path) -> Path:
    """The file that says which texts of pairs stand in two splits."""
    shared = work / "shared.parquet"
    if not is_table(shared):
        write_whole(shared, find_shared(scans(shards, "near_duplicate")))
    return shared


@shard_stage("disjoint")
def drop_shared_texts(shard: Path, recipe: Recipe, shared: Path) -> Path:
    function = partial(drop_shared, shared=pl.read_parquet(shared))
    return advance(shard, "disjoint", function, reads=["near_duplicate"], unit="pair")


@stage("collect")
def collect(shards: list[Path], work: Path, recipe: Recipe, models: LoadedModels, raw: Shards) -> Contents:
    """What is left of all shards as one version, each table sorted on disk."""

    def ordered(table: str, parts: Iterable[pl.DataFrame]) -> pl.LazyFrame:
        return sort_tables(parts, ORDER[table], TABLES[table], work / table)

    made, kept = (map(collected, scans(shards, stage)) for stage in ("negatives", "disjoint"))
    return Contents(
        pairs=ordered("pairs", map(collected, scans(shards, "disjoint"))),
        members=ordered("members", map(members_of, made, kept)),
        dropped=ordered("dropped", map(collected, dropped_of(shards))),
        funnel=funnel(shards, STAGES),
        recipe=recipe.toml(),
        fingerprints=fingerprints(models),
        source=[facts.as_dict() for facts in raw.facts],
    )


@stage("publish")
def publish(contents: Contents, recipe: Recipe, store: Place, models: LoadedModels) -> tuple[Version, bool]:
    """The version with its card, which says what other thresholds would keep, and how copying and deleting do."""

    def written(draft: Draft) -> dict[str, str]:
        tables = draft.contents.pairs, draft.contents.dropped
        beside = baselines(*tables, models, max_toxicity=recipe.rewrite.max_toxicity)
        return documents(draft, curves(*tables, recipe.filters), beside)

    review = partial(beyond, limits=recipe.publish)
    return Store(store).publish(recipe.publish.name, contents, documents=written, review=review)


@stage("artifacts")
def leave_artifacts(version: Version, is_new: bool, time_spent: list[dict[str, Any]]) -> None:
    """The card of a new version and where the time went, in the Prefect UI."""
    if is_new:
        show_card(version)
    if time_spent:
        show_time(version.name, time_spent)
