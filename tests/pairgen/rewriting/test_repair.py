"""A sentence is mended around an edit, and its writer's own way stays."""

import pytest

from pairgen.rewriting.repair import broken, repair

LIKE = "You damn idiot, it opens at nine."


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("It  opens   at nine.", "It opens at nine."),
        ("It opens , at nine .", "It opens, at nine."),
        ("It opens,, at nine.", "It opens, at nine."),
        ("It opens, at nine,.", "It opens, at nine."),
        (", it opens at nine.", "It opens at nine."),
        ("It opens. , at nine.", "It opens. At nine."),
        ("It opens at nine. ( )", "It opens at nine."),
        ("It opens at the the nine.", "It opens at the nine."),
        ("It is a the library.", "It is the library."),
        ("It opens at nine and.", "It opens at nine."),
        ("It is an library.", "It is a library."),
        ("A idea.", "An idea."),
        ("It opens at nine ,", "It opens at nine"),
        ("It is a hour, an uniform.", "It is an hour, a uniform."),
        ("it opens at nine.", "It opens at nine."),
        ("It opens. at nine.", "It opens. At nine."),
        (LIKE, LIKE),
        ("", ""),
    ],
)
def test_mended(text: str, mended: str) -> None:
    assert repair(text, like=LIKE) == mended
    assert repair(mended, like=LIKE) == mended


@pytest.mark.parametrize(
    "text", ["you  idiot , ok ?", "damn. it opens. really", "a idea, a idea", "and and so on,, damn", "well... no"]
)
def test_the_writers_own_way_stays(text: str) -> None:
    assert repair(text, like=text) == text


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ("You are a.", True),
        ("You're, it opens.", True),
        ("He is the, and so on", True),
        ("You are a friend.", False),
        ("", False),
    ],
)
def test_broken(text: str, gap: bool) -> None:
    assert broken(text, like=LIKE) == gap
    assert not broken(text, like=text)
