"""Pairs made elsewhere: any file of them as rows that filters can score, each in its place, and the faults of a row."""

from typing import NamedTuple

import polars as pl

from pairgen.corpus import SourceSettings, header, read_rows, text_faults
from pairgen.digests import normalise
from pairgen.errors import SourceError

# Ours, then TRL's.
_COLUMNS = (
    {"positive": "positive", "negative": "negative", "context": "context"},
    {"positive": "chosen", "negative": "rejected", "context": "prompt"},
)
_SIDES = ("positive", "negative", "parent")


class GivenPairs(NamedTuple):
    """`table` is the file as it stands; `rows` has a row for each of its rows, in order.

    `rows` holds the texts and the `set_id` that filters need, and a `pair_id` that is the row's number. An absent
    context is empty, and where no parent is given the negative is what the positive was made from. `negative_kind` is
    the one that the file gives, else null.
    """

    table: pl.DataFrame
    rows: pl.DataFrame


def read_pairs(path: str) -> GivenPairs:
    """The pairs at `path`: columns positive, negative and, if there, context, parent, negative_kind; or TRL's names.

    Reads the files that `read_source` reads. Raises `SourceError` where nothing can be read, or there are no such
    columns. Columns named kept, drop_reason or score_* are not taken over: they may be another model's.
    """
    table = read_rows(path)
    named = next((names for names in _COLUMNS if {names["positive"], names["negative"]} <= set(table.columns)), None)
    if named is None:
        raise SourceError(
            f"{path}: no columns of pairs; expected positive and negative (context, parent, pair_id besides), "
            f"or TRL's chosen and rejected (prompt besides); there are: {header(table)}"
        )
    wanted = {**named, "parent": "parent", "negative_kind": "negative_kind"}
    rows = table.select(_texts(path, table, column).alias(name) for name, column in wanted.items())
    blank = pl.col("parent").fill_null("").str.strip_chars() == ""
    rows = rows.with_columns(
        context=pl.col("context").fill_null(""),
        parent=pl.when(blank).then("negative").otherwise("parent"),
        pair_id=pl.int_range(pl.len()).cast(pl.String),
    )
    echoed = [name for name in table.columns if name not in ("kept", "drop_reason") and not name.startswith("score_")]
    return GivenPairs(table.select(echoed), rows.with_columns(set_id=_set_ids(rows)))


def pair_faults(rows: pl.DataFrame, settings: SourceSettings) -> pl.Series:
    """Why nothing can be said of a row, in the words of `text_faults`; null if its three texts are sound."""
    faults = pl.DataFrame({side: text_faults(rows[side], settings) for side in _SIDES})
    return faults.select(fault=pl.coalesce(_SIDES))["fault"]


def _texts(path: str, table: pl.DataFrame, column: str) -> pl.Expr:
    """The column as strings, null where it is absent; `SourceError` where it holds no texts."""
    if column not in table.columns:
        return pl.lit(None, dtype=pl.String)
    if table.schema[column] not in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        raise SourceError(f"{path}: column {column!r} holds {table.schema[column]}, expected texts")
    return pl.col(column).cast(pl.String)


def _set_ids(rows: pl.DataFrame) -> pl.Series:
    """A set a parent in its context, numbered by its first row; a row that says what one before it says is its own.

    So rewrites of one text are no near duplicates of each other, and a row that stands twice is one of itself.
    """
    sets: dict[tuple[str, ...], int] = {}
    seen: set[tuple[str, ...]] = set()
    numbers = []
    for place, texts in enumerate(rows.select("context", "parent", "positive", "negative").iter_rows()):
        plain = tuple(normalise(text or "") for text in texts)
        numbers.append(place if plain in seen else sets.setdefault(plain[:2], place))
        seen.add(plain)
    return pl.Series([f"{number:012d}" for number in numbers], dtype=pl.String)
