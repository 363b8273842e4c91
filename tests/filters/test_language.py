"""The positive is in the language and the script of its parent."""

import pytest

from filters.base import apply_filters
from filters.language import Language
from pairgen.language import languages, probabilities, script
from pairgen.schema import PAIRS, empty
from tests.pairgen.samples import Fakes, pair, pairs

PARENT = "Only an idiot would close the library at noon."


@pytest.mark.parametrize(
    ("positive", "parent", "kept"),
    [
        ("Only somebody unwise would close the library at noon.", PARENT, True),
        ("Nur ein Narr würde die Bücherei am Mittag schließen.", PARENT, False),
        ("Solo un tonto cerraría la biblioteca.", PARENT, False),
        ("Библиотека закрыта.", PARENT, False),
        ("图书馆关门了。", PARENT, False),
        ("Die Bücherei ist am Mittag geschlossen.", "Die Idioten schließen die Bücherei am Mittag.", True),
        ("...", PARENT, False),
        ("!!", "!!!", True),
        ("", "", True),
    ],
)
def test_other_languages_and_scripts_are_dropped(positive: str, parent: str, kept: bool) -> None:
    outcome = apply_filters(pairs(pair(positive, parent=parent)), [Language()], Fakes())

    assert (outcome.kept.height, outcome.dropped.height) == (kept, not kept)


def test_both_sides_of_the_limit() -> None:
    table = pairs(pair("It opens at nine, and closes at five.", PARENT))
    score = Language().score(table, Fakes())[0]

    assert 0 < score < 1
    assert apply_filters(table, [Language(min_score=score)], Fakes()).kept.height == 1
    assert apply_filters(table, [Language(min_score=min(1, score + 1e-9))], Fakes()).kept.height == 0


def test_no_pairs() -> None:
    assert apply_filters(empty(PAIRS), [Language()], Fakes()).kept.height == 0


def test_what_a_text_is_in() -> None:
    assert {"en", "de", "fr"} <= set(languages())
    assert sum(probabilities(PARENT).values()) == pytest.approx(1, abs=1e-3)
    assert [script(text) for text in (PARENT, "Привет, bus", "漢字", "9!")] == ["LATIN", "CYRILLIC", "CJK", None]
