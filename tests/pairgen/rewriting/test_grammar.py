"""What the parse says of a span: of whom the name of an animal is said, and who is called something."""

import pytest

from pairgen.models import Parser
from pairgen.rewriting.grammar import is_vocative, told_of_somebody


@pytest.mark.parametrize(
    ("text", "animal", "told"),
    [
        ("He is a pig.", "pig", True),
        ("The mayor is a snake.", "snake", True),
        ("He is a clown and a pig.", "pig", True),
        ("You pig, leave it.", "pig", True),
        ("What a pig!", "pig", True),
        ("She eats like a pig.", "pig", True),
        ("Those stupid pigs took it.", "pigs", True),
        ("It is a pig.", "pig", False),
        ("A rat ran across the kitchen floor.", "rat", False),
        ("My dog is adorable.", "dog", False),
        ("We feed the pigs at noon.", "pigs", False),
        ("It looks like a rat.", "rat", False),
    ],
)
def test_of_whom_the_name_of_an_animal_is_said(text: str, animal: str, told: bool, parser: Parser) -> None:
    (doc,) = parser.parse([text])
    start = text.index(animal)

    assert told_of_somebody(doc.char_span(start, start + len(animal))) is told


@pytest.mark.parametrize(
    ("text", "name", "called"),
    [
        ("Not once did he say so, idiot!", "idiot", True),
        ("i say what i like idiot .", "idiot", True),
        ("let me play it here , moron", "moron", True),
        ("He is an idiot.", "idiot", False),
        ("He told the idiot.", "idiot", False),
        ("He works for idiots.", "idiots", False),
    ],
)
def test_who_is_called_something(text: str, name: str, called: bool, parser: Parser) -> None:
    (doc,) = parser.parse([text])
    start = text.index(name)

    assert is_vocative(doc.char_span(start, start + len(name))) is called
