"""Agent and patient exchanged: pronouns in their case, the verb in agreement, the capital where it was."""

import pytest

from pairgen.digests import digest
from pairgen.models import Parser
from pairgen.negatives.swap_roles import swap_roles


@pytest.mark.parametrize(
    ("text", "negative"),
    [
        ("Anna thanked Boris for the help.", "Boris thanked Anna for the help."),
        ("The dog was bitten by the cat.", "The cat was bitten by the dog."),
        ("The teachers were praised by the mayor.", "The mayor was praised by the teachers."),
        ("I love you.", "You love me."),
        ("He loves me.", "I love him."),
        ("i love him", "he loves me"),
        ("She is following us.", "We are following her."),
        ("I'm watching you.", "You're watching me."),
        ("Does he love me?", "Do I love him?"),
        ("She doesn't trust the police.", "The police don't trust her."),
        ("The manager of the shop called her brother.", "Her brother called the manager of the shop."),
        ("Google sued Apple in May.", "Apple sued Google in May."),
        ("France invaded Russia.", "Russia invaded France."),
        ("The storm caused the flood.", "The flood caused the storm."),
        ("Yesterday the nurse helped the old man.", "Yesterday the old man helped the nurse."),
        ("the clerk paid the farmer .", "the farmer paid the clerk ."),
        ("The students respect their teacher.", "Their teacher respects the students."),
        ("I told you that it was shut.", "You told me that it was shut."),
        ("I am blaming you for it.", "You are blaming me for it."),
        ("You have ignored me.", "I have ignored you."),
        ("Why don't you tell us?", "Why don't we tell you?"),
    ],
)
def test_exchanged(text: str, negative: str, parser: Parser) -> None:
    doc, nothing = parser.parse([text, ""])
    every = [made for draw in range(40) if (made := swap_roles(doc, nothing, seed=digest(str(draw))))]  # "I" is rare

    (made,) = {negative.text: negative for negative in every}.values()
    assert made.text == negative
    assert all(span["start"] < span["end"] for span in made.spans)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "What a day!",
        "I ate an apple.",
        "Anna visited Paris.",
        "We met Anna.",
        "She hurt herself.",
        "The driver who was late hit the cyclist.",
        "The mayor and the clerk thanked the baker.",
        "It surprised me.",
        "They help each other.",
        "The dog was bitten.",
        "The women'll help the men.",
        "I love Anna and am here.",
        "You push him backwards and take his picture.",  # "he pushes you backwards and take"
        "They criticize me calling him a liar.",  # no finite verb: "him calling I a liar"
        "Why does she not ask her mom, Anna?",
        "You love me, don't you?",
        "I blame you myself.",
        "Flake thanked the mayor.",  # for the tagger no name: "the mayor thanked flake"
    ],
)
def test_left_as_it_is(text: str, parser: Parser) -> None:
    doc, nothing = parser.parse([text, ""])

    assert not any(swap_roles(doc, nothing, seed=digest(str(draw))) for draw in range(20))


def test_which_verb_is_drawn_from_the_seed(parser: Parser) -> None:
    doc, nothing = parser.parse(["Anna thanked Boris. Clara called David.", ""])
    made = {found.text for seed in range(20) if (found := swap_roles(doc, nothing, seed=str(seed)))}

    assert made == {"Boris thanked Anna. Clara called David.", "Anna thanked Boris. David called Clara."}
