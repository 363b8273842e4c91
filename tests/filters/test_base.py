"""How a list of filters decides: the first that fails names the reason, and no pair is lost."""

from typing import ClassVar, Literal

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pydantic import TypeAdapter, ValidationError

from filters.all import AnyFilter
from filters.base import Filter, apply_filters, keep_pairs, score_pairs
from filters.copy import Copy
from filters.length_ratio import LengthRatio
from filters.refusal import Refusal
from filters.toxicity import Judge, Toxicity
from pairgen.models import Models
from pairgen.schema import DROPPED, PAIRS, check, empty
from tests.pairgen.samples import Fakes, pair, pairs

KINDS = [
    "toxicity",
    "judge",
    "identity_only",
    "similarity",
    "copy",
    "numbers_kept",
    "entities_kept",
    "negation_kept",
    "roles_kept",
    "refusal",
    "preamble",
    "truncation",
    "language",
    "length_ratio",
    "fluency",
    "nli",
    "nli_negative",
    "contamination",
    "near_duplicate",
]
NEEDS = {"contamination": {"against": ["set.parquet"]}}
FILTERS = [Toxicity(max_score=0.3), Judge(max_score=0.5), Copy()]
TABLE = pairs(
    pair("Fine.", "You idiot."),
    pair("You damn fool.", "You idiot."),  # toxic
    pair("You damn idiot.", "You idiot."),  # toxic, and toxic to the judge
    pair("Same.", "same."),  # a copy
    pair("unscorable", "You idiot."),
)


def test_the_first_failing_filter_names_the_reason() -> None:
    outcome = apply_filters(TABLE, FILTERS, Fakes())

    assert outcome.kept["positive"].to_list() == ["Fine."]
    assert outcome.dropped.select("positive", "stage", "drop_reason", "score", "unit").rows() == [
        ("You damn fool.", "filter", "toxicity", 0.8, "pair"),
        ("You damn idiot.", "filter", "toxicity", 0.9, "pair"),
        ("Same.", "filter", "copy", 0.0, "pair"),
        ("unscorable", "filter", "toxicity_unscored", None, "pair"),
    ]
    turned = apply_filters(TABLE, [Judge(), Copy(), Toxicity(max_score=0.85)], Fakes(), stage="again")
    assert turned.kept["positive"].to_list() == ["Fine.", "You damn fool."]
    assert turned.dropped.select("stage", "drop_reason", "score").rows() == [
        ("again", "judge", 1.0),
        ("again", "copy", 0.0),
        ("again", "judge_unscored", None),
    ]


def test_nothing_is_lost_and_all_scores_stay_on_both_sides() -> None:
    outcome = apply_filters(TABLE, FILTERS, Fakes())
    scores = ["score_toxicity", "score_judge", "score_copy"]

    assert sorted([*outcome.kept["pair_id"], *outcome.dropped["id"]]) == sorted(TABLE["pair_id"])
    assert check(outcome.kept, PAIRS, stage="filter").columns == [*PAIRS, *scores]
    assert check(outcome.dropped, DROPPED, stage="filter").columns == [*DROPPED, *scores]
    assert outcome.dropped.select(scores).row(1) == (0.9, 1.0, 1.0)
    assert outcome.dropped.select("positive", "negative", "parent", "set_id").row(2) == ("Same.", "same.", "same.", "s")


def test_a_threshold_moves_without_scoring_again() -> None:
    fakes = Fakes()
    scored = score_pairs(TABLE, FILTERS, fakes)
    asked = len(fakes.toxicity.asked)  # type: ignore[attr-defined]

    strict = keep_pairs(scored, FILTERS, stage="filter")
    loose = keep_pairs(scored, [Toxicity(max_score=0.8), Judge(), Copy()], stage="filter")

    assert (strict.kept.height, loose.kept.height) == (1, 2)
    assert len(fakes.toxicity.asked) == asked  # type: ignore[attr-defined]
    assert_frame_equal(strict.kept, apply_filters(TABLE, FILTERS, Fakes()).kept)


class Keeps(Filter):
    """Keeps what its score is not over .5, with a null that `keep` would let pass."""

    kind: Literal["keeps"] = "keeps"
    scores: tuple[float | None, ...]
    across_sets: ClassVar[bool] = False

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        return pl.Series(self.scores, dtype=pl.Float64)

    def keep(self, score: pl.Expr) -> pl.Expr:
        return ~(score > 0.5)


def test_null_and_nan_are_never_kept() -> None:
    outcome = apply_filters(TABLE, [Keeps(scores=(0.1, None, float("nan"), 0.9, 0.5))], Fakes())

    assert outcome.kept["score_keeps"].to_list() == [0.1, 0.5]
    assert outcome.dropped.select("drop_reason", "score", "score_keeps").rows() == [
        ("keeps_unscored", None, None),
        ("keeps_unscored", None, None),
        ("keeps", 0.9, 0.9),
    ]


@pytest.mark.parametrize("filters", [[], [Copy(), LengthRatio(), Refusal(), Toxicity(), Judge()]])
def test_no_pairs(filters: list[Filter]) -> None:
    outcome = apply_filters(empty(PAIRS), filters, Fakes())

    check(outcome.kept, PAIRS, stage="filter")
    check(outcome.dropped, DROPPED, stage="filter")
    assert outcome.kept.height == outcome.dropped.height == 0


def test_no_filters_keep_all() -> None:
    assert_frame_equal(apply_filters(TABLE, [], Fakes()).kept, TABLE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_null_score_is_dropped_as_unscored_by_every_filter(kind: str) -> None:
    adapter: TypeAdapter[Filter] = TypeAdapter(AnyFilter)
    scored = TABLE.with_columns(pl.lit(None, dtype=pl.Float64).alias(f"score_{kind}"))

    outcome = keep_pairs(scored, [adapter.validate_python({"kind": kind, **NEEDS.get(kind, {})})], stage="filter")

    assert outcome.kept.height == 0
    assert set(outcome.dropped["drop_reason"]) == {f"{kind}_unscored"}


def test_the_union_is_the_registry() -> None:
    adapter: TypeAdapter[Filter] = TypeAdapter(AnyFilter)

    assert [adapter.validate_python({"kind": kind, **NEEDS.get(kind, {})}).kind for kind in KINDS] == KINDS
    for wrong in ({"kind": "simlarity"}, {"kind": "copy", "min_ratio": 1}, {"kind": "toxicity", "max_score": 1.1}, {}):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)
