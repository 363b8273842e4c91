"""Ids that are the same everywhere, and draws that depend on nothing but a digest."""

import subprocess
import sys

import pytest

from pairgen.digests import digest, fraction, normalise, pick


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Damn  it,\n\tIDIOT ", "damn it, idiot"),  # white space and case
        ("Straße", "STRASSE"),
        ("e\u0301clair", "\u00e9clair"),  # composed and decomposed
        ("ﬁne \uff11\uff10", "fine 10"),  # compatibility forms
        ("a\u00a0b", "a b"),
    ],
)
def test_texts_that_are_the_same(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


def test_punctuation_and_accents_tell_texts_apart() -> None:
    assert len({normalise(text) for text in ("damn", "damn!", "dämn", "da mn")}) == 4


def test_a_digest_keeps_its_parts_apart() -> None:
    assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest("abc", ""), digest("c", "ab")}) == 5
    assert len(digest()) == 32
    assert digest("\ud800") != digest("\ud801")  # half a surrogate pair is no reason to fail


def test_digests_are_the_same_on_every_machine_and_in_every_process() -> None:
    code = "from pairgen.digests import *; print(digest('damn', 'it'), fraction('a'), pick('xyz', 'b'))"

    printed = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }

    assert printed == {f"{digest('damn', 'it')} {fraction('a')} {pick('xyz', 'b')}\n"}
    assert digest("damn", "it") == "fa4578114806bf8216d6811e555f6b71"


def test_draws_are_even_and_lie_in_the_unit_interval() -> None:
    drawn = [fraction("draw", str(number)) for number in range(4_000)]

    assert min(drawn) >= 0
    assert max(drawn) < 1
    shares = [sum(low / 8 <= draw < (low + 1) / 8 for draw in drawn) / len(drawn) for low in range(8)]
    assert all(0.1 < share < 0.15 for share in shares)


def test_pick_reaches_every_choice_and_depends_on_all_parts() -> None:
    assert {pick("abc", str(number)) for number in range(50)} == set("abc")
    assert len({pick(range(10_000), "one", str(number)) for number in range(10)}) == 10
    with pytest.raises(IndexError):
        pick([], "one")


def test_every_space_of_unicode_is_a_space() -> None:
    spaces = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]

    assert len(spaces) > 20
    assert {normalise(f"{space}Damn{space}{space}bus{space}") for space in spaces} == {"damn bus"}
