"""Any strings in, an answer to each out, in order: faulty, clean and toxic ones, and what no edit may touch."""

from collections.abc import Sequence

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pairgen.corpus import SourceSettings
from pairgen.extraction import protected_pieces, protected_spans, shielded
from pairgen.loading import LoadedModels
from pairgen.models import Parser
from pairgen.rewriting.answer import ANSWERS, rewrite_table
from pairgen.rewriting.locate import locate
from pairgen.rewriting.rewrite import RewriteSettings
from tests.pairgen.samples import Fakes, WordToxicity

SETTINGS = RewriteSettings(rewrites_per_text=1)
FRENCH = "Je ne comprends pas pourquoi la mairie a fermé la bibliothèque cette semaine."
MAX_CHARACTERS = SourceSettings().max_characters
FAULTS = [
    (None, "empty"),
    ("", "empty"),
    (" \n\t\u00a0\u2003", "empty"),
    ("damn\x00 it", "control_characters"),
    ("\x1b[31mdamn it", "control_characters"),
    ("damn \x9b it", "control_characters"),
    ("the end \u202eti nmad\u202c of it", "bidirectional_controls"),
    ("damn " * 2_000, "too_long"),
    ("x" * (MAX_CHARACTERS + 1), "too_long"),
    ("🙂🙂 👍🏽 ❤️", "no_letters"),
    ("1984 !!! :-)", "no_letters"),
    ("\u200b\u200d", "no_letters"),
    (FRENCH, "other_language"),
    ("Tu es vraiment un idiot et personne ne veut te parler ici, alors tais-toi.", "other_language"),
    ("Привет, как дела?", "other_language"),
    ("你好", "other_language"),
    ("أهلا وسهلا", "other_language"),
    ("an unscorable text", "unscored"),
    ("See https://example.com/idiot for more", "protected"),
    ("ask @idiot, or write to idiot@example.com #idiot", "protected"),
    ("the name of it is `idiot` here", "protected"),
    ("The gay choir sang at noon.", "identity_only"),
]
CLEAN = [
    "It opens at nine.",
    " kept  as \u2028 it is\r\n ",
    "lol",
    "crème brûlée",
    "C'est la vie",  # too short to tell
    "idk wtaf u mean m8, brb gtg 2 tha shop n get sum bread 4 tea",
    "ｆｕｌｌ ｗｉｄｔｈ",  # noqa: RUF001
    "你好 means hello, as everyone knows",
    "a" * MAX_CHARACTERS,
    "e\u0301" * 40,
]


def fakes() -> Fakes:
    return Fakes(toxicity=WordToxicity(idiot=0.9, IDIOT=0.9, gay=0.8, quiet=0.3, louder=0.31, unscorable=1.0))


def answered(*texts: str | None, **settings: float) -> pl.DataFrame:
    """The answers by models without a parser: to write a rewrite with them would fail."""
    table = rewrite_table(
        texts, max_characters=MAX_CHARACTERS, settings=SETTINGS.model_copy(update=settings), models=fakes()
    )
    assert table.schema == ANSWERS
    return table


# What is not rewritten ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "reason"), FAULTS)
def test_a_text_without_a_rewrite_has_its_reason_and_nothing_else(text: str | None, reason: str) -> None:
    row = answered(text).row(0, named=True)

    assert (row.pop("text"), row.pop("abstain_reason")) == (text, reason)
    assert set(row.values()) == {None}


@pytest.mark.parametrize("text", CLEAN)
def test_a_clean_text_is_its_own_rewrite(text: str) -> None:
    assert answered(text).rows() == [(text, text, 1, "unchanged", None, [], 0.0, 0.0, 1.0, 1.0, 0.0)]


def test_a_text_at_the_limit_is_clean() -> None:
    assert answered("a quiet text").select("strategy", "score_toxicity").rows() == [("unchanged", 0.3)]
    with pytest.raises(AttributeError):  # it is to be rewritten, and there is no parser
        answered("a louder text")
    assert answered("a louder text", max_toxicity=0.31)["strategy"].to_list() == ["unchanged"]


def test_a_strong_word_is_not_clean_whatever_the_score() -> None:
    with pytest.raises(AttributeError):
        answered("you moron, it opens at nine")


def test_every_text_in_order_however_often_it_stands() -> None:
    texts = [text for text, _ in FAULTS] + CLEAN + ["", None, "lol"]

    table = answered(*texts)

    assert table["text"].to_list() == texts
    assert table["abstain_reason"].to_list() == [
        *(reason for _, reason in FAULTS), *[None] * len(CLEAN), "empty", "empty", None
    ]  # fmt: skip
    assert answered().rows() == []


def test_the_judge_judges_the_rewrite() -> None:
    models = Fakes(toxicity=WordToxicity(), judge=WordToxicity(opens=0.7, unscorable=1))

    table = rewrite_table(
        ["", "It opens.", "It is unscorable."], max_characters=MAX_CHARACTERS, settings=SETTINGS, models=models
    )

    assert table.filter(pl.col("text") == "It opens.")["score_judge"].to_list() == [0.7]


