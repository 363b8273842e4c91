"""Any texts and their rewrites, chunk by chunk: what `contrast-pairs rewrite` does. It needs no Prefect."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from flows.progress import steps
from flows.recipe import Recipe
from pairgen.corpus import read_texts
from pairgen.errors import RewriteError
from pairgen.loading import load_models
from pairgen.output import check_cells, check_output
from pairgen.rewriting.answer import first, rewrite_table

ROWS_A_CHUNK = 256
CHARACTERS_A_CHUNK = 50_000  # what locating tries grows with the square of a text


def open_texts(source: str, out: Path, *, text_column: str | None) -> pl.DataFrame:
    """The rows of `source` (`id` if it has one, and `text`), once it is sure that `out` can hold them."""
    check_output(out, source=source)
    rows = read_texts(source, text_column=text_column)
    check_cells(out, rows)
    return rows


def one_text(text: str) -> pl.DataFrame:
    """A row of `text`; `RewriteError` where its bytes were no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RewriteError("--text: is not UTF-8; put it in a UTF-8 file, and give IN and OUT") from error
    return pl.DataFrame({"text": [text]})


def rewrite_rows(rows: pl.DataFrame, recipe: Recipe, *, n: int, memory: Path) -> pl.DataFrame:
    """The answers to the texts of `rows`, in order, with the `id` of its text if `rows` has one; up to `n` each."""
    models = load_models(recipe.models, memory)
    settings = recipe.rewrite.model_copy(update={"rewrites_per_text": n})
    answered: list[pl.DataFrame] = []
    with steps("rewrite") as advance:
        done = 0
        for chunk in _chunks(rows):
            advance(done, rows.height)
            answers = rewrite_table(
                chunk["text"].to_list(),
                settings=settings,
                models=models,
                max_characters=recipe.source.max_characters,
            )
            place = answers.select(first().cum_sum() - 1).to_series()
            answered.append(pl.concat([chunk.drop("text")[place], answers], how="horizontal"))
            done += chunk.height
        advance(done, rows.height)
    return pl.concat(answered)


def _chunks(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    start, characters = 0, 0
    for place, length in enumerate(rows["text"].str.len_chars().fill_null(0)):
        if place > start and (place - start == ROWS_A_CHUNK or characters + length > CHARACTERS_A_CHUNK):
            yield rows[start:place]
            start, characters = place, 0
        characters += length
    yield rows[start:]
