"""Counts of a card: they add up, know nulls and empty tables, and draw examples without looking at scores."""

import json
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from data_cards.stats import count, distribution
from pairgen.draft import Contents
from pairgen.schema import SPLITS
from tests.contents import contents


def check(stats: dict[str, Any], name: str) -> bool:
    return next(bool(row["ok"]) for row in stats["checks"] if row["check"] == name)


def toxic_ids(built: Contents) -> list[str]:
    return built.pairs.filter(negative_kind="toxic").collect()["pair_id"].to_list()


def test_everything_adds_up_and_is_json() -> None:
    built = contents(24)

    stats = count(built)

    assert json.loads(json.dumps(stats, allow_nan=False)) == stats
    assert stats["sets"] == {"total": 24, "by_split": dict.fromkeys(SPLITS, 9) | {"validation": 9, "test": 6}}
    for table, rows in (("pairs", built.pairs.collect()), ("members", built.members.collect())):
        assert sum(stats[table]["by_split"].values()) == stats[table]["total"] == rows.height
        assert sum(row["total"] for row in stats[table]["by_kind"]) == rows.height
        assert all(row["total"] == sum(row[split] for split in SPLITS) for row in stats[table]["by_kind"])
    assert (
        sum(row["count"] for row in stats["dropped"]["by_reason"])
        == sum(row["dropped"] for row in stats["funnel"])
        == 10
    )
    assert stats["dropped"]["by_reason"][0] == {
        "stage": "filter",
        "unit": "pair",
        "drop_reason": "similarity",
        "count": 3,
    }
    assert all(row["ok"] for row in stats["checks"])


def test_a_distribution_leaves_out_what_is_not_scored() -> None:
    found = distribution(pl.Series([0.0, 0.5, None, float("nan"), 1.0]))

    assert (found["count"], found["missing"], found["mean"]) == (3, 2, 0.5)
    assert found["quantiles"]["0.5"] == 0.5
    assert len(found["histogram"]["counts"]) == 20
    assert sum(found["histogram"]["counts"]) == 3
    assert found["histogram"]["edges"][0] == 0
    assert found["histogram"]["edges"][-1] == 1


@pytest.mark.parametrize(("scores", "edges"), [([-2.0, 7.0], (-2, 7)), ([0.25], (0, 1))])
def test_a_histogram_reaches_as_far_as_the_scores(scores: list[float], edges: tuple[int, int]) -> None:
    found = distribution(pl.Series(scores))

    assert (found["histogram"]["edges"][0], found["histogram"]["edges"][-1]) == edges
    assert sum(found["histogram"]["counts"]) == len(scores)


@pytest.mark.parametrize("scores", [[], [None, None], [float("nan")]])
def test_a_score_that_nobody_has_is_counted_as_missing(scores: list[float | None]) -> None:
    assert distribution(pl.Series(scores, dtype=pl.Float64)) == {"count": 0, "missing": len(scores)}


def test_toxicity_is_compared_where_a_toxic_text_was_rewritten() -> None:
    built = contents(24)
    raised = pl.when(pl.col("pair_id") == toxic_ids(built)[0])

    risen = count(
        replace(built, pairs=built.pairs.with_columns(score_toxicity=raised.then(0.99).otherwise("score_toxicity")))
    )

    assert count(built)["toxicity"]["pairs"] == count(built)["toxicity"]["fell"] == 16
    assert (risen["toxicity"]["pairs"], risen["toxicity"]["fell"]) == (16, 15)
    assert not check(risen, "Every rewrite scores below its original")


def test_a_toxic_text_that_a_model_made_was_not_rewritten() -> None:
    built = contents(24)
    made = built.pairs.filter(pl.col("negative_kind") == "swap_num").with_columns(
        negative_kind=pl.lit("toxic"), score_toxicity=pl.lit(0.2), score_toxicity_negative=pl.lit(0.1)
    )

    found, before = count(replace(built, pairs=pl.concat([built.pairs, made]))), count(built)

    assert made.collect().height == 8
    assert found["toxicity"] == before["toxicity"]
    assert found["similarity_change"] == before["similarity_change"]
    assert check(found, "Every rewrite scores below its original")


def test_agreement_counts_both_sides_of_one_half() -> None:
    pairs = (
        contents(24)
        .pairs.head(4)
        .with_columns(score_toxicity=pl.Series([0.5, 0.5, 0.4, 0.4]), score_judge=pl.Series([0.5, 0.4, 0.5, None]))
    )

    found = count(replace(contents(24), pairs=pairs.drop("score_judge_negative")))["agreement"]

    expected = {
        "count": 3,
        "both": 1,
        "scorer_only": 1,
        "judge_only": 1,
        "neither": 0,
        "ratio": 1 / 3,
        "kappa": pytest.approx(-0.5),
    }
    assert found == [{"group": "positives kept", **expected}]


def test_agreement_beyond_chance_is_none_where_both_always_say_the_same() -> None:
    def kappa(scorer: list[float], judge: list[float]) -> float | None:
        pairs = contents(24).pairs.head(4).with_columns(score_toxicity=pl.Series(scorer), score_judge=pl.Series(judge))
        found = count(replace(contents(24), pairs=pairs))["agreement"][0]["kappa"]
        return found if found is None else round(found, 6)

    assert kappa([0.9, 0.9, 0.1, 0.1], [0.9, 0.9, 0.1, 0.1]) == 1
    assert kappa([0.9, 0.9, 0.1, 0.1], [0.9, 0.1, 0.9, 0.1]) == 0
    assert kappa([0.1, 0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.1]) is None


