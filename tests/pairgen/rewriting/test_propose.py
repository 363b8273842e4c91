"""Candidates: neutral forms for the part of speech, deletions with what stands only for the word."""

import pytest

from pairgen.models import Parser
from pairgen.rewriting.locate import Carrier, lexicon_carriers
from pairgen.rewriting.propose import Candidate, propose


def candidates(text: str, parser: Parser) -> list[Candidate]:
    return propose(parser.parse([text])[0], lexicon_carriers(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What a stupid idea.", "What an unwise idea."),
        ("The idiots closed the library.", "The unwise people closed the library."),
        ("THAT IS A STUPID IDEA, CLOSE IT.", "THAT IS A POOR IDEA, CLOSE IT."),
        ("Damn it, the library is closed.", "The library is closed."),
        ("Idiots run the place.", "Unwise people run the place."),
        (
            "He is in the same category of idiot as his father.",
            "He is in the same category of unwise person as his father.",
        ),
        ("He is so idiot about it.", "He is so unwise about it."),
        ("That would be a stupid phone.", "That would be a poor phone."),
        ("He is a stupid man.", "He is an unwise man."),
        ("It was a shit report.", "It was a bad report."),
        ("My ass is on the internet.", "I am on the internet."),
        ("I told him that your ass was late.", "I told him that you were late."),
        ("We want her lazy ass back here.", "We want her back here."),
        ("Now get off your fat ass.", "Now get up."),
        ("Those gloves suck.", "Those gloves are bad."),
        ("i suck at maths", "i am bad at maths"),
        ("It may suck to be late.", "It may be bad to be late."),
        ("Fuck, that is the last straw.", "That is the last straw."),
        ("Wait, I fucked it up.", "Wait, I messed it up."),
        ("He did not do shit.", "He did not do anything."),
        ("People are tired of Miller's shit.", "People are tired of Miller's stuff."),
        ("They were gung ho about it.", "They were eager about it."),
        ("That tax is a cancer.", "That tax is a serious problem."),
        ("Let them suck, who cares.", "Let them be bad, who cares."),
        ("They can kiss Miller's ass.", "They can kiss Miller."),
        ("Nobody this stupid would buy a boat.", "Nobody this unwise would buy a boat."),
        ("Fuck letting them near the harbour.", "Forget letting them near the harbour."),
        ("lol shit i would do that", "lol oh man i would do that"),
        ("He just fuckin ' left", "He just left"),
        ("Whose business is it? Dumb bitch.", "Whose business is it?"),
        ("u old tramp, go home", "go home"),
    ],
)
def test_among_the_candidates(text: str, expected: str, parser: Parser) -> None:
    assert expected in [candidate.text for candidate in candidates(text, parser)]


@pytest.mark.parametrize(
    "text",
    [
        "What a stupid idea, you damn idiot.",
        "You stupid idiot, that crappy old library is a damn mess!",
        "damn",
        "idiot!!",
    ],
)
def test_candidates_are_new_sound_and_few(text: str, parser: Parser) -> None:
    found = candidates(text, parser)

    texts = [candidate.text for candidate in found]
    assert len(texts) == len(set(texts)) <= 24
    assert text not in texts
    assert "" not in texts
    assert {candidate.strategy for candidate in found} <= {"delete", "substitute", "mixed"}
    assert found == candidates(text, parser)


def test_only_what_carries_is_touched(parser: Parser) -> None:
    for candidate in candidates("My cousin’s 14 hens – all of them – saw that stupid fox.", parser):
        assert candidate.text.startswith("My cousin’s 14 hens – all of them – saw ")
        assert candidate.text.endswith("fox.")


def test_strategies(parser: Parser) -> None:
    by_strategy = {
        candidate.strategy: candidate.text for candidate in candidates("That stupid fox bit a damn hen.", parser)[::-1]
    }

    assert set(by_strategy) == {"delete", "substitute", "mixed"}
    assert by_strategy["delete"] == "That fox bit a hen."


