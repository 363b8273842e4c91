"""The text written anew from a place on, and what a model says to a context: cut where a sentence ends."""

import pytest

from pairgen.models import Parser
from pairgen.negatives.change import Gap
from pairgen.negatives.regen import ent_tails, regen, rel_tails, sentences, tail_holds
from pairgen.negatives.sys_lowcon import context_gap, sys_lowcon

TEXT = "Last year the old mayor praised Chicago because of its lake."


def test_a_gap_goes_to_the_end_where_that_is_near(parser: Parser) -> None:
    near, far, nothing = parser.parse([TEXT, TEXT + " It is as blue as it is cold." * 4, ""])

    assert ent_tails(near, nothing, seed="s") == [Gap("Last year the old mayor praised", 32, len(TEXT))]
    assert rel_tails(near, nothing, seed="s") == [Gap("Last year the old mayor", 24, len(TEXT))]
    assert ent_tails(far, nothing, seed="s") == rel_tails(far, nothing, seed="s") == []


@pytest.mark.parametrize(
    "said", [", and it was fine.", "ly the great big town.", "'s big old town.", "\n\nThe town was fine."]
)
def test_what_goes_on_with_the_last_word_or_a_mark_is_none(said: str, parser: Parser) -> None:
    (doc,) = parser.parse([TEXT])
    gap = Gap("Last year the old mayor praised", 32, len(TEXT))

    assert regen(doc, gap, " the town, of which he was fond.") is not None
    assert regen(doc, gap, said) is None


@pytest.mark.parametrize(
    ("said", "length", "kept"),
    [
        (" the town. He left. And so", 15, "the town. He left."),
        (" the town. He left. And so", 10, "the town."),
        (" the town. He left.", 60, None),  # far too short
        (" the town, and so on and on", 20, None),  # no end
        (" the town,\nand so on.", 20, None),
        (" by www.town.org alone.", 20, None),
        (" he said he said he said it all.", 30, None),
        (" Mr. Miller in June", 4, None),
        (" Mrs. Miller in June", 4, None),  # of "Mr." nobody knows where it ends
        (" who said so?", 12, "who said so?"),
        ("", 5, None),
    ],
)
def test_whole_sentences_of_about_the_old_length(said: str, length: int, kept: str | None) -> None:
    assert sentences(said, length) == kept


def test_the_new_end_begins_with_another_word_and_is_one_span(parser: Parser) -> None:
    doc = parser.parse([TEXT])[0]
    asked = Gap("Last year the old mayor praised", 32, len(TEXT))

    made = regen(doc, asked, " Boston for all its parks. And")

    assert made
    assert made.text == "Last year the old mayor praised Boston for all its parks."
    assert made.spans == [{"start": 32, "end": len(made.text)}]
    assert tail_holds(doc, asked, made, parser.parse([made.text])[0])
    assert regen(doc, asked, " Chicago for all its parks. And") is None


def test_the_entity_does_not_come_back(parser: Parser) -> None:
    doc = parser.parse([TEXT])[0]
    asked = Gap("Last year the old mayor praised", 32, len(TEXT))
    made = regen(doc, asked, " Boston and also Chicago.")

    assert made
    assert not tail_holds(doc, asked, made, parser.parse([made.text])[0])


def test_what_a_model_says_to_a_context(parser: Parser) -> None:
    doc, context, short = parser.parse(["The lake is cold in May.", "How is the lake up there?", "How is it?"])

    asked = context_gap(doc, context, seed="s")

    assert asked == [Gap("How is the lake up there?\n", 0, 24)]
    assert context_gap(doc, short, seed="s") == []
    made = sys_lowcon(doc, asked[0], "\nIt is green and warm. And")
    assert made
    assert (made.text, made.spans) == ("It is green and warm.", [{"start": 0, "end": 21}])
    assert sys_lowcon(doc, asked[0], " how is the lake up there?") is None
    lower = parser.parse(["the lake is cold in may."])[0]
    assert (sys_lowcon(lower, asked[0], "\nIt is green and warm. And") or made).text == "it is green and warm."
