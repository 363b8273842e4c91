"""A verb masked and filled: which can be, and which fill says something else in the same form."""

import pytest

from pairgen.models import Parser
from pairgen.negatives.change import Gap
from pairgen.negatives.mask_rel import mask_rel, rel_gaps, rel_holds

TEXT = "Yesterday the old mayor praised Anna in the hall."


@pytest.mark.parametrize(
    ("text", "verbs"),
    [
        (TEXT, ["praised"]),
        ("In the end they all voted for Obama.", ["voted"]),
        ("In the end they all gave up Chicago.", []),  # more than one word
        ("In the end it was all Obama.", []),
        ("In the end they praised the cook.", []),  # heads no entity
        ("They praised Anna.", []),  # nothing leads to it
        ("", []),
    ],
)
def test_a_gap_is_a_verb_that_heads_an_entity(text: str, verbs: list[str], parser: Parser) -> None:
    doc, nothing = parser.parse([text, ""])

    found = rel_gaps(doc, nothing, seed="s")

    assert [text[gap.start : gap.end] for gap in found] == verbs
    assert all(text.startswith(f"{gap.prompt} ") for gap in found)


@pytest.mark.parametrize(
    ("said", "word", "holds"),
    [
        (" insulted the", "insulted", True),
        (" insults the", "insults", False),  # another form
        (" praises the", "praises", False),
        (" was", None, False),
        (" Anna was", None, False),
        (" praised her", None, False),
        (" will call", "will", False),
        (" had left", "had", False),
    ],
)
def test_the_fill_is_another_verb_of_the_same_form(said: str, word: str | None, holds: bool, parser: Parser) -> None:
    doc = parser.parse([TEXT])[0]
    asked = Gap("Yesterday the old mayor", 24, 31)

    made = mask_rel(doc, asked, said)

    assert (made and made.text) == (word and TEXT.replace("praised", word))
    if made:
        assert made.spans == [{"start": 24, "end": 24 + len(word or "")}]
        assert rel_holds(doc, asked, made, parser.parse([made.text])[0]) == holds


@pytest.mark.parametrize(("said", "holds"), [("insulted", True), ("said", False), ("greeted", False)])
def test_no_fill_is_empty_or_said_already(said: str, holds: bool, parser: Parser) -> None:
    text = "They had greeted and then praised Anna."
    before = text.partition(" praised")[0]
    doc = parser.parse([text])[0]

    made = mask_rel(doc, Gap(before, len(before) + 1, len(before) + 8), f" {said} the")

    assert made
    assert rel_holds(doc, Gap(before, len(before) + 1, len(before) + 8), made, parser.parse([made.text])[0]) == holds


def test_a_verb_that_tells_the_same_is_no_negative(parser: Parser) -> None:
    doc = parser.parse(["In the end they endorsed Obama."])[0]
    asked = Gap("In the end they", 16, 24)
    supported, mocked = mask_rel(doc, asked, " supported him"), mask_rel(doc, asked, " mocked him")

    assert supported
    assert mocked
    assert not rel_holds(doc, asked, supported, parser.parse([supported.text])[0])
    assert rel_holds(doc, asked, mocked, parser.parse([mocked.text])[0])
