"""MinHash finds the candidates, the exact Jaccard similarity decides."""

import time

import pytest

from pairgen.digests import digest
from pairgen.near_duplicates import jaccard, nearest_before, shingles

BASE = "The council keeps the library open until nine, and only an idiot would complain about that."


def test_shingles_are_of_the_normalised_text() -> None:
    assert shingles("ABC  defg") == frozenset({"abc d", "bc de", "c def", " defg"})
    assert shingles("Damn") == frozenset({"damn"})
    assert shingles("") == frozenset({""})


@pytest.mark.parametrize(
    ("one", "other", "expected"), [("abcdef", "abcdef", 1), ("abcdef", "bcdefg", 1 / 3), ("a", "b", 0)]
)
def test_jaccard(one: str, other: str, expected: float) -> None:
    assert jaccard(shingles(one), shingles(other)) == jaccard(shingles(other), shingles(one)) == expected


def test_the_most_similar_text_before_and_how_similar_it_is() -> None:
    near, nearer = BASE.replace("nine", "noon"), BASE.replace("nine", "nine!")
    texts = ["Something else altogether, damn it.", BASE, near, nearer, BASE.upper()]

    found = list(nearest_before(texts))

    assert found[:2] == [(-1, 0.0), (-1, 0.0)]
    assert found[2] == (1, jaccard(shingles(BASE), shingles(near)))
    assert found[3] == (1, jaccard(shingles(BASE), shingles(nearer)))
    assert found[4] == (1, 1.0)
    assert 0.6 < found[2][1] < found[3][1] < 1


def test_only_texts_of_other_groups_are_looked_at() -> None:
    texts = [BASE, BASE + " Damn.", BASE + " Damn!", BASE + " Damn!!"]

    found = list(nearest_before(texts, groups=["test", "train", "train", "test"]))

    assert [place for place, _ in found] == [-1, 0, 0, 2]


@pytest.mark.parametrize("grouped", [False, True])
def test_equal_texts_find_the_first_of_another_group(grouped: bool) -> None:
    texts = [BASE, BASE, BASE + "!", BASE.upper(), BASE + "!", "Another thing altogether.", BASE]
    groups = ["a", "a", "b", "b", "b", "a", "a"] if grouped else None
    expected = [
        max(
            (
                (jaccard(shingles(text), shingles(texts[before])), -before)
                for before in range(place)
                if groups is None or groups[before] != groups[place]
            ),
            default=(0.0, 1),
        )
        for place, text in enumerate(texts)
    ]

    found = list(nearest_before(texts, groups=groups))

    assert found == [(-before, similarity) if similarity > 0.5 else (-1, 0.0) for similarity, before in expected]


def test_many_equal_texts_are_no_more_work_than_one() -> None:
    started = time.monotonic()
    found = list(nearest_before(["Thanks!"] * 20_000))

    assert found == [(-1, 0.0), *[(0, 1.0)] * 19_999]
    assert time.monotonic() - started < 20


def test_no_texts() -> None:
    assert list(nearest_before([])) == []


def test_among_many_texts_every_near_one_is_found() -> None:
    texts = [" ".join(digest(str(number), str(word))[:6] for word in range(20)) for number in range(300)]
    copies = [text[:-4] + "damn" for text in texts]

    found = list(nearest_before(texts + copies))

    assert [place for place, _ in found] == [-1] * 300 + list(range(300))
    assert min(similarity for _, similarity in found[300:]) > 0.9


def test_what_is_found_does_not_depend_on_how_many_texts_are_worked_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [BASE.replace("nine", f"{number} or {number + 1}") for number in range(30)]
    groups = ["test" if number % 3 else "train" for number in range(30)]
    expected = list(nearest_before(texts, groups=groups))
    assert any(similarity > 0.8 for _, similarity in expected)

    monkeypatch.setattr("pairgen.near_duplicates._TEXTS_A_BATCH", 7)
    monkeypatch.setattr("pairgen.near_duplicates._SETS_IN_MEMORY", 2)

    assert list(nearest_before(texts, groups=groups)) == expected