# What no edit may touch -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("see https://example.com/idiot, or (http://a.b/c).", ["https://example.com/idiot", "http://a.b/c"]),
        ("WWW.damn.org/x?y=1! ftp://a.b", ["WWW.damn.org/x?y=1", "ftp://a.b"]),
        ("on idiot.com/stupid. You idiot.Go home", ["idiot.com/stupid"]),
        ("write to stupid.me+x@damn.co.uk.", ["stupid.me+x@damn.co.uk"]),
        ("@idiot and @a_b. or @damn-it", ["@idiot", "@a_b", "@damn-it"]),
        ("@ss @$$ @sshole dumb@ss b@stard", []),
        ("#stupid #1 f#ck", ["#stupid", "#1"]),
        ("`a damn` it's ```b\n`damn` c```, `open", ["`a damn`", "```b\n`damn` c```"]),
        ("<b>stupid</b> <a href='damn' x=1>a</a><br/>", ["<b>", "</b>", "<a href='damn' x=1>", "</a>", "<br/>"]),
        ("a < b and c > d <3 <you damn idiot>", []),
        ("", []),
    ],
)
def test_protected_pieces(text: str, pieces: list[str]) -> None:
    assert protected_pieces(text) == pieces
    assert [text[start:end] for start, end in protected_spans(text)] == pieces
    covered = {place for start, end in protected_spans(text) for place in range(start, end)}
    assert len(shielded(text)) == len(text)
    assert all(shielded(text)[place] == letter for place, letter in enumerate(text) if place not in covered)
    assert not any(shielded(text)[place].isalpha() for place in covered)


@pytest.mark.parametrize(
    "text", ["`" * 4_999 + "a", "<a " * 1_600, "<a b=" * 900, "a." * 2_500, "@" * 5_000, "a@" * 2_500]
)
def test_protecting_takes_no_time(text: str) -> None:
    assert len(shielded(text)) == len(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("What a stupid idea, see https://damn.com/stupid.", ["stupid"]),
        ("<b>stupid</b> `damn` @idiot #moron, you fool", ["stupid", "fool"]),
        ("Damn @bob it rains", ["Damn"]),  # not "Damn it" around the name
        ("my blurbish day, @bob", ["blurbish"]),  # found by occlusion
        ("my #blurbish day", []),
    ],
)
def test_nothing_protected_is_a_carrier(parser: Parser, text: str, taken: list[str]) -> None:
    (carriers,) = locate(parser.parse([text]), scorer=WordToxicity(blurbish=0.9), max_toxicity=0.3)

    assert [text[carrier.start : carrier.end] for carrier in carriers] == taken


# With the real models -------------------------------------------------------------------------------------------------

TOXIC = [
    "You damn idiot, the library in Leeds opens at 9.",
    "What a stupid idea, the library in Leeds opens at 9.",
    "Damn, https://example.com/a is down again, ask @bob.",
    "The council paid 40 pounds for that crappy bicycle <b>again</b>.",
    "My cousin is a stupid moron and I told him so twice at `home`.",
    "\ufeffDamn it — the “bakery” is closed\nagain, 🙂 #sad",
]


def real(models: LoadedModels, texts: Sequence[str | None], n: int = 1) -> pl.DataFrame:
    return rewrite_table(
        texts, max_characters=MAX_CHARACTERS, settings=RewriteSettings(rewrites_per_text=n), models=models
    )


@pytest.mark.slow
def test_the_best_rewrites_come_first_and_keep_what_is_protected(models: LoadedModels) -> None:
    best, three = real(models, TOXIC), real(models, TOXIC, 3)

    assert best["text"].to_list() == TOXIC
    assert best["rewrite"].null_count() <= 1
    assert_frame_equal(three.filter(pl.col("rank").fill_null(1) == 1), best)
    assert three["rank"].max() == 3
    ranks = three.filter(pl.col("rank") > 1).height
    assert three.height == best.height + ranks
    for text, rewritten in three.filter(pl.col("rank").is_not_null()).select("text", "rewrite").iter_rows():
        assert protected_pieces(rewritten) == protected_pieces(text)
        assert rewritten != text
    given = three.filter(pl.col("rank").is_not_null())
    assert given["score_judge"].to_list() == models.judge.toxicity(given["rewrite"].to_list()).tolist()
    assert given["score_toxicity"].to_list() == models.toxicity.toxicity(given["rewrite"].to_list()).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("text", ["idiot", "IDIOT!!! 🙂", "damn, damn", "@bob idiot https://example.com"])
def test_nothing_is_left_of_nothing_but_what_may_go(models: LoadedModels, text: str) -> None:
    row = real(models, [text]).row(0, named=True)

    assert (row.pop("text"), row.pop("abstain_reason")) == (text, "nothing_left")
    assert set(row.values()) == {None}


@pytest.mark.slow
def test_the_capital_of_a_sentence_is_not_given_to_a_link(models: LoadedModels) -> None:
    answers = real(models, [TOXIC[2]], 10)["rewrite"].drop_nulls().to_list()

    assert answers
    assert all("https://example.com/a is" in answer for answer in answers)


@pytest.mark.slow
def test_the_same_again_whatever_stands_beside(models: LoadedModels) -> None:
    texts = [*TOXIC, *(text for text, _ in FAULTS), *CLEAN]

    together = real(models, texts)

    assert_frame_equal(real(models, texts), together)
    backwards = real(models, texts[::-1])
    assert_frame_equal(backwards.reverse(), together)
    assert_frame_equal(pl.concat([real(models, [text]) for text in TOXIC]), together.head(len(TOXIC)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "damn " * 999,
        "(" * 4_000 + "you idiot, it is late",
        "you idiot" + "!" * 4_000,
        "you idiot " + "\u0301" * 500 + " it is late",
        "<a " * 800 + "you idiot, it is late",
        "you idiot, " + "it is late 🙂\u200d\u2028" * 100,
        "idiots\ud7ff \ufdd0 \U0010ffff are here",
    ],
)
def test_odd_texts_are_answered(models: LoadedModels, text: str) -> None:
    row = real(models, [text]).row(0, named=True)

    assert row["text"] == text
    assert (row["rewrite"] is None) != (row["abstain_reason"] is None)
