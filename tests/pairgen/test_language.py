"""Which language a text is in: one rule for what is read and for what is rewritten."""

import pytest

from pairgen.language import is_in


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("The shop on the corner is closed again.", True),
        ("YOU ARE WRONG ABOUT THE PARKING", True),
        ("lol ok", True),
        ("crème brûlée", True),  # too short to tell
        ("Il ne faut jamais garer sa voiture ici.", False),
        ("Das ist doch Mist.", False),  # too short to tell but for its "ist"
        ("Ela é chata.", False),
        ("Arrête donc tes bêtises.", False),
        ("Das Auto, que sera, pas de deux: they sang it all and went home.", True),
        ("Du-du-du, der Bus is late", True),
        *(
            (text, True)
            for text in ("das racist", "cardi b da goat", "lmao das crazy", "pour one out", "um no", "il brb")
        ),
        ("Это очень плохой магазин.", False),
        ("See https://beispiel.de/wir-haben-immer-ein-rad-ab", True),  # a link is in no language
        ("https://a.org/b", True),
    ],
)
def test_english(text: str, english: bool) -> None:
    assert is_in(text, "en") is english


def test_another_language() -> None:
    assert is_in("Il ne faut jamais garer sa voiture ici.", "fr")
    assert not is_in("The shop on the corner is closed again.", "fr")
