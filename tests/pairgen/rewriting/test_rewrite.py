"""Texts in, ranked rewrites out, with the real models."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pairgen.loading import LoadedModels, load_models
from pairgen.models import Floats
from pairgen.rewriting.locate import lexicon_spans
from pairgen.rewriting.propose import Candidate
from pairgen.rewriting.rewrite import REWRITES, RewriteSettings, Scored, _merit, _rank, _window, changed_spans, rewrite
from pairgen.schema import DROPPED, check
from pairgen.sets import rewrite_seeds
from tests.pairgen.samples import EMBEDDED, Fakes, Parrot, WordToxicity, save_masked_model, texts

SETTINGS = RewriteSettings()
TEXTS = (
    "What a stupid idea, the library in Leeds opens at 9.",
    "You damn idiot, it opens at 9.",
    "The council paid 40 pounds for that crappy bicycle.",
    "Only an idiot would park there on Monday.",
    "idiot",
    "Thank you for the lovely bread.",
    "STUPID IDEA, CLOSE THE LIBRARY NOW.",
    "My cousin is a stupid moron and I told him so twice.",
    "Damn it, the bakery is closed again.",
    "These idiots from the council never answer the phone.",
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(models: LoadedModels) -> pl.DataFrame:
    return rewrite(texts(*TEXTS), settings=SETTINGS, models=models)


def test_no_row_is_lost_and_the_order_stays(made: pl.DataFrame) -> None:
    assert made.schema == REWRITES
    assert made["text_id"].unique(maintain_order=True).to_list() == texts(*TEXTS)["text_id"].to_list()
    counts = made.group_by("text_id", maintain_order=True).agg(pl.col("rank"))
    assert all(ranks in ([None], [1], [1, 2]) for ranks in counts["rank"].to_list())


def test_a_rewrite_or_a_reason_and_never_both(made: pl.DataFrame) -> None:
    assert made.filter(pl.col("rewrite").is_null() == pl.col("abstain_reason").is_null()).height == 0
    reasons = dict(
        made.join(texts(*TEXTS).select("text_id", "text"), on="text_id").select("text", "abstain_reason").rows()
    )
    assert reasons["idiot"] is not None
    assert reasons["Thank you for the lovely bread."] == "nothing_located"
    assert set(reasons.values()) <= {
        None,
        "nothing_located",
        "nothing_left",
        "still_toxic",
        "meaning_lost",
        "not_fluent",
    }
    assert made["rewrite"].drop_nulls().len() >= 6


def test_what_is_given_is_good_enough(made: pl.DataFrame, models: LoadedModels) -> None:
    good = made.filter(pl.col("rewrite").is_not_null())

    assert good.filter(pl.col("score_toxicity") > SETTINGS.max_toxicity).height == 0
    assert good.filter(pl.col("score_similarity") < SETTINGS.min_similarity).height == 0
    assert good.filter(~pl.col("score_fluency").is_between(SETTINGS.min_fluency, 1)).height == 0
    assert good.filter(~pl.col("score_edit").is_between(0, 1, closed="right")).height == 0
    assert good["score_toxicity"].to_list() == models.toxicity.toxicity(good["rewrite"].to_list()).tolist()
    assert not any(lexicon_spans(text) for text in good["rewrite"])
    for number, name in (("9", "Leeds"), ("40", "council")):
        source = next(text for text in TEXTS if name in text)
        found = good.join(texts(source).select("text_id"), on="text_id", how="semi")["rewrite"].to_list()
        assert all(number in text and name in text for text in found)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (("It opens late.", 1.0, 0.1, 0.9), ("It opens last.", 1.0, 0.1, 0.8)),  # similarity
        (("It opens late.", 1.0, 0.1, 0.9), ("It opens last.", 1.0, 0.3, 0.9)),  # toxicity
        (("It opens late.", 1.0, 0.1, 0.9), ("It opens last.", 0.7, 0.1, 0.9)),  # how well its forms fit
        (("It opens late.", 1.0, 0.1, 0.9), ("Everything there opens late.", 1.0, 0.1, 0.9)),  # fewer edits
    ],
)
def test_what_ranks(better: tuple[str, float, float, float], worse: tuple[str, float, float, float]) -> None:
    best, other = (
        _merit("It opens late, idiot.", Candidate(text, "substitute", weight), tox, sim)
        for text, weight, tox, sim in (better, worse)
    )

    assert best > other


def test_of_two_alike_the_deletion_ranks_first() -> None:
    delete, substitute = (_merit("It is late!", Candidate("It is late", way), 0.1, 0.9) for way in ("delete", "mixed"))

    assert delete > substitute


def test_the_fluent_rank_before_the_rest_where_they_are_nearly_as_good() -> None:
    merits = {"one": 0.9, "two": 0.85, "three": 0.8, "four": 0.75, "far": 0.4}
    found = [Scored(Candidate(text, "delete"), 0.1, 0.9, merit) for text, merit in merits.items()]
    asked = SETTINGS.model_copy(update={"rewrites_per_text": 5})

    ranked = _rank("one two", found, [0.5, 0.1, 0.7, 1.0, 1.0], asked)

    assert [row["rewrite"] for row in ranked] == ["three", "four", "one", "far"]  # "two" is under min_fluency
    assert [row["rank"] for row in ranked] == [1, 2, 3, 4]
    assert [row["rewrite"] for row in _rank("one two", found, [0.5], asked)] == ["one"]  # of the rest none was asked


class SpyLanguage:
    """Every text is as likely as any; `asked` has those whose likelihood was wanted."""

    fingerprint = "spy"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def nll(self, texts: Sequence[str]) -> Floats:
        self.asked += texts
        return np.ones(len(texts))


def test_likelihood_is_asked_no_further_than_needed(models: LoadedModels) -> None:
    text = "The fucking bus was late again, for the third time this week."
    language = SpyLanguage()

    fakes = Fakes(models.toxicity, models.judge, models.embedder, language, models.parser)

    made = rewrite(texts(text), settings=SETTINGS, models=fakes)

    assert made["rank"].to_list() == [1, 2]
    assert sorted(set(language.asked)) == sorted([text, *made["rewrite"]])


def test_fluency_is_asked_where_the_change_is_in_a_very_long_sentence_too(models: LoadedModels) -> None:
    long = "the bus came late and " * 60 + "the stupid driver laughed and " + "nobody said a word and " * 60
    text = "It rained. " + long.capitalize()
    before, after = _window(models.parser.parse([text])[0], text.replace("stupid ", ""))

    assert "the stupid driver laughed" in before
    assert "the driver laughed" in after
    assert before[:300] == after[:300]
    assert max(len(before), len(after)) <= 600


def test_the_smallest_edit_that_keeps_the_meaning(models: LoadedModels) -> None:
    text = "The fucking bus was late again, for the third time this week."

    (found,) = rewrite(texts(text), settings=RewriteSettings(rewrites_per_text=1), models=models)["rewrite"]

    assert found == "The bus was late again, for the third time this week."


@pytest.mark.parametrize(
    ("text", "emptied"),
    [("This is a stupid plan.", "This is a plan."), ("He is such an idiot.", "He is such a person.")],
)
def test_what_says_what_something_is_is_not_emptied(text: str, emptied: str, models: LoadedModels) -> None:
    (found,) = rewrite(texts(text), settings=RewriteSettings(rewrites_per_text=1), models=models)["rewrite"]

    assert found != emptied


def test_the_same_again_whatever_stands_beside(made: pl.DataFrame, models: LoadedModels) -> None:
    assert_frame_equal(rewrite(texts(*TEXTS), settings=SETTINGS, models=models), made)
    alone = pl.concat([rewrite(texts(text), settings=SETTINGS, models=models) for text in TEXTS[:3]])
    assert_frame_equal(alone, made.head(alone.height))


def test_settings_decide(made: pl.DataFrame, models: LoadedModels) -> None:
    one = rewrite(texts(*TEXTS), settings=RewriteSettings(rewrites_per_text=1), models=models)
    assert_frame_equal(one, made.filter(pl.col("rank").is_null() | (pl.col("rank") == 1)))

    for settings, reason in (
        (RewriteSettings(max_toxicity=0), "still_toxic"),
        (RewriteSettings(min_similarity=1), "meaning_lost"),
    ):
        none = rewrite(texts(TEXTS[1]), settings=settings, models=models)
        assert none.select("rank", "rewrite", "abstain_reason").rows() == [(None, None, reason)]


class Toxic(WordToxicity):
    """Every text is toxic that does not hold one of `mild`."""

    def __init__(self, *mild: str) -> None:
        super().__init__()
        self._mild = mild

    def toxicity(self, texts: Sequence[str]) -> Floats:
        self.asked += texts
        return np.array([0.1 if any(word in text for word in self._mild) else 0.9 for text in texts])


def test_models_are_asked_where_the_lexicon_has_nothing_good(models: LoadedModels, tmp_path: Path) -> None:
    fills = ["the council wrote poor work about us .", "the mayor read the poor work twice ."]
    spec = f"hf:{save_masked_model(tmp_path / 'filler', fills)}"
    filler = load_models(EMBEDDED.model_copy(update={"filler": spec}), tmp_path / "scores.sqlite").filler
    language = Parrot(" never\n")
    alone = Fakes(Toxic("poor work", "poor idea"), models.judge, models.embedder, language, models.parser)
    fakes = replace(alone, filler=filler)
    rows = ("The council wrote crap about us.", "What a stupid idea.", "The mayor read the crap twice.", "idiot")

    made = rewrite(texts(*rows), settings=RewriteSettings(rewrites_per_text=1), models=fakes)

    assert made["rewrite"].to_list() == [
        "The council wrote poor work about us.",
        "What a poor idea.",
        "The mayor read the poor work twice.",
        None,
    ]
    assert made["strategy"].to_list() == ["fill", "substitute", "fill", None]
    assert made["abstain_reason"].to_list() == [None, None, None, "nothing_left"]
    assert made["spans"].to_list()[0] == [{"start": 18, "end": 22}]
    assert made["score_toxicity"].to_list() == [0.1, 0.1, 0.1, None]
    assert language.asked == []  # `generated` is 0
    each = pl.concat([rewrite(texts(row), settings=RewriteSettings(rewrites_per_text=1), models=fakes) for row in rows])
    assert_frame_equal(each, made)
    none = rewrite(texts(*rows), settings=RewriteSettings(rewrites_per_text=1), models=alone)
    assert none["abstain_reason"].to_list() == ["still_toxic", None, "still_toxic", "nothing_left"]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("He is an unwise man, they say.", None),
        ("He is a guy, they say.", "still_toxic"),
        ("He is an unwise man in Leeds, they say.", "still_toxic"),  # it adds a name: no candidate
    ],
)
def test_what_a_language_model_says_passes_the_same_gates(said: str, reason: str | None, models: LoadedModels) -> None:
    language = Parrot(f" {said}\n")
    fakes = Fakes(Toxic("unwise man"), models.judge, models.embedder, language, models.parser)
    text = texts("He is an idiot, they say.")

    made = rewrite(text, settings=RewriteSettings(generated=2), models=fakes)

    assert made.select("rewrite", "strategy", "abstain_reason").rows() == (
        [(None, None, reason)] if reason else [(said, "few_shot", None)]
    )
    strict = RewriteSettings(generated=2, min_similarity=1)
    assert rewrite(text, settings=strict, models=fakes)["rewrite"].to_list() == [None]


def test_no_texts(models: LoadedModels) -> None:
    assert rewrite(texts(), settings=SETTINGS, models=models).schema == REWRITES


def test_seeds_keep_their_rewrites_or_are_dropped_with_the_reason(models: LoadedModels) -> None:
    seeds = texts(*TEXTS[3:7]).with_columns(
        seed=pl.Series(["toxic", "toxic", "clean", "toxic"]), score_toxicity=pl.lit(0.9)
    )

    outcome = rewrite_seeds(seeds, settings=SETTINGS, models=models)

    assert outcome.kept["text"].to_list() == [text for text in TEXTS[3:7] if text != "idiot"]
    assert outcome.kept.filter(pl.col("seed") == "clean")["rewrites"].to_list() == [None]
    assert all(0 < len(some) <= 2 for some in outcome.kept.filter(pl.col("seed") == "toxic")["rewrites"])
    assert outcome.dropped["text"].to_list() == ["idiot"]
    assert outcome.dropped["drop_reason"][0].startswith("abstained_")
    check(outcome.dropped, DROPPED, stage="rewrite")
    none = rewrite_seeds(seeds.clear(), settings=SETTINGS, models=models)
    assert none.kept.height == none.dropped.height == 0
    assert "rewrites" in none.kept.columns
    written = seeds.with_columns(references=pl.lit(["A kind word."]))
    assert_frame_equal(
        rewrite_seeds(written, settings=SETTINGS, models=models).kept.drop("rewrites", "references"),
        seeds.drop("references"),
        check_column_order=False,
    )
    clean = rewrite_seeds(seeds.filter(pl.col("seed") == "clean"), settings=SETTINGS, models=models)
    assert (clean.kept.height, clean.dropped.height) == (1, 0)


def test_changed_spans_are_words_of_the_text() -> None:
    text, other = "You idiot, it opens at nine.", "It opens at nine."

    assert [text[span["start"] : span["end"]] for span in changed_spans(text, text)] == []
    left = text
    for span in reversed(changed_spans(text, other)):
        left = left[: span["start"]] + left[span["end"] :]
    assert left.strip() == "opens at nine."
    assert changed_spans("It opens.", "It damn well opens.") == []
    assert changed_spans("", "damn") == []
