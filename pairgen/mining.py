"""Which texts become what: toxic texts and a sample of clean ones seed sets, the rest is dropped with its reason."""

from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from pairgen.digests import fraction
from pairgen.identity import mentions, neutralise
from pairgen.models import Floats, Models
from pairgen.rewriting.locate import lexicon_spans
from pairgen.schema import Outcome, drop

Seed = Literal["toxic", "clean"]


class MineSettings(BaseModel):
    """The `[mine]` section: from which toxicity a text is toxic, up to which clean, the share of these taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_toxicity: float = Field(default=0.7, ge=0, le=1)
    max_clean_toxicity: float = Field(default=0.2, ge=0, le=1)
    clean_fraction: float = Field(default=1.0, ge=0, le=1)


def score_texts(texts: pl.DataFrame, *, models: Models) -> pl.DataFrame:
    """`texts` with `score_toxicity`, `score_judge` and `score_toxicity_neutral`, in the same order.

    The last is the toxicity with every identity term replaced by a neutral word, and equals the first where there is
    none. A score that could not be had is null.
    """
    plain = texts["text"].to_list()
    neutral = [neutralise(text) if mentions(text) else text for text in plain]
    return texts.with_columns(
        score_toxicity=_scores(models.toxicity.toxicity(plain)),
        score_judge=_scores(models.judge.toxicity(plain)),
        score_toxicity_neutral=_scores(models.toxicity.toxicity(neutral)),
    )


def mine(texts: pl.DataFrame, *, settings: MineSettings) -> Outcome:
    """Texts at or over `min_toxicity` seed toxic sets, a sample of those at or under `max_clean_toxicity` clean ones.

    Needs the columns of `score_texts`; adds `seed` (toxic | clean). A text that is toxic only with its identity terms
    is dropped as "identity_only", a null score as "unscored", never treated as 0. A text that a model calls clean
    though it holds a strong expression of the sense lexicon ("idiot"), or though people wrote it anew (it has
    references), is no positive, and is dropped. Which clean texts are taken is drawn from their ids. Keeps the order of
    `texts`.
    """
    score, neutral = pl.col("score_toxicity"), pl.col("score_toxicity_neutral")
    drawn = pl.Series(
        [fraction("clean", text_id) < settings.clean_fraction for text_id in texts["text_id"]], dtype=pl.Boolean
    )
    insulting = pl.Series([bool(lexicon_spans(text)) for text in texts["text"]], dtype=pl.Boolean)
    fate = (
        pl.when(score.is_null() | neutral.is_null() | pl.col("score_judge").is_null()).then(pl.lit("unscored"))
        .when((score >= settings.min_toxicity) & (neutral < settings.min_toxicity)).then(pl.lit("identity_only"))
        .when(score >= settings.min_toxicity).then(pl.lit("toxic"))
        .when(score > settings.max_clean_toxicity).then(pl.lit("neither_toxic_nor_clean"))
        .when(pl.col("score_judge") >= 0.5).then(pl.lit("clean_but_for_the_judge"))
        .when(insulting).then(pl.lit("clean_but_for_the_lexicon"))
        .when(pl.col("references").list.len() > 0).then(pl.lit("clean_but_for_its_references"))
        .when(pl.lit(drawn)).then(pl.lit("clean"))
        .otherwise(pl.lit("clean_not_sampled"))
    )  # fmt: skip
    fated = texts.with_columns(seed=fate)
    seeds = pl.col("seed").is_in(["toxic", "clean"])
    rest = fated.filter(~seeds)
    dropped = drop(rest.drop("seed"), stage="mine", reason="", unit="text", score=pl.col("score_toxicity"))
    return Outcome(fated.filter(seeds), dropped.with_columns(drop_reason=rest["seed"]))


def mine_texts(texts: pl.DataFrame, *, settings: MineSettings, models: Models) -> Outcome:
    """`score_texts`, then `mine`."""
    return mine(score_texts(texts, models=models), settings=settings)


def _scores(values: Floats) -> pl.Series:
    return pl.Series(values, dtype=pl.Float64).fill_nan(None)