def test_rewrites_are_binned_by_similarity_and_change_of_toxicity() -> None:
    built = contents(24)
    toxic = built.pairs.filter(pl.col("negative_kind") == "toxic").head(4)
    scored = toxic.with_columns(
        score_similarity=pl.Series([0.96, 1.0, 0.15, None]),
        score_toxicity=pl.Series([0.1, 0.1, 0.9, 0.1]),
        score_toxicity_negative=pl.Series([0.9, 0.9, 0.9, 0.9]),
    )

    found = count(replace(built, pairs=scored))["similarity_change"]

    assert found == {"count": 3, "bins": [[0.15, 0.0, 1], [0.95, -0.8, 2]]}
    bare = count(replace(built, pairs=scored.drop("score_similarity")))["similarity_change"]
    assert bare == {"count": 0, "bins": []}


def test_examples_are_the_smallest_ids_of_each_kind_and_reason_whatever_the_scores_and_the_order() -> None:
    built = contents(24)
    turned = built.pairs.reverse().with_columns(score_toxicity=1 - pl.col("score_toxicity"))

    examples = count(replace(built, pairs=turned), kept_examples=8, dropped_examples=5)["examples"]

    kinds = [row["negative_kind"] for row in examples["kept"]]
    reasons = [row["drop_reason"] for row in examples["dropped"]]
    assert sorted(kinds[:4]) == sorted(kinds[4:]) == ["negation", "swap_ent", "swap_num", "toxic"]
    assert len(set(reasons)) == 5
    smallest = sorted(toxic_ids(built))[:2]
    assert [row["pair_id"] for row in examples["kept"] if row["negative_kind"] == "toxic"] == smallest
    assert {len(count(built)["examples"][part]) for part in ("kept", "dropped")} == {40, 10}


def test_a_long_example_is_cut() -> None:
    built = contents(24)
    pairs = built.pairs.with_columns(positive=pl.lit("w" * 100_000), negative=pl.lit("w" * 600))

    example = count(replace(built, pairs=pairs))["examples"]["kept"][0]

    assert example["positive"] == "w" * 600 + "…"
    assert example["negative"] == "w" * 600


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("Nothing vanished", {"dropped": contents().dropped.slice(1)}),
        ("Every split has pairs", {"pairs": contents().pairs.filter(pl.col("split") != "test")}),
        ("No pair of two equal texts", {"pairs": contents().pairs.with_columns(negative="positive")}),
        ("No text in two splits", {"members": contents().members.with_columns(text=pl.lit("Same"))}),
        ("The judge finds no positive toxic", {"pairs": contents().pairs.with_columns(score_judge=0.5)}),
        ("Both sides are of like length", {"pairs": contents().pairs.with_columns(positive=pl.lit("x"))}),
        (
            "Identities stay mentioned",
            {"pairs": contents().pairs.with_columns(positive=pl.lit("They built the museum."))},
        ),
    ],
)
def test_each_check_can_fail(name: str, change: dict[str, pl.LazyFrame]) -> None:
    assert check(count(contents()), name)
    assert not check(count(replace(contents(), **change)), name)  # type: ignore[arg-type]


@pytest.mark.parametrize("rows_a_portion", [1, 20_000])
def test_a_text_in_two_splits_is_found_whatever_its_case(rows_a_portion: int, monkeypatch: pytest.MonkeyPatch) -> None:
    built = contents()
    first = {split: built.members.filter(split=split).head(1).collect() for split in SPLITS}
    texts = [first["train"]["text"].item().upper(), first["train"]["text"].item()]
    ids = [first[split]["member_id"].item() for split in ("test", "train")]
    text = pl.col("member_id").replace_strict(ids, texts, default=pl.col("text"))
    monkeypatch.setattr("pairgen.version._SLICE", rows_a_portion)

    found = count(replace(built, members=built.members.with_columns(text=text)))["checks"]

    assert found[1] == {"check": "No text in two splits", "ok": False, "found": "1 texts in more than one split"}
    assert count(built)["checks"][1]["found"] == "0 texts in more than one split"


def test_a_kind_that_form_tells_wants_a_look() -> None:
    """Every negation of `contents` is put in; of the swaps the sides differ in nothing that is always one way."""
    built = contents(180)
    swaps = built.pairs.filter(pl.col("negative_kind") == "swap_ent")
    name = "Form alone does not tell the sides"

    told = count(built)

    assert {row["negative_kind"]: row["warns"] for row in told["shortcuts"]} == {
        "toxic": None,
        "negation": True,
        "swap_ent": False,
        "swap_num": False,
    }
    assert [row["found"] for row in told["checks"] if row["check"] == name] == ["over 0.6: negation, of 3 kinds"]
    assert not check(told, name)
    assert check(count(replace(built, pairs=swaps)), name)
    assert name not in {row["check"] for row in count(contents())["checks"]}  # too few to tell


def test_a_build_that_kept_nothing_can_be_counted() -> None:
    built = contents()
    empty = replace(built, pairs=built.pairs.clear(), members=built.members.clear(), dropped=built.dropped.clear())

    stats = count(replace(empty, funnel=built.funnel.clear()))

    assert (stats["pairs"]["total"], stats["examples"]) == (0, {"kept": [], "dropped": []})
