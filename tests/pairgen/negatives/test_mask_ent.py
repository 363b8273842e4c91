"""A name masked and filled: which can be, what a continuation gives, and what the parser must find."""

import pytest

from pairgen.models import Parser
from pairgen.negatives.change import Gap
from pairgen.negatives.mask_ent import ent_gaps, ent_holds, mask_ent, same_name

TEXT = "Last year the mayor moved to Chicago because of the lake."
GAP = Gap("Last year the mayor moved to", 29, 36)


def test_a_gap_opens_behind_what_leads_to_the_name(parser: Parser) -> None:
    doc, opens, dated, nothing = parser.parse([TEXT, "To Chicago they went.", "They all met in May.", ""])

    assert ent_gaps(doc, nothing, seed="s") == [GAP]
    assert ent_gaps(opens, nothing, seed="s") == []  # one word leads to it
    assert ent_gaps(dated, nothing, seed="s") == []
    assert ent_gaps(nothing, nothing, seed="s") == []


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (" Boston, where", "Boston"),
        (" New York to be", "New York"),
        (" Bank of America and then", "Bank of America"),
        (" the city", None),
        (" Bosto", None),  # broken off
        (" Boston", None),
        ("Boston again", None),  # written on to the word before
        (" Chicagoland for", None),
        (" Lake Chicago for", None),
        (" I was", None),
        ("", None),
    ],
)
def test_the_fill_is_the_name_that_a_continuation_begins_with(said: str, name: str | None, parser: Parser) -> None:
    made = mask_ent(parser.parse([TEXT])[0], GAP, said)

    assert (made and made.text) == (name and TEXT.replace("Chicago", name))
    assert not made or made.spans == [{"start": 29, "end": 29 + len(name or "")}]


def test_all_places_of_a_name_are_filled_alike(parser: Parser) -> None:
    doc = parser.parse(["Last year the mayor moved to Chicago, and Chicago welcomed her."])[0]
    made = mask_ent(doc, GAP, " Boston.")

    assert made
    assert made.text == "Last year the mayor moved to Boston, and Boston welcomed her."
    assert [made.text[span["start"] : span["end"]] for span in made.spans] == ["Boston", "Boston"]


@pytest.mark.parametrize(("said", "holds"), [(" Boston,", True), (" Barack Obama,", False), (" Friday,", False)])
def test_the_fill_must_be_of_the_label_that_stood_there(said: str, holds: bool, parser: Parser) -> None:
    doc = parser.parse([TEXT])[0]
    made = mask_ent(doc, GAP, said)

    assert made
    assert ent_holds(doc, GAP, made, parser.parse([made.text])[0]) == holds


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Obama", "Barack Obama", True),
        ("Canada", "Canadian", True),
        ("U.S.", "America", True),
        ("BBC", "British Broadcasting Corporation", True),
        ("Hilary", "Hillary", True),
        ("Republicans", "GOP", True),
        ("Boston", "Chicago", False),
        ("Iran", "Iraq", False),
    ],
)
def test_names_that_may_mean_the_same(one: str, other: str, same: bool) -> None:
    assert same_name(one, other) == same_name(other, one) == same
