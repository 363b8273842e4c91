"""Which texts become what: both sides of both thresholds, and every other fate with its name."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pairgen.mining import MineSettings, mine, mine_texts, score_texts
from pairgen.schema import DROPPED, Outcome, check
from tests.pairgen.samples import Fakes, WordToxicity, texts

SETTINGS = MineSettings(min_toxicity=0.7, max_clean_toxicity=0.2)


def scored(*rows: tuple[float | None, float | None, float | None]) -> pl.DataFrame:
    """A text a row, with the (toxicity, judge, toxicity without identity terms) given."""
    named = [f"Text number {number} of the day." for number in range(len(rows))]
    columns = ("score_toxicity", "score_judge", "score_toxicity_neutral")
    table = texts(*named)
    return table.with_columns(
        pl.Series(name, [row[place] for row in rows], dtype=pl.Float64) for place, name in enumerate(columns)
    )


def mined(table: pl.DataFrame, settings: MineSettings = SETTINGS) -> Outcome:
    outcome = mine(table, settings=settings)
    assert outcome.kept.height + outcome.dropped.height == table.height
    check(outcome.dropped, DROPPED, stage="mine")
    return outcome


@pytest.mark.parametrize(
    ("scores", "fate"),
    [
        ((0.7, 0.0, 0.7), "toxic"),
        ((1.0, 1.0, 1.0), "toxic"),
        ((0.6999, 0.0, 0.6999), "neither_toxic_nor_clean"),
        ((0.2001, 0.0, 0.2001), "neither_toxic_nor_clean"),
        ((0.2, 0.0, 0.2), "clean"),
        ((0.0, 0.4999, 0.0), "clean"),
        ((0.0, 0.5, 0.0), "clean_but_for_the_judge"),
        ((0.7, 1.0, 0.6999), "identity_only"),
        ((0.9, 0.0, 0.0), "identity_only"),
        ((0.5, 0.0, 0.9), "neither_toxic_nor_clean"),
        ((None, 0.0, 0.0), "unscored"),
        ((0.9, None, 0.9), "unscored"),
        ((0.9, 1.0, None), "unscored"),
        ((None, None, None), "unscored"),
    ],
)
def test_the_fate_of_a_text(scores: tuple[float | None, float | None, float | None], fate: str) -> None:
    table = scored(scores)

    outcome = mined(table)

    if fate in {"toxic", "clean"}:
        assert_frame_equal(outcome.kept, table.with_columns(seed=pl.lit(fate)))
    else:
        assert outcome.dropped.select("stage", "drop_reason", "unit", "score", "id").rows() == [
            ("mine", fate, "text", scores[0], table["text_id"][0])
        ]
        assert outcome.dropped["score_toxicity_neutral"].to_list() == [scores[2]]


def test_a_text_called_clean_that_holds_an_insult_is_no_positive() -> None:
    table = texts("You idiot, it opens at nine.", "It opens at nine.").with_columns(
        score_toxicity=pl.Series([0.1, 0.1]), score_judge=pl.lit(0.0), score_toxicity_neutral=pl.Series([0.1, 0.1])
    )

    outcome = mined(table)

    assert outcome.kept["text"].to_list() == ["It opens at nine."]
    assert outcome.dropped["drop_reason"].to_list() == ["clean_but_for_the_lexicon"]


def test_a_text_called_clean_that_people_wrote_anew_is_no_positive_and_a_toxic_one_seeds_as_ever() -> None:
    table = scored((0.1, 0.0, 0.1), (0.1, 0.0, 0.1), (0.5, 0.0, 0.5), (0.9, 1.0, 0.9)).with_columns(
        references=pl.Series([["Well."], [], ["Well."], ["Well."]])
    )

    outcome = mined(table)

    assert outcome.kept["seed"].to_list() == ["clean", "toxic"]
    assert outcome.kept["references"].to_list() == [[], ["Well."]]
    assert outcome.dropped["drop_reason"].to_list() == ["clean_but_for_its_references", "neither_toxic_nor_clean"]


def test_the_order_stays() -> None:
    table = scored((0.9, 0, 0.9), (0.1, 0, 0.1), (0.5, 0, 0.5), (0.8, 0, 0.8), (None, 0, 0))

    outcome = mined(table)

    assert outcome.kept["text_id"].to_list() == [table["text_id"][place] for place in (0, 1, 3)]
    assert outcome.dropped["id"].to_list() == [table["text_id"][place] for place in (2, 4)]


def test_which_clean_texts_are_taken_depends_on_their_ids_alone() -> None:
    table = scored(*[(0.1, 0.0, 0.1)] * 400)
    settings = MineSettings(clean_fraction=0.3)

    all_of_them = set(mined(table, settings).kept["text_id"])
    of_half = set(mined(table.reverse().head(200), settings).kept["text_id"])

    assert len(all_of_them) / 400 == pytest.approx(0.3, abs=0.07)
    assert of_half == all_of_them & set(table["text_id"][200:])
    assert set(mined(table, settings).dropped["drop_reason"]) == {"clean_not_sampled"}


def test_a_larger_sample_holds_the_smaller_and_toxic_texts_are_not_sampled() -> None:
    table = scored(*[(0.1, 0.0, 0.1)] * 100, *[(0.9, 0.0, 0.9)] * 5)

    small, large, none, every = (
        set(mined(table, MineSettings(clean_fraction=share)).kept["text_id"]) for share in (0.3, 0.6, 0.0, 1.0)
    )

    assert small < large < every == set(table["text_id"])
    assert none == set(table["text_id"][100:])


def test_scores_with_identity_terms_taken_out() -> None:
    scorer = WordToxicity(gay=0.9, idiot=0.8)
    table = texts("I am a gay man.", "You gay idiot.", "You idiot.", "Fine.", "unscorable")

    result = score_texts(table, models=Fakes(toxicity=scorer, judge=WordToxicity(idiot=1.0)))

    assert result.select("score_toxicity", "score_judge", "score_toxicity_neutral").rows() == [
        (0.9, 0.0, 0.0),
        (0.9, 1.0, 0.8),
        (0.8, 1.0, 0.8),
        (0.0, 0.0, 0.0),
        (None, None, None),
    ]
    assert_frame_equal(result.drop(pl.col("^score_.*$")), table)
    assert not any("gay" in text for text in scorer.asked[len(table) :])


def test_an_identity_mention_alone_never_makes_a_negative() -> None:
    table = texts("I am a gay man.", "You gay idiot.")

    outcome = mine_texts(table, settings=SETTINGS, models=Fakes(toxicity=WordToxicity(gay=0.9, idiot=0.8)))

    assert outcome.kept.select("text", "seed").rows() == [("You gay idiot.", "toxic")]
    assert outcome.dropped.select("text", "drop_reason").rows() == [("I am a gay man.", "identity_only")]


def test_no_texts() -> None:
    outcome = mine_texts(texts(), settings=SETTINGS, models=Fakes())

    assert outcome.kept.height == outcome.dropped.height == 0
    assert "seed" in outcome.kept.columns
    check(outcome.dropped, DROPPED, stage="mine")
