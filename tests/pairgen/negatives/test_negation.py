"""One clause negated, or no longer: the right auxiliary and verb form, in the text's own spelling."""

import pytest

from pairgen.corpus import SourceSettings, read_source
from pairgen.digests import digest
from pairgen.extraction import negations
from pairgen.models import Parser
from pairgen.negatives.negation import negation

SEEDS = [digest(str(number)) for number in range(400)]


def negated(text: str, parser: Parser) -> set[str]:
    """All that `text` becomes, whatever the draw."""
    doc, nothing = parser.parse([text, ""])
    found = [negation(doc, nothing, seed=seed) for seed in SEEDS]
    return {negative.text for negative in found if negative is not None}


@pytest.mark.parametrize(
    ("text", "negatives"),
    [
        ("They did not pay the bill.", {"They paid the bill."}),
        ("He did n't pay the bill .", {"He paid the bill ."}),
        ("The train does not stop here.", {"The train stops here."}),
        ("They dont want it.", {"They want it."}),
        ("We don’t agree.", {"We agree."}),
        ("The library isnt open.", {"The library is open."}),
        ("im not happy", {"im happy"}),
        ("He's not tall.", {"He's tall."}),
        ("She cannot swim.", {"She can swim."}),
        ("They can't read.", {"They can read."}),
        ("He won't go.", {"He will go."}),
        ("He went home and he never came back.", {"He went home and he came back."}),
        ("She has never been to Lyon.", {"She has been to Lyon."}),
        ("Never touch the stove.", {"Touch the stove."}),
        ("Don't touch it.", {"Touch it."}),
        ("Don't be late.", {"Be late."}),
        ("Nobody came.", {"Somebody came."}),
        ("No one knows.", {"Someone knows."}),
        ("There are no buses.", {"There are buses."}),
        ("No shops were open on Sunday.", {"Shops were open on Sunday."}),
        ("I do not have any money.", {"I have some money."}),
        ("He doesn't really know it.", {"He really knows it."}),
        ("They said he did not pay.", {"They said he paid."}),
        ("IT IS NOT OPEN.", {"IT IS OPEN."}),
    ],
)
def test_taken_out(text: str, negatives: set[str], parser: Parser) -> None:
    assert negated(text, parser) == negatives


@pytest.mark.parametrize(
    ("text", "negatives"),
    [
        ("It is open.", {"It is not open."}),
        ("The shop was open.", {"The shop was not open.", "The shop wasn't open."}),
        ("The shop was open and it's cheap.", {"The shop wasn't open and it's cheap."}),
        ("the shop was open and it 's cheap .", {"the shop was n't open and it 's cheap ."}),
        ("The library works well.", {"The library does not work well.", "The library doesn't work well."}),
        ("The parks close at six.", {"The parks do not close at six.", "The parks don't close at six."}),
        (
            "She went to Leeds.",
            {"She did not go to Leeds.", "She didn't go to Leeds.", "She never went to Leeds."},
        ),
        ("He has gone home.", {"He has not gone home.", "He hasn't gone home."}),
        ("She can swim.", {"She cannot swim.", "She can't swim."}),
        ("I'm tired.", {"I'm not tired."}),
        ("I've gone there.", {"I haven't gone there."}),
        ("We'll meet tomorrow.", {"We won't meet tomorrow."}),
        ("She may come.", {"She may not come."}),
        ("It is probably closed.", {"It is probably not closed."}),
        ("They are always late.", {"They are not always late."}),
        ("It is late and the mayor always comes.", {"It is not late and the mayor always comes."}),
        ("There is a bus at nine.", {"There is no bus at nine."}),
        ("There are two buses.", {"There are not two buses."}),
        ("Open the door, please.", {"Do not open the door, please.", "Don't open the door, please."}),
        ("HE WENT HOME.", {"HE DID NOT GO HOME.", "HE DIDN'T GO HOME.", "HE NEVER WENT HOME."}),
    ],
)
def test_put_in(text: str, negatives: set[str], parser: Parser) -> None:
    assert negated(text, parser) == negatives


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Is it open?",
        "What a day!",
        "Idiots, all of them",
        "He had better leave.",
        "You gotta go",
        "Thank you for the help.",
        "It hardly matters.",
        "It is not only cheap.",
        "They do not sell it anymore.",
        "I don't know nothing.",
        "Why did nobody tell me?",
        "Some of the seats were wet.",
        "Everyone enjoyed the concert.",
    ],
)
def test_left_as_it_is(text: str, parser: Parser) -> None:
    assert negated(text, parser) == set()


def test_the_spans_are_what_was_put_in_and_never_empty(parser: Parser) -> None:
    doc, nothing = parser.parse(["Sadly they did not sell any bread.", ""])
    negative = negation(doc, nothing, seed="s")

    assert negative is not None
    assert negative.text == "Sadly they sold some bread."
    assert [negative.text[span["start"] : span["end"]] for span in negative.spans] == ["sold", "some"]


def test_as_many_negations_go_as_come(parser: Parser) -> None:
    texts = read_source("package:demo", SourceSettings())[0]["text"].to_list()
    made = [(text, negation(doc, doc, seed=digest(text))) for text, doc in zip(texts, parser.parse(texts), strict=True)]
    fewer = [len(negations(negative.text)) < len(negations(text)) for text, negative in made if negative]

    assert len(fewer) > 100
    assert 0.35 < sum(fewer) / len(fewer) < 0.65
