"""Toxic words are covered where people read, and nothing else is."""

import pytest

from pairgen.masking import mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("You idiot, it opens at nine.", "You i●●●t, it opens at nine."),
        ("DAMN!", "D●●N!"),
        ("What an id10t, a st*pid idiooooot", "What an i●●●t, a s●●●●● ●●●●●●●●t"),
        ("it opens at nine", "it opens at nine"),
        ("", ""),
    ],
)
def test_words_of_the_lexicon_are_covered(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert len(mask(text)) == len(text)


def test_further_spans_are_covered_but_for_white_space() -> None:
    assert mask("such a nasty old toad", [(7, 16), (17, 21)]) == "such a n●●●● ●●d t●●d"
    assert mask("an old ox", [(7, 9)]) == "an old ●●"
    assert mask("an old fox", [(7, 10)]) == "an old ●●●"


def test_an_article_or_a_pronoun_that_changed_is_not_covered() -> None:
    assert mask("You nasty toad", [(0, 3), (4, 9), (10, 14)]) == "You n●●●y t●●d"
    assert mask("a toad", [(0, 6)]) == "a ●●●d"


def test_masking_what_is_masked_changes_nothing() -> None:
    text = "You damn idiot, s t u p i d as ever."

    assert mask(mask(text)) == mask(text) != text


def test_plain_expressions_are_covered_where_it_is_asked() -> None:
    assert mask("a puppet, an idiot") == "a puppet, an i●●●t"
    assert mask("a puppet, an idiot", plain=True) == "a p●●●●t, an i●●●t"
