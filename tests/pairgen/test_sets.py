"""Sets and pairs: what seeds become, which pairs are over the limit, and nothing lost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, get_args

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pairgen import sets
from pairgen.digests import digest
from pairgen.models import Parser
from pairgen.negatives.generated import _KINDS
from pairgen.rewriting.rewrite import REWRITES
from pairgen.schema import DROPPED, MEMBERS, NEGATIVE_KINDS, PAIRS, check
from pairgen.sets import (
    _MAKERS,
    NegativesSettings,
    _Kind,
    count_products,
    count_sets,
    make_pairs,
    members_of,
)
from tests.pairgen.samples import Fakes, Parrot, WordToxicity, texts

SETTINGS = NegativesSettings()
make_sets = partial(sets.make_sets, min_toxicity=0.7)


@dataclass(frozen=True)
class Seed:
    """A text, and its rewrites and references where it is toxic."""

    text: str
    rewrites: Sequence[str] = ()
    context: str = ""
    references: Sequence[str] = ()


def seeds(*rows: Seed) -> pl.DataFrame:
    nested = pl.List(pl.Struct({k: v for k, v in REWRITES.items() if k not in {"text_id", "abstain_reason"}}))
    made = [[{"rewrite": text, "rank": rank} for rank, text in enumerate(row.rewrites, 1)] or None for row in rows]
    return texts(*[row.text for row in rows]).with_columns(
        context=pl.Series([row.context for row in rows], dtype=pl.String),
        references=pl.Series([list(row.references) for row in rows], dtype=pl.List(pl.String)),
        score_toxicity=pl.lit(0.5),
        seed=pl.Series(["toxic" if row.rewrites or row.references else "clean" for row in rows], dtype=pl.String),
        rewrites=pl.Series(made, dtype=nested),
    )


@pytest.fixture
def fakes(parser: Parser) -> Fakes:
    return Fakes(parser=parser)


def spanned(member: dict[str, Any]) -> list[str]:
    return [member["text"][span["start"] : span["end"]] for span in member["spans"]]


def test_a_toxic_seed_is_a_negative_and_its_rewrites_are_the_positives(fakes: Fakes) -> None:
    table = seeds(Seed("You idiot, it opens at 9.", ["It opens at 9.", "Friend, it opens at 9."]))

    outcome = make_sets(table, settings=NegativesSettings(kinds=("swap_num",)), models=fakes)

    text_id = table["text_id"][0]
    members = outcome.kept.to_dicts()
    assert [(m["role"], m["kind"], m["text"]) for m in members[:3]] == [
        ("positive", "rewrite", "It opens at 9."),
        ("positive", "rewrite", "Friend, it opens at 9."),
        ("negative", "toxic", "You idiot, it opens at 9."),
    ]
    assert [m["parent_id"] for m in members] == [text_id, text_id, text_id, members[0]["member_id"]]
    assert {m["set_id"] for m in members} == {digest("set", text_id)}
    assert "".join(spanned(members[2])).startswith("You")
    assert "idiot" in "".join(spanned(members[2]))
    assert "opens" not in "".join(spanned(members[2]))
    assert (members[3]["role"], members[3]["kind"]) == ("negative", "swap_num")
    assert members[3]["text"] == f"It opens at {spanned(members[3])[0]}."
    assert members[3]["text"] != members[0]["text"]
    assert outcome.dropped.height == 0


def test_a_clean_seed_is_the_positive_and_one_without_a_negative_is_dropped(fakes: Fakes) -> None:
    table = seeds(Seed("It opens at 9."), Seed("No number, no name."))

    outcome = make_sets(table, settings=SETTINGS, models=fakes)

    assert outcome.kept.select("role", "kind").rows() == [("positive", "original"), ("negative", "swap_num")]
    assert outcome.kept["text"][0] == "It opens at 9."
    assert outcome.dropped.select("stage", "drop_reason", "unit", "text", "score_toxicity").rows() == [
        ("negatives", "no_negative", "text", "No number, no name.", 0.5)
    ]
    assert count_sets(outcome.kept) + outcome.dropped.height == table.height
    check(outcome.dropped, DROPPED, stage="negatives")


def test_references_are_the_first_positives_and_a_rewrite_that_says_the_same_is_none(fakes: Fakes) -> None:
    row = Seed("You idiot, it opens at 9.", ["it  opens at 9.", "Friend, it opens at 9."])
    table = seeds(replace(row, references=["You there, it opens at 9.", "It opens at 9."]))

    members = make_sets(table, settings=NegativesSettings(kinds=("swap_num",)), models=fakes).kept

    assert members.select("kind", "text").rows()[:4] == [
        ("human", "You there, it opens at 9."),
        ("human", "It opens at 9."),
        ("rewrite", "Friend, it opens at 9."),
        ("toxic", "You idiot, it opens at 9."),
    ]
    assert [spanned(member) for member in members.to_dicts()[:2]] == [["there"], ["It"]]
    assert members["parent_id"].to_list() == [table["text_id"][0]] * 4 + [members["member_id"][0]]
    pairs = make_pairs(members, table, settings=NegativesSettings(max_pairs_per_set=3), models=fakes)
    assert pairs.kept.select("positive_kind", "negative_kind", "parent").rows() == [
        ("human", "toxic", row.text),
        ("human", "swap_num", row.text),
        ("human", "toxic", row.text),
    ]
    assert pairs.dropped.select("positive_kind", "drop_reason").rows() == [("rewrite", "over_max_pairs_per_set")]


def test_references_alone_make_a_set(fakes: Fakes) -> None:
    members = make_sets(seeds(Seed("You idiot.", references=["You."])), settings=SETTINGS, models=fakes).kept

    assert members.select("role", "kind", "text").rows() == [
        ("positive", "human", "You."),
        ("negative", "toxic", "You idiot."),
    ]


class Back:
    """What comes back from the other language, by what went there."""

    fingerprint = "back"

    def __init__(self, **said: str) -> None:
        self._said = said

    def round_trip(self, texts: Sequence[str]) -> list[str | None]:
        return [next((back for word, back in self._said.items() if word in text), None) for text in texts]


def test_a_back_translation_of_the_first_positive_is_the_last(fakes: Fakes) -> None:
    row = Seed("You idiot, it opens at 9.", ["It opens at 9.", "Friend, it opens at 9."])
    table = seeds(
        row, Seed("We met 3 of them."), Seed("The 2 same."), Seed("You fool at 7.", ["You at 7."]), Seed("8!")
    )
    back = Back(opens="At 9 it opens.", met="Of them we met 3.", same="the 2  SAME.", You="You fool at 7.")
    settings = NegativesSettings(kinds=("swap_num",))

    members = make_sets(table, settings=settings, models=replace(fakes, translator=back)).kept

    plain = make_sets(table, settings=settings, models=fakes).kept
    added = members.filter(pl.col("kind") == "back_translation")
    assert added.select("text", "role", "parent_id").rows() == [
        ("At 9 it opens.", "positive", table["text_id"][0]),
        ("Of them we met 3.", "positive", table["text_id"][1]),
    ]  # no copy of the positive, none of the text that it was made from, none where nothing came back
    assert_frame_equal(members.filter(pl.col("kind") != "back_translation"), plain)
    assert members["kind"].to_list()[:5] == ["rewrite", "rewrite", "back_translation", "toxic", "swap_num"]
    assert spanned(added.to_dicts()[1]) == ["Of them we met 3"]
    check(members, MEMBERS, stage="negatives")
    pairs = make_pairs(members, table, settings=settings, models=fakes).kept
    assert pairs.height == count_products(members) == count_products(plain) + 3
    assert pairs.filter(pl.col("positive_kind") == "back_translation").select("negative_kind", "parent").rows() == [
        ("toxic", row.text),
        ("swap_num", row.text),
        ("swap_num", "We met 3 of them."),
    ]
    assert_frame_equal(members_of(members, pairs), members)


def test_only_the_kinds_of_the_settings_are_made(fakes: Fakes) -> None:
    table = seeds(Seed("Emily Thornton opens at 9 in Chicago."))

    for kinds in (("swap_ent",), ("swap_num",), ("swap_num", "swap_ent")):
        made = make_sets(table, settings=NegativesSettings(kinds=kinds), models=fakes).kept  # type: ignore[arg-type]
        assert made.filter(pl.col("role") == "negative")["kind"].to_list() == list(kinds)


NAMED = "Last year the mayor moved to Chicago."


def test_kinds_made_by_a_model_are_made_in_a_share_of_the_sets(parser: Parser) -> None:
    table = seeds(*[Seed(f"Last year {number} of them moved to Chicago.") for number in range(30, 60)])
    kinds: Any = ("mask_ent", "swap_num")

    def names(fraction: float, rows: pl.DataFrame) -> dict[str, str]:
        fakes = Fakes(parser=parser, language=Parrot(" Boston, and so on"))
        settings = NegativesSettings(kinds=kinds, model_made_fraction=fraction)
        members = make_sets(rows, settings=settings, models=fakes).kept
        assert members.filter(pl.col("kind") == "swap_num").height == rows.height
        return {row["set_id"]: row["text"] for row in members.filter(pl.col("kind") == "mask_ent").to_dicts()}

    some, every = names(0.5, table), names(1.0, table)
    assert names(0.0, table) == {}
    assert len(every) == 30
    assert all("moved to Boston." in text for text in every.values())
    assert 5 < len(some) < 25
    assert some.items() < every.items()
    assert names(0.5, table[:10]).items() <= some.items()


def test_what_a_model_says_is_a_negative_of_its_own(parser: Parser) -> None:
    table = seeds(Seed(NAMED, context="Where did she go and why?"), Seed(NAMED + " So"))
    fakes = Fakes(parser=parser, language=Parrot(" She is still at home with us."))
    settings = NegativesSettings(kinds=("sys_lowcon",), model_made_fraction=1)

    outcome = make_sets(table, settings=settings, models=fakes)

    positive, negative = outcome.kept.to_dicts()
    assert (negative["kind"], negative["text"]) == ("sys_lowcon", "She is still at home with us.")
    assert negative["spans"] == [{"start": 0, "end": 29}]
    assert negative["parent_id"] == positive["member_id"]
    assert outcome.dropped["drop_reason"].to_list() == ["no_negative"]  # no context, nothing to answer
    assert make_pairs(outcome.kept, table, settings=settings, models=fakes).kept.height == 1


@pytest.mark.parametrize(
    ("said", "made"),
    [
        (" Boston for nine weeks of it.", 1),
        (" Boston to be an idiot again.", 0),  # for the lexicon
        (" Damnville for nine weeks of it.", 0),  # for the scorer
        (" a large wooden house in the far", 0),  # broken off
    ],
)
def test_what_a_model_says_is_no_negative_where_it_is_toxic_or_broken_off(said: str, made: int, parser: Parser) -> None:
    fakes = Fakes(parser=parser, language=Parrot(said), toxicity=WordToxicity(Damnville=0.8))
    settings = NegativesSettings(kinds=("swap_ent", "regen_ent"), model_made_fraction=1)
    table = seeds(Seed("Last year the mayor moved to Chicago for ten long weeks."))

    members = make_sets(table, settings=settings, models=fakes).kept

    assert members.filter(pl.col("kind") == "regen_ent").height == made
    assert members.filter(pl.col("kind") == "swap_ent").height == 1


@pytest.mark.parametrize(
    ("said", "context", "made"),
    [
        (" of that damn coast now.", "", "Last year the mayor moved of that damn coast now."),
        (
            "Damnation, damn this whole idea of yours.",
            "Where did the mayor go?",
            "Damnation, damn this whole idea of yours.",
        ),
        (" of that whole coast now.", "", None),  # clean
        (" of that damn coast now", "", None),  # broken off
    ],
)
def test_a_toxic_negative_is_what_a_model_says_over_the_threshold(
    said: str, context: str, made: str | None, parser: Parser
) -> None:
    table = seeds(Seed("Last year the mayor moved to the coast for good.", context=context))
    fakes = Fakes(parser=parser, language=Parrot(said))
    settings = NegativesSettings(kinds=("toxic",), model_made_fraction=1)

    outcome = make_sets(table, settings=settings, models=fakes)

    negatives = outcome.kept.filter(pl.col("role") == "negative").to_dicts()
    assert [(each["kind"], each["text"]) for each in negatives] == ([("toxic", made)] if made else [])
    for each in negatives:
        assert each["parent_id"] == outcome.kept["member_id"][0]  # of a mined one it is the text's id
        assert spanned(each) == [said.strip()]
    assert sets.make_sets(table, settings=settings, min_toxicity=0.9, models=fakes).kept.height == 0


def test_a_toxic_negative_of_a_model_stands_beside_the_mined_one(parser: Parser) -> None:
    text = "Last year the mayor moved to the coast for good."
    table = seeds(Seed(f"idiot! {text}", [text]))
    fakes = Fakes(parser=parser, language=Parrot(" of that damn coast now."))
    settings = NegativesSettings(kinds=("toxic",), model_made_fraction=1)
    members = make_sets(table, settings=settings, models=fakes).kept

    positive, mined, written = members.to_dicts()
    pairs = make_pairs(members, table, settings=settings, models=fakes).kept

    assert (mined["kind"], mined["parent_id"]) == ("toxic", table["text_id"][0])
    assert (written["kind"], written["parent_id"]) == ("toxic", positive["member_id"])
    assert pairs["negative"].to_list() == [mined["text"], written["text"]]
    assert count_products(members) == pairs.height == 2


def test_what_is_toxic_for_an_identity_word_alone_is_no_negative(parser: Parser) -> None:
    table = seeds(Seed("Last year the mayor moved to the coast for good."))
    settings = NegativesSettings(kinds=("toxic",), model_made_fraction=1)
    fakes = Fakes(parser=parser, language=Parrot(" of the gay coast now."), toxicity=WordToxicity(gay=0.9))

    assert make_sets(table, settings=settings, models=fakes).kept.height == 0


def test_a_toxic_text_stands_against_every_positive_and_a_changed_one_against_its_own(fakes: Fakes) -> None:
    table = seeds(
        Seed("You idiot, it opens at 9.", ["It opens at 9.", "Friend, it opens at 9."], context="When?"),
        Seed("We met 3 of them."),
    )
    members = make_sets(table, settings=SETTINGS, models=fakes).kept

    outcome = make_pairs(members, table, settings=SETTINGS, models=fakes)

    assert outcome.kept.height == count_products(members) == 4
    assert outcome.dropped.height == 0
    check(outcome.kept, PAIRS, stage="pair")
    toxic = outcome.kept.filter(pl.col("negative_kind") == "toxic")
    assert toxic.select(
        "context", "positive", "negative", "parent", "score_toxicity_negative", "score_judge_negative"
    ).rows() == [
        ("When?", "It opens at 9.", "You idiot, it opens at 9.", "You idiot, it opens at 9.", 0.9, 1.0),
        ("When?", "Friend, it opens at 9.", "You idiot, it opens at 9.", "You idiot, it opens at 9.", 0.9, 1.0),
    ]
    changed = outcome.kept.filter((pl.col("negative_kind") == "swap_num") & (pl.col("positive_kind") == "rewrite"))
    assert changed["positive"].to_list() == ["It opens at 9."]
    original = outcome.kept.filter(pl.col("positive_kind") == "original")
    assert original.select("positive", "parent").row(0) == ("We met 3 of them.", "We met 3 of them.")


@pytest.mark.parametrize("limit", [1, 2, 3, 9])
def test_over_the_limit_every_kind_comes_once_before_any_comes_twice(limit: int, fakes: Fakes) -> None:
    table = seeds(Seed("You idiot, it opens at 9.", ["It opens at 9.", "Friend, it opens at 9."]))
    settings = NegativesSettings(max_pairs_per_set=limit)
    members = make_sets(table, settings=settings, models=fakes).kept

    outcome = make_pairs(members, table, settings=settings, models=fakes)

    kinds = outcome.kept["negative_kind"].to_list()
    assert len(kinds) == min(limit, 3)
    assert max(map(kinds.count, kinds)) - min(map(kinds.count, {"toxic", "swap_num"} if limit > 1 else kinds)) <= 1
    assert outcome.kept.height + outcome.dropped.height == count_products(members) == 3
    assert set(outcome.dropped["drop_reason"]) <= {"over_max_pairs_per_set"}
    check(outcome.dropped, DROPPED, stage="pair")


def test_a_second_negative_of_a_kind_waits_for_the_other_kinds(fakes: Fakes) -> None:
    table = seeds(Seed("You idiot, it opens at 9.", ["It opens at 9."]))
    positive, toxic, number = make_sets(table, settings=SETTINGS, models=fakes).kept.partition_by("member_id")
    second = number.with_columns(member_id=pl.lit("second"), text=pl.lit("It opens at 99."))
    settings = NegativesSettings(max_pairs_per_set=2)

    outcome = make_pairs(pl.concat([positive, number, second, toxic]), table, settings=settings, models=fakes)

    assert sorted(outcome.kept["negative_kind"]) == ["swap_num", "toxic"]
    assert outcome.dropped["negative"].to_list() == ["It opens at 99."]


def test_a_negative_that_cannot_be_scored_has_a_null_score(fakes: Fakes) -> None:
    table = seeds(Seed("You unscorable idiot.", ["You."]))
    members = make_sets(table, settings=SETTINGS, models=fakes).kept

    assert make_pairs(members, table, settings=SETTINGS, models=fakes).kept["score_toxicity_negative"].to_list() == [
        None
    ]


def test_members_of_what_was_kept(fakes: Fakes) -> None:
    table = seeds(Seed("You idiot, it opens at 9.", ["It opens at 9.", "Friend, it opens at 9."]), Seed("We met 3."))
    members = make_sets(table, settings=SETTINGS, models=fakes).kept
    pairs = make_pairs(members, table, settings=SETTINGS, models=fakes).kept
    one = pairs.filter((pl.col("negative_kind") == "toxic") & (pl.col("positive") == "It opens at 9."))

    left = members_of(members, one)

    assert left["text"].to_list() == ["It opens at 9.", "You idiot, it opens at 9."]
    assert_frame_equal(members_of(members, pairs), members)
    assert members_of(members, pairs.clear()).height == 0


def test_no_seeds(fakes: Fakes) -> None:
    table = seeds(Seed("x")).clear()

    made = make_sets(table, settings=SETTINGS, models=fakes)
    pairs = make_pairs(made.kept, table, settings=SETTINGS, models=fakes)

    check(made.kept, MEMBERS, stage="negatives")
    check(pairs.kept, PAIRS, stage="pair")
    assert made.kept.height == made.dropped.height == pairs.kept.height == pairs.dropped.height == 0
    assert count_sets(made.kept) == count_products(made.kept) == 0


def test_every_kind_of_negative_has_its_maker() -> None:
    offered = set(get_args(_Kind))

    assert offered == {*_MAKERS, *_KINDS}
    assert offered == {*NEGATIVE_KINDS}
