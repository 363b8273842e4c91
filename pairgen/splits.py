"""Splits: given by the digest of a text and its context before anything is made from it, and kept apart.

A near duplicate of a validation or test text is dropped from train, so that nothing is trained on what is reported.
"""

from collections.abc import Sequence

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pairgen.digests import fraction, normalise
from pairgen.near_duplicates import nearest_before
from pairgen.schema import SPLITS, TEXTS, Outcome, drop, empty


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


def find_leaks(tables: Sequence[pl.DataFrame], *, max_similarity: float) -> pl.DataFrame:
    """What another split must not see: `text_id`, `text` and `score_similarity`, its Jaccard similarity.

    Test comes before validation and validation before train: a text, or a reference of it, leaks if it is over
    `max_similarity` to one of an earlier split. `tables` hold `text_id`, `text`, `split` and `references`.
    """
    rank = {name: place for place, name in enumerate(reversed(SPLITS))}
    columns = ("text_id", "text", "split")
    written = [table.explode("references").with_columns(text="references") for table in tables]
    texts = pl.concat([empty(TEXTS).select(columns), *(table.select(columns) for table in [*tables, *written])])
    texts = texts.unique().sort(pl.col("split").replace_strict(rank, return_dtype=pl.Int8), "text_id", "text")
    distinct = texts.unique(["split", "text"], keep="first", maintain_order=True)
    nearest = nearest_before(distinct["text"].to_list(), groups=distinct["split"].to_list())
    scores = pl.Series([similarity for _, similarity in nearest], dtype=pl.Float64)
    leaks = distinct.select("split", "text", score_similarity=scores).filter(
        pl.col("score_similarity") > max_similarity
    )
    return texts.join(leaks, on=["split", "text"], how="inner", maintain_order="left").drop("split")


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


def drop_shared(pairs: pl.DataFrame) -> Outcome:
    """`pairs` without those of which a text also stands in an earlier split, dropped as "text_in_other_split".

    Two different comments may have the same rewrite, or a clean one may be the rewrite of another: the pair stays in
    test before validation and in validation before train.
    """
    order = list(reversed(SPLITS))
    texts = pairs.select("pair_id", rank=pl.col("split").replace_strict(order, range(len(order)), return_dtype=pl.Int8))
    for column in ("positive", "negative"):
        plain = pl.Series([normalise(text) for text in pairs[column]], dtype=pl.String)
        texts = texts.with_columns(plain.alias(column))
    both = pl.concat([texts.select("rank", text="positive"), texts.select("rank", text="negative")])
    first = both.group_by("text").agg(first=pl.col("rank").min())
    for column in ("positive", "negative"):
        texts = texts.join(first.rename({"text": column, "first": f"first_{column}"}), on=column, how="left")
    shared = texts.filter(pl.min_horizontal("first_positive", "first_negative") < pl.col("rank"))["pair_id"]
    leaking = pl.col("pair_id").is_in(shared.implode())
    dropped = drop(pairs.filter(leaking), stage="disjoint", reason="text_in_other_split", unit="pair")
    return Outcome(pairs.filter(~leaking), dropped)
