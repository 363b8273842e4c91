"""What moved thresholds would keep is what the filters keep when they run with them, down to the last row."""

from typing import Any, ClassVar, Literal

import polars as pl
import pytest

from filters.base import Filter, apply_filters, keep_pairs
from filters.copy import Copy
from filters.near_duplicate import NearDuplicate
from filters.negation_kept import NegationKept
from filters.refusal import Refusal
from filters.similarity import Similarity
from filters.toxicity import Judge, Toxicity
from filters.what_if import curves, judged_pairs, moves, moves_by_kind, moves_by_reason, what_if
from pairgen.models import Models
from pairgen.schema import DROPPED, PAIRS, check, empty, stack
from pairgen.splits import drop_shared, find_shared
from tests.pairgen.samples import Fakes, WordToxicity, pair, pairs

LONG = "Only a damn idiot would complain that the council keeps the library open until {}."
FAKES = Fakes(toxicity=WordToxicity(idiot=0.9, damn=0.5, silly=0.2), judge=WordToxicity(idiot=1.0))


def row(positive: str, negative: str, set_id: str, **more: str) -> dict[str, str]:
    return pair(positive, negative, set_id=set_id) | more


TABLE = pairs(
    row("Fine.", "You idiot.", "a"),
    row("Damned.", "You idiot.", "a"),
    row("A damn shame.", LONG.format("nine"), "b"),  # toxic for now; once it is kept, the next is a near duplicate
    row("Fine again.", LONG.format("noon"), "c"),
    row("Same.", "same.", "d", negative_kind="negation", positive_kind="original"),
    row("silly", "You fool.", "e"),
    row("unscorable", "You fool.", "f"),
    row("A damn pity.", "What a fool.", "g", split="test"),  # once it is kept, the next stands in another split
    row("A damn pity.", "Such a fool.", "h"),
    row("silly", "Such a fool.", "h"),
)
NOW = [Toxicity(max_score=0.3), Judge(), Copy(), NearDuplicate()]


