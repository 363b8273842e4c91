"""Identity terms are found as words of their own, and taken out for a neutral word of the same number."""

import pytest

from pairgen.identity import identity_terms, mention_spans, mentions, neutralise


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I am a gay man.", ["gay man"]),  # the longest term
        ("GAY people, Gays and lesbians", ["gay people", "gays", "lesbians"]),
        ("Gaylord plays the straightforward part", []),
        ("no one", []),
        ("", []),
    ],
)
def test_mentions(text: str, found: list[str]) -> None:
    assert mentions(text) == found
    assert [text[start:end].casefold() for start, end in mention_spans(text)] == found


def test_a_neutral_word_takes_the_place() -> None:
    assert neutralise("I am a gay man, you idiot.") == "I am a local person, you idiot."
    assert neutralise("Two GAYS and a Lesbian") == "Two locals and a local"
    assert neutralise("damn it") == "damn it"


def test_no_neutral_word_is_an_identity_term_and_all_terms_have_one() -> None:
    terms = identity_terms()

    assert len(terms) > 100
    assert all(neutral and group for neutral, group in terms.values())
    assert {term: mentions(neutral) for term, (neutral, _) in terms.items() if mentions(neutral)} == {}
    assert all(mentions(term) == [term] for term in terms)
