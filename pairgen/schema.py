"""The tables that flow through the pipeline: their columns, the check at every boundary, and `Outcome`.

Every table may carry further columns named `score_*` (Float64). Ids are digests of normalised content (`digests.py`).
"""

from typing import NamedTuple, TypeVar

import polars as pl

from pairgen.errors import SchemaError

Schema = dict[str, pl.DataType]
Table = TypeVar("Table", pl.DataFrame, pl.LazyFrame)

SPLITS = ("train", "validation", "test")
ROLES = ("positive", "negative")
POSITIVE_KINDS = ("original", "rewrite", "human", "back_translation")
NEGATIVE_KINDS = (
    "toxic",
    "swap_ent",
    "swap_num",
    "mask_ent",
    "mask_rel",
    "regen_ent",
    "regen_rel",
    "negation",
    "swap_roles",
    "sys_lowcon",
)

SPANS = pl.List(pl.Struct({"start": pl.Int64(), "end": pl.Int64()}))

REFERENCES = pl.List(pl.String())  # what people wrote in place of the text, first come first; often empty

TEXTS: Schema = {
    "text_id": pl.String(),
    "text": pl.String(),
    "context": pl.String(),
    "source": pl.String(),
    "source_id": pl.String(),  # the id that the source gave the text; null where it gave none
    "licence": pl.String(),
    "split": pl.String(),
    "references": REFERENCES,
}

MEMBERS: Schema = {
    "set_id": pl.String(),
    "member_id": pl.String(),
    "role": pl.String(),
    "kind": pl.String(),
    "context": pl.String(),
    "text": pl.String(),
    "parent_id": pl.String(),  # the text_id or member_id that the member was made from
    "spans": SPANS,  # characters of `text` that differ from its parent
    "source": pl.String(),
    "split": pl.String(),
}

PAIRS: Schema = {
    "pair_id": pl.String(),
    "set_id": pl.String(),
    "context": pl.String(),
    "positive": pl.String(),
    "negative": pl.String(),
    "parent": pl.String(),  # the text that the positive was made from; the positive itself where it is an original
    "positive_kind": pl.String(),
    "negative_kind": pl.String(),
    "source": pl.String(),
    "split": pl.String(),
}

# One row for everything that was not kept: a text (`text` set), a reference (`text`, and `parent` is what it was
# written for) or a pair (`positive` and `negative` set).
DROPPED: Schema = {
    "stage": pl.String(),
    "drop_reason": pl.String(),
    "score": pl.Float64(),  # the score that decided; null where a rule did
    "unit": pl.String(),  # text | reference | pair
    "id": pl.String(),  # text_id, reference_id or pair_id
    "set_id": pl.String(),
    "context": pl.String(),
    "text": pl.String(),
    "positive": pl.String(),
    "negative": pl.String(),
    "parent": pl.String(),
    "positive_kind": pl.String(),
    "negative_kind": pl.String(),
    "source": pl.String(),
    "source_id": pl.String(),
    "split": pl.String(),
    "duplicate_of": pl.String(),  # the set_id (of another version: "NAME@v3 SET_ID") that a pair nearly duplicates
}

# The funnel: a row a stage; `entered` = `kept` + `dropped`, counted in `unit`.
FUNNEL: Schema = {
    "stage": pl.String(),
    "unit": pl.String(),
    "entered": pl.Int64(),
    "kept": pl.Int64(),
    "dropped": pl.Int64(),
}

# Whether a pair is of a text that was rewritten: a `toxic` negative that a language model made is not what its positive
# was made from, the `parent`.
REWRITTEN = (pl.col("negative_kind") == "toxic") & (pl.col("negative") == pl.col("parent"))

_ALLOWED = {
    "split": SPLITS,
    "role": ROLES,
    "kind": POSITIVE_KINDS + NEGATIVE_KINDS,
    "positive_kind": POSITIVE_KINDS,
    "negative_kind": NEGATIVE_KINDS,
}
_NULLABLE = {"source_id", "licence"}


class Outcome(NamedTuple):
    """What a stage kept and what it dropped; `dropped` has the columns of `DROPPED` and any `score_*`."""

    kept: pl.DataFrame
    dropped: pl.DataFrame


def empty(schema: Schema) -> pl.DataFrame:
    """A table of `schema` with no rows."""
    return pl.DataFrame(schema=schema)


def collected(rows: pl.LazyFrame) -> pl.DataFrame:
    """What `rows` asks for, computed a portion at a time: memory follows what comes out, not what is read."""
    return rows.collect(engine="streaming")


