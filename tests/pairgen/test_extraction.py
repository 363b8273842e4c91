"""Numbers and negations by their form, and named entities as spaCy sees them, trimmed."""

import pytest

from pairgen.extraction import entities, negations, numbers, role_fillers, roles
from pairgen.models import Parser


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("pay $4,200.50 by 3pm", ["$4,200.50", "3pm"]),
        ("up 12 % or 3%, £5 and €7m", ["12 %", "3%", "£5", "€7m"]),
        ("on 3/4/2021 at 10:30", ["3/4/2021", "10:30"]),
        ("the 21st of the 1990s", ["21st", "1990s"]),
        ("Two damn idiots, twenty-five words, one fool", ["Two", "twenty", "five"]),
        ("f4ce b2b sh1t v2 4ever", []),
        ("It costs 5.", ["5"]),
        ("10km in 50min, 3x as far as 4kg", ["10km", "50min", "3x", "4kg"]),
        ("see you 2day, 4ever", []),
        ("someone often attend", []),
        ("", []),
    ],
)
def test_numbers(text: str, found: list[str]) -> None:
    mentions = numbers(text)

    assert [mention.text for mention in mentions] == found
    assert [text[mention.start : mention.end] for mention in mentions] == found
    assert {mention.label for mention in mentions} <= {"NUMBER"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "Emily Thornton met the mayor in Chicago on Monday.",
            {("Emily Thornton", "PERSON"), ("Chicago", "GPE"), ("Monday", "DATE")},
        ),
        ("We read The Guardian's report in March.", {("Guardian", "ORG"), ("March", "DATE")}),
        ("They may march on 12 May 2021.", {("May", "DATE")}),
        ("May I come in May or by May 3?", {("May", "DATE")}),
        ("damn it, what an idiot", set()),
        ("", set()),
    ],
)
def test_entities(text: str, found: set[tuple[str, str]], parser: Parser) -> None:
    mentions = entities(parser.parse([text])[0])

    assert {(mention.text, mention.label) for mention in mentions} == found
    assert [text[mention.start : mention.end] for mention in mentions] == [mention.text for mention in mentions]
    assert [mention.start for mention in mentions] == sorted(mention.start for mention in mentions)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It did not rain, it never does.", ["not", "never"]),
        ("I can't, he cannot, they won’t, we did n't", ["n't", "cannot", "n’t", "n't"]),
        ("she isnt and they dont", ["isnt", "dont"]),
        ("NOBODY said NOT", ["NOBODY", "NOT"]),
        ("Nothing, none, nowhere, neither, nor, no", ["Nothing", "none", "nowhere", "neither", "nor", "no"]),
        ("a knot, a note, another, known, wonton, cant, won", ["cant"]),
        ("", []),
    ],
)
def test_negations(text: str, found: list[str]) -> None:
    mentions = negations(text)

    assert [mention.text for mention in mentions] == found
    assert [text[mention.start : mention.end] for mention in mentions] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Anna thanked the clerk.", [("thank", "Anna", "clerk", False)]),
        ("The dog was bitten by the cat.", [("bite", "cat", "dog", True)]),
        ("He was bitten. She slept.", []),
        ("", []),
    ],
)
def test_roles(text: str, found: list[tuple[str, str, str, bool]], parser: Parser) -> None:
    known = [
        (each.verb.lemma_, each.agent.text, each.patient.text, each.passive) for each in roles(parser.parse([text])[0])
    ]

    assert known == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Anna and Boris thanked the clerk.", [("thank", ["Anna", "Boris"], ["clerk"])]),
        ("The dog was bitten by the cat.", [("bite", ["cat"], ["dog"])]),
        ("He was bitten. She slept.", [("bite", [], ["He"]), ("sleep", ["She"], [])]),
        ("They know the man who fed the hens.", [("know", ["They"], ["man"]), ("feed", [], ["hens"])]),
        ("She is a clerk.", []),
        ("", []),
    ],
)
def test_role_fillers(text: str, found: list[tuple[str, list[str], list[str]]], parser: Parser) -> None:
    known = [
        (each.verb.lemma_, [token.text for token in each.agents], [token.text for token in each.patients])
        for each in role_fillers(parser.parse([text])[0])
    ]

    assert known == found