def test_an_unknown_word_that_cannot_go_stays_and_the_rest_is_rewritten(parser: Parser) -> None:
    (doc,) = parser.parse(["My gorfle thinks this stupid plan works."])
    unknown, known = Carrier(3, 9, ()), lexicon_carriers(doc.text)

    assert "My gorfle thinks this unwise plan works." in [found.text for found in propose(doc, [unknown, *known])]
    assert propose(doc, [unknown]) == []


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("When the fuck did they leave?", "Did they leave?"),  # the question word goes with it
        ("This cold is fucking annoying.", "This cold is messing with annoying."),
        ("Delete the fucking pictures now.", "Delete the ruining pictures now."),
    ],
)
def test_what_is_never_offered(text: str, never: str, parser: Parser) -> None:
    found = [candidate.text for candidate in candidates(text, parser)]

    assert found
    assert never not in found


def test_an_article_and_a_person_tell_nothing(parser: Parser) -> None:
    weights = {found.text: found.weight for found in candidates("We got an idiot at the top.", parser)}

    assert weights["We got an unwise person at the top."] > 2 * weights["We got a person at the top."]


def test_what_the_reader_is_called_is_no_verb(parser: Parser) -> None:
    found = [candidate.text for candidate in candidates("you never follow me back you bitch .", parser)]

    assert found[0] == "you never follow me back ."
    assert not [text for text in found if "complain" in text]


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("I would love to fucking tweet again.", "I would love to tweet again."),
        ("That is only f*cking Jason.", "That is only Jason."),
        ("I am so fucking nervous.", "I am so nervous."),
    ],
)
def test_an_intensifier_may_go_whatever_stands_before_it(text: str, without: str, parser: Parser) -> None:
    assert without in [candidate.text for candidate in candidates(text, parser)]


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("The council never listens and I hate you idiots.", "hate."),
        ("I told you morons to stop it.", "I told to"),
        ("Close the door, stupid idiot.", "unwise."),
        ("This is some serious shit.", "serious."),
        ("They are idiots.", "They are."),
        ("The mayor is an idiot.", "unwise."),
        ("Morons told him so.", "Told him"),
    ],
)
def test_no_candidate_leaves_a_hole(text: str, never: str, parser: Parser) -> None:
    found = [candidate.text for candidate in candidates(text, parser)]

    assert found
    assert not [candidate for candidate in found if candidate.endswith(never) or never in candidate]


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("He is a stupid man.", "poor"),  # what only a thing can be
        ("Its socialist bullshit.", "a lie"),  # an article behind an adjective
        ("Its socialist bullshit.", "no way"),  # an exclamation there
        ("Enough of your troll.", "provoke."),  # a verb behind a possessive
        ("Get me the fuck out.", "on earth"),  # what only stands behind a question word
        ("She is such a lying scumbag.", "a lying."),  # what an adjective waits for
        ("She is such a lying scumbag.", "things"),  # several words before a noun
    ],
)
def test_a_form_that_its_place_does_not_bear_is_none(text: str, never: str, parser: Parser) -> None:
    found = [candidate.text for candidate in candidates(text, parser)]

    assert found
    assert not any(never in candidate for candidate in found)


def test_an_unknown_word_goes_only_where_the_sentence_stands_without_it(parser: Parser) -> None:
    text = "He wanted more than blurb and a glurbish lunch."
    needed, loose = (Carrier(text.index(word), text.index(word) + len(word), ()) for word in ("blurb", "glurbish"))

    (doc,) = parser.parse([text])

    assert propose(doc, [needed]) == []
    assert [each.text for each in propose(doc, [loose])] == ["He wanted more than blurb and a lunch."]


def test_what_is_protected_stays(parser: Parser) -> None:
    for candidate in candidates("Damn, https://example.com/a is down again.", parser):
        assert "https://example.com/a" in candidate.text


def test_an_intensifier_behind_becomes_one_before(parser: Parser) -> None:
    assert "The soup is so cold." in [found.text for found in candidates("The soup is cold as hell.", parser)]


def test_nothing_to_do(parser: Parser) -> None:
    assert [candidate.text for candidate in propose(parser.parse(["It opens."])[0], [])] == []
