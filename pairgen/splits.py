"""Splits: given by the digest of a text and its context before anything is made from it, and kept apart.

A near duplicate of a validation or test text is dropped from train, so that nothing is trained on what is reported.
"""

from array import array
from collections.abc import Iterator, Sequence

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pairgen.digests import fraction, normalise
from pairgen.near_duplicates import nearest_before
from pairgen.schema import PAIRS, SPLITS, TEXTS, Outcome, drop, empty

_RANK = pl.col("split").replace_strict(list(reversed(SPLITS)), range(len(SPLITS)), return_dtype=pl.Int8)  # test is 0


class SplitSettings(BaseModel):
    """The `[split]` section: the fractions of validation and test, and what is a near duplicate between splits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    validation_fraction: float = Field(default=0.1, ge=0, lt=1)
    test_fraction: float = Field(default=0.1, ge=0, lt=1)
    max_similarity: float = Field(default=0.8, gt=0.6, le=1)

    @model_validator(mode="after")
    def _leaves_train(self) -> "SplitSettings":
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError("validation_fraction + test_fraction leave nothing for train")
        return self


def split_of(text_id: str, *, validation_fraction: float, test_fraction: float) -> str:
    """The split of a text: a draw from its id, which is the digest of the normalised text and its context."""
    draw = fraction("split", text_id)
    if draw < test_fraction:
        return "test"
    return "validation" if draw < test_fraction + validation_fraction else "train"


def find_leaks(tables: Sequence[pl.DataFrame | pl.LazyFrame], *, max_similarity: float) -> pl.DataFrame:
    """What another split must not see, by id: `text_id`, `text` and `score_similarity`, its Jaccard similarity.

    Test comes before validation and validation before train: a text, or a reference of it, leaks if it is over
    `max_similarity` to one of an earlier split. `tables` hold `text_id`, `text`, `split` and `references`; lazy ones
    are read twice, one at a time.
    """
    ranks = array("b")  # of the texts that were read

    def written() -> Iterator[str]:
        for table in map(_written, tables):
            ranks.extend(table["rank"])
            yield from table["text"]

    scores = nearest_before(written(), groups=ranks)["similarity"]
    schema = {**_written(empty(TEXTS)).schema, "score_similarity": pl.Float64()}
    leaks, start = [], 0
    for table in map(_written, tables):
        scored = table.with_columns(score_similarity=scores.slice(start, table.height))
        # As rows, since a table that was filtered holds on to all texts of the whole one.
        leaks += scored.filter(pl.col("score_similarity") > max_similarity).rows()
        start += table.height
    found = pl.DataFrame(leaks, schema=schema, orient="row")
    return found.drop("rank").unique().sort("text_id", "text")


def _written(texts: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """`text_id` and `text` of all `texts` and of their references, and the `rank` of their split: test first."""
    some = texts.lazy().select("text_id", "text", "references", rank=_RANK)
    references = some.explode("references").select("text_id", "rank", text="references")
    return pl.concat([some.select("text_id", "rank", "text"), references]).collect()


def drop_leaks(texts: pl.DataFrame, *, leaks: pl.DataFrame) -> Outcome:
    """`texts` without those that `find_leaks` found, which are dropped as "near_duplicate_in_other_split"."""
    leaking = texts.join(leaks, on=["text_id", "text"], how="inner", maintain_order="left")
    dropped = drop(
        leaking.drop("score_similarity"),
        stage="split",
        reason="near_duplicate_in_other_split",
        unit="text",
    ).with_columns(score=leaking["score_similarity"])
    return Outcome(texts.join(leaks, on=["text_id", "text"], how="anti", maintain_order="left"), dropped)


def find_shared(tables: Sequence[pl.DataFrame | pl.LazyFrame]) -> pl.DataFrame:
    """The normalised `text` that the pairs of two splits hold, and `first`, the rank of the earliest (test is 0).

    Two different comments may have the same rewrite, or a clean one may be the rewrite of another. `tables` of pairs
    are read twice, one at a time; in memory are 64 bits a text, and the texts that are found.
    """
    hashes = [_sides(table).select(pl.col("text").hash(), "rank").unique() for table in tables]
    held = pl.concat(hashes).unique() if hashes else _sides(empty(PAIRS)).select(pl.col("text").hash(), "rank")
    twice = held.filter(pl.col("text").is_duplicated())["text"].unique()
    of_both = pl.col("text").hash().is_in(twice.implode())
    shared = [_sides(table).filter(of_both).select("text", "rank").unique() for table in tables]
    found = (
        pl.concat([_sides(empty(PAIRS)).select("text", "rank"), *shared])
        .group_by("text")
        .agg(pl.col("rank").min(), pl.col("rank").max().alias("last"))
    )
    return found.filter(pl.col("rank") < pl.col("last")).select("text", first="rank").sort("text")


def drop_shared(pairs: pl.DataFrame, *, shared: pl.DataFrame) -> Outcome:
    """`pairs` without those of which `find_shared` found a text in an earlier split, dropped as "text_in_other_split".

    The pair stays in test before validation and in validation before train.
    """
    leaking = _sides(pairs).join(shared, on="text").filter(pl.col("first") < pl.col("rank"))["pair_id"]
    away = pl.col("pair_id").is_in(leaking.implode())
    dropped = drop(pairs.filter(away), stage="disjoint", reason="text_in_other_split", unit="pair")
    return Outcome(pairs.filter(~away), dropped)


def _sides(pairs: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """`pair_id`, the normalised `text` of either side, and the `rank` of the pair's split."""
    rows = pairs.lazy().select("pair_id", "positive", "negative", rank=_RANK).collect()
    sides = [
        rows.select("pair_id", "rank", text=pl.Series(map(normalise, rows[side]), dtype=pl.String))
        for side in ("positive", "negative")
    ]
    return pl.concat(sides)