def built(filters: list[Filter]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What a build keeps and drops of `TABLE`, stage by stage."""
    alone = apply_filters(TABLE, [each for each in filters if not each.across_sets], FAKES)
    across = apply_filters(alone.kept, [each for each in filters if each.across_sets], FAKES, stage="near_duplicate")
    disjoint = drop_shared(across.kept, shared=find_shared([across.kept]))
    text = pl.DataFrame([{"stage": "mine", "drop_reason": "x", "unit": "text", "id": "t"}])
    dropped = stack([text, alone.dropped, across.dropped, disjoint.dropped], DROPPED)
    return check(disjoint.kept, PAIRS, stage="test"), check(dropped, DROPPED, stage="test")


@pytest.mark.parametrize("toxicity", [0.0, 0.19, 0.2, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("near", [0.7, 0.8, 1.0])
@pytest.mark.parametrize("words", [1, 2, 9])
def test_it_is_what_a_build_would_keep(toxicity: float, near: float, words: int) -> None:
    then = [Toxicity(max_score=toxicity), Judge(), Copy(min_changed_words=words), NearDuplicate(max_score=near)]
    before, after = built(NOW), built(then)

    asked = what_if(judged_pairs(*before), then)

    assert sorted(asked["pair_id"]) == sorted(TABLE["pair_id"])
    assert sorted(asked.filter(pl.col("now") == "kept")["pair_id"]) == sorted(before[0]["pair_id"])
    assert sorted(asked.filter(pl.col("then") == "kept")["pair_id"]) == sorted(after[0]["pair_id"])
    reasons = after[1].filter(pl.col("unit") == "pair").select("id", "drop_reason").sort("id").rows()
    assert asked.filter(pl.col("then") != "kept").select("pair_id", "then").sort("pair_id").rows() == reasons
    total = moves(asked)
    assert total["kept_then"] == total["kept_now"] + total["gained"] - total["lost"] == after[0].height
    assert (total["judged"], total["unknown"]) == (10, 0)
    for table in (moves_by_kind(asked), moves_by_reason(asked)):
        assert {name: table[name].sum() for name in ("gained", "lost")} == {
            name: total[name] for name in ("gained", "lost")
        }


def test_one_row_gained_may_cost_another() -> None:
    asked = what_if(judged_pairs(*built(NOW)), [Toxicity(max_score=0.5), Judge(), Copy(), NearDuplicate()])

    assert asked.filter(pl.col("now") != pl.col("then")).select("positive", "now", "then").sort("positive").rows() == [
        ("A damn pity.", "toxicity", "kept"),
        ("A damn pity.", "toxicity", "text_in_other_split"),
        ("A damn shame.", "toxicity", "kept"),
        ("Fine again.", "kept", "near_duplicate"),
    ]
    assert moves_by_reason(asked).rows() == [
        ("toxicity", 3, 0, 2, 0, 0),
        ("copy", 1, 1, 0, 0, 0),
        ("near_duplicate", 0, 1, 0, 1, 0),
        ("text_in_other_split", 0, 1, 0, 0, 0),
        ("toxicity_unscored", 1, 1, 0, 0, 0),
    ]
    assert moves_by_kind(asked).rows() == [
        ("original", "negation", 1, 0, 0, 0, 0, 0),
        ("rewrite", "toxic", 9, 5, 6, 2, 1, 0),
    ]


class Stored(Filter):
    """Has stored scores only."""

    kind: Literal["stored"] = "stored"
    across_sets: ClassVar[bool] = False

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        raise AssertionError("nothing is scored again")

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score >= 0.5


@pytest.mark.parametrize(
    ("now", "toxicity", "stored", "then"),
    [
        ("toxicity", 0.4, None, "unknown"),  # dropped before `stored` scored it
        ("toxicity", 0.9, None, "toxicity"),  # dropped then too, whatever `stored` says
        ("toxicity", 0.4, 0.5, "kept"),
        ("toxicity", 0.4, 0.4, "stored"),
        ("stored_unscored", 0.4, None, "stored_unscored"),  # it was asked, and had none to give
        ("kept", 0.4, 0.5, "kept"),
    ],
)
def test_what_no_one_scored_is_unknown(now: str, toxicity: float, stored: float | None, then: str) -> None:
    scores = {"score_toxicity": toxicity, "score_stored": stored}
    judged = pairs(row("A.", "B.", "s")).with_columns(
        pl.lit(now).alias("now"), **{name: pl.lit(score, dtype=pl.Float64) for name, score in scores.items()}
    )

    asked = what_if(judged, [Toxicity(max_score=0.5), Stored()])

    assert asked["then"].to_list() == [then]
    assert moves(asked)["unknown"] == (then == "unknown")
    counted: list[dict[str, Any]] = moves_by_reason(asked).to_dicts()
    assert sum(each["unknown"] for each in counted) == (then == "unknown")


@pytest.mark.parametrize("filters", [[], NOW])
def test_no_pairs(filters: list[Filter]) -> None:
    kept, dropped = built(NOW)
    asked = what_if(judged_pairs(kept.head(0), dropped.head(0)), filters)

    assert moves(asked) == dict.fromkeys(("judged", "kept_now", "kept_then", "gained", "lost", "unknown"), 0)
    assert (moves_by_kind(asked).height, moves_by_reason(asked).height) == (0, 0)


def test_what_was_dropped_before_the_filters_stays_dropped() -> None:
    early = {"stage": "pair", "drop_reason": "over_max_pairs_per_set", "unit": "pair", "id": "p"}
    dropped = stack([pl.DataFrame([early])], DROPPED)

    assert judged_pairs(empty(PAIRS), dropped).height == 0


def test_every_point_of_a_curve_is_what_a_build_keeps() -> None:
    """Toxicity is 0 or 0.2 in what passes now, 0.5 in what does not."""
    kept, dropped = built(NOW)

    rows = curves(kept.lazy(), dropped.lazy(), NOW)

    assert [(row["filter"], row["key"], row["now"]) for row in rows] == [
        ("toxicity", "max_score", 0.3),
        ("judge", "max_score", 0.5),
        ("copy", "min_changed_words", 1),
        ("near_duplicate", "max_score", 0.8),
    ]
    for place, row in enumerate(rows):
        for point in row["points"]:
            moved = NOW[place].model_copy(update={row["key"]: point["threshold"]})
            again, gone = built([*NOW[:place], moved, *NOW[place + 1 :]])
            assert (point["kept"], point["dropped"], point["unknown"]) == (again.height, TABLE.height - again.height, 0)
            assert gone.filter(pl.col("unit") == "pair").height == point["dropped"]
        assert row["now"] in [point["threshold"] for point in row["points"]]
    assert [point["threshold"] for point in rows[0]["points"]] == [0.0, 0.2, 0.3, 0.5]
    assert len({point["kept"] for point in rows[0]["points"]}) > 2


def test_the_points_of_a_curve_let_the_score_that_they_come_from_pass() -> None:
    """2/3 is rounded to where it passes; a point that would fail more than half of what passes now is left."""
    ten = pairs(*(row(f"Fine, {number}.", f"You fool, {number}.", str(number)) for number in range(10)))
    scored = ten.with_columns(score_similarity=pl.Series([2 / 3, 0.1, *[0.9] * 7, 0.95]))
    now = Similarity(min_score=0.8)
    outcome = keep_pairs(scored, [now], stage="filter")

    [curve] = curves(outcome.kept.lazy(), outcome.dropped.lazy(), [now])

    assert [(point["threshold"], point["kept"]) for point in curve["points"]] == [
        (0.1, 10),
        (0.666, 9),
        (0.8, 8),
        (0.9, 8),
    ]


@pytest.mark.parametrize(("most", "sets"), [(1, "a"), (3, "b"), (4, "c"), (9, "h"), (10, "h")])
def test_of_many_pairs_the_whole_sets_of_smallest_id_are_asked(
    most: int, sets: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, dropped = (table.lazy() for table in built(NOW))
    asked = [table.filter(pl.col("set_id") <= sets) for table in (kept, dropped)]
    alone = curves(asked[0], asked[1], NOW)
    monkeypatch.setattr("filters.what_if._MOST", most)

    rows = curves(kept, dropped, NOW)

    assert rows == [{**row, "reached": 10} for row in alone]
    sizes = {sum(point[key] for key in ("kept", "dropped", "unknown")) for row in rows for point in row["points"]}
    assert sizes == {TABLE.filter(pl.col("set_id") <= sets).height}


def test_what_has_no_scores_or_no_threshold_has_no_curve() -> None:
    kept, dropped = built(NOW)

    assert curves(kept.lazy(), dropped.lazy(), [*NOW, Similarity()]) == []
    assert curves(kept.lazy().with_columns(score_refusal=pl.lit(0.0)), dropped.lazy(), [Refusal()]) == []
    assert curves(kept.lazy().with_columns(score_negation_kept=pl.lit(0.0)), dropped.lazy(), [NegationKept()]) == []
    [row] = curves(kept.clear().lazy(), dropped.clear().lazy(), NOW[:1])
    assert row["points"] == [{"threshold": 0.3, "kept": 0, "dropped": 0, "unknown": 0}]