def check(table: Table, schema: Schema, *, stage: str) -> Table:
    """`table`, its columns in the order of `schema` followed by `score_*`.

    `SchemaError` names stage, column and first bad id. The id of the row (`text_id`, `member_id`, `pair_id`) is unique;
    nothing is null but what the source may leave out. `DROPPED` and `FUNNEL` are checked for their columns alone.
    """
    found = table.lazy().collect_schema()
    missing = [name for name in schema if name not in found]
    if missing:
        raise SchemaError(f"{stage}: column {missing[0]!r} is missing; found {', '.join(found)}")
    for name, dtype in schema.items():
        if found[name] != dtype:
            raise SchemaError(f"{stage}: column {name!r} holds {found[name]}, expected {dtype}")
    unknown = [name for name in found if name not in schema and not name.startswith("score_")]
    if unknown:
        raise SchemaError(f"{stage}: column {unknown[0]!r} is in no schema; scores are named score_*")
    for name in found:
        if name not in schema and found[name] != pl.Float64:
            raise SchemaError(f"{stage}: column {name!r} holds {found[name]}, expected Float64")
    if schema is not DROPPED and schema is not FUNNEL:
        _check_rows(table.lazy(), schema, stage)
    return table.select(*schema, *[name for name in found if name not in schema])


def _check_rows(table: pl.LazyFrame, schema: Schema, stage: str) -> None:
    key = {id(TEXTS): "text_id", id(MEMBERS): "member_id", id(PAIRS): "pair_id"}[id(schema)]
    null = {name: pl.col(name).is_null() for name in schema if name not in _NULLABLE}
    wrong = {name: ~pl.col(name).is_in(list(allowed)) for name, allowed in _ALLOWED.items() if name in schema}
    rules = [("null", name, rule) for name, rule in null.items()] + [("wrong", *rule) for rule in wrong.items()]
    broken = collected(table.select(rule.any().alias(f"{what} {name}") for what, name, rule in rules)).row(0)
    for (what, name, rule), any_such in zip(rules, broken, strict=True):
        if any_such:
            value, bad = collected(table.filter(rule).select(name, id=key).head(1)).row(0)
            if what == "null":
                raise SchemaError(f"{stage}: column {name!r} is null, first at {key} {bad}")
            raise SchemaError(
                f"{stage}: column {name!r} holds {value!r}, first at {key} {bad}; "
                f"there are: {', '.join(_ALLOWED[name])}"
            )
    ids = pl.col(key)
    seen = collected(table.select(ids.hash()))[key]
    if seen.is_duplicated().any():  # almost surely the ids are, too
        some = table.filter(ids.hash().is_in(seen.filter(seen.is_duplicated()).unique().implode())).select(key)
        twice = collected(some).filter(ids.is_duplicated())[key]
        if twice.len():
            raise SchemaError(f"{stage}: {key} {twice[0]} stands {(twice == twice[0]).sum()} times")


def check_sums(stage: str, *, entered: int, kept: int, dropped: int) -> None:
    """Nothing vanishes: `SchemaError` unless `entered` = `kept` + `dropped`."""
    if entered != kept + dropped:
        raise SchemaError(f"{stage}: {entered} rows entered, but {kept} kept + {dropped} dropped = {kept + dropped}")


def drop(
    rows: pl.DataFrame, *, stage: str, reason: str | pl.Expr, unit: str, score: pl.Expr | None = None
) -> pl.DataFrame:
    """`rows` as a `DROPPED` table: what the schema does not name goes, scores stay, what `rows` lacks is null.

    `reason` is a word or an expression over `rows`; `unit` is "text", "reference" or "pair"; `score` is the score that
    decided.
    """
    reason_expr = pl.lit(reason) if isinstance(reason, str) else reason
    made = rows.with_columns(
        stage=pl.lit(stage),
        drop_reason=reason_expr,
        score=(pl.lit(None) if score is None else score).cast(pl.Float64),
        unit=pl.lit(unit),
        id=pl.col(f"{unit}_id"),
    )
    absent = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in DROPPED.items() if name not in made.columns]
    scores = [name for name in rows.columns if name.startswith("score_")]
    return made.with_columns(absent).select(*DROPPED, *scores)


def stack(tables: list[pl.DataFrame], schema: Schema) -> pl.DataFrame:
    """The rows of all `tables`, in order, with the columns of `schema` first; a score that a table lacks is null."""
    return pl.concat([empty(schema), *tables], how="diagonal")
