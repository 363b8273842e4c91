"""Pairs made elsewhere through the gates of a recipe, row for row: what `contrast-pairs check` does. No Prefect."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from filters.base import Filter
from filters.copy import Copy
from filters.rows import judge_rows, score_rows
from flows.progress import steps
from flows.recipe import Recipe
from pairgen.given_pairs import GivenPairs, pair_faults, read_pairs
from pairgen.loading import load_models
from pairgen.output import check_cells, check_output

ROWS_A_CHUNK = 256


def open_pairs(source: str, out: Path) -> GivenPairs:
    """The pairs in `source`, once it is sure that `out` can hold them."""
    check_output(out, source=source)
    given = read_pairs(source)
    check_cells(out, given.table)
    return given


def check_rows(given: GivenPairs, recipe: Recipe, *, memory: Path) -> pl.DataFrame:
    """The table that was given, with `score_KIND` of every filter of `recipe`, `kept` and `drop_reason`.

    A row of which nothing can be said has no scores, and the fault as its reason. Sides that are the same are dropped
    as "copy" whatever the recipe gates.
    """
    filters = gates(recipe)
    models = load_models(recipe.models, memory)
    scored: list[pl.DataFrame] = []
    with steps("check") as advance:
        for start in range(0, given.rows.height, ROWS_A_CHUNK):
            advance(start, given.rows.height)
            chunk = given.rows[start : start + ROWS_A_CHUNK]
            chunk = chunk.with_columns(fault=pair_faults(chunk, recipe.source))
            scored.append(score_rows(chunk, filters, models, min_toxicity=recipe.mine.min_toxicity))
        advance(given.rows.height, given.rows.height)
    judged = judge_rows(pl.concat(scored), filters, models)
    return pl.concat([given.table, judged], how="horizontal")


def gates(recipe: Recipe) -> Sequence[Filter]:
    """The filters of `recipe`, and `copy` if it has none."""
    return recipe.filters if any(each.kind == "copy" for each in recipe.filters) else (*recipe.filters, Copy())
