"""MinHash finds the candidates, the exact Jaccard similarity decides."""

import time
from itertools import product

import pytest
from rensa import RMinHash

from pairgen.digests import digest, fraction, pick
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

    found = nearest_before(texts).rows()

    assert found[:2] == [(-1, 0.0), (-1, 0.0)]
    assert found[2] == (1, jaccard(shingles(BASE), shingles(near)))
    assert found[3] == (1, jaccard(shingles(BASE), shingles(nearer)))
    assert found[4] == (1, 1.0)
    assert 0.6 < found[2][1] < found[3][1] < 1


def test_only_texts_of_lower_groups_are_looked_at_wherever_they_stand() -> None:
    texts = [BASE + " Damn.", BASE, BASE + " Damn!", BASE + " Damn!!", BASE]

    found = nearest_before(texts, groups=[1, 0, 1, 2, 2])

    assert found["before"].to_list() == [1, -1, 1, 2, 1]


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("small", [False, True])
def test_what_is_found_is_what_comparing_all_that_agree_in_a_band_finds(
    grouped: bool, small: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many near duplicates and equal texts; the same however few texts and pairs are worked on at once."""
    texts = many()
    groups = [int(fraction(str(place)) * 3) for place in range(len(texts))] if grouped else list(range(len(texts)))
    sets = [shingles(text) for text in texts]
    rows = RMinHash.digest_matrix_from_token_sets([sorted(each) for each in sets], 128, 42).to_rows()
    bands = [{tuple([band, *row[4 * band : 4 * band + 4]]) for band in range(32)} for row in rows]
    expected = [(-1, 0.0)] * len(texts)
    for place, before in product(range(len(texts)), repeat=2):
        if groups[before] < groups[place] and bands[place] & bands[before]:
            similarity, (best, most) = jaccard(sets[place], sets[before]), expected[place]
            if similarity and (similarity, -groups[before]) > (most, -groups[best]):
                expected[place] = before, similarity
    if small:
        for name, number in (
            ("TEXTS_A_BATCH", 7),
            ("SHINGLES_IN_MEMORY", 1),
            ("PAIRS_AT_ONCE", 5),
            ("PAIRS_IN_MEMORY", 2),
        ):
            monkeypatch.setattr(f"pairgen.near_duplicates._{name}", number)

    found = nearest_before(iter(texts), groups=groups if grouped else None)

    assert found["similarity"].to_list() == [similarity for _, similarity in expected]
    named = [sets[place] if place >= 0 else None for place in found["before"]]
    assert named == [sets[place] if place >= 0 else None for place, _ in expected]


def test_what_is_found_stays_as_it_is() -> None:
    found = nearest_before(many())

    assert found.filter(before=-1).height == 53
    assert found.filter(similarity=1).height == 104
    assert digest(str(found.rows())) == "f333a6c966b388037ae1e90bcc9377c3"  # what was found with all in memory


def many() -> list[str]:
    """300 texts, of which about half are nearly, or but for their case, what was said before."""
    texts: list[str] = []
    for number in map(str, range(300)):
        before = pick(texts, "before", number) if texts else ""
        said = " ".join(pick(BASE.split(), number, str(word)) + number[-1] for word in range(12))
        texts.append(pick([said, said, before + " damn", before[:-9] + number, before.upper(), before], "how", number))
    return texts


def test_many_equal_texts_are_no_more_work_than_one() -> None:
    started = time.monotonic()
    found = nearest_before(["Thanks!"] * 20_000).rows()

    assert found == [(-1, 0.0), *[(0, 1.0)] * 19_999]
    assert time.monotonic() - started < 20


def test_no_texts() -> None:
    assert nearest_before([]).rows() == []


def test_among_many_texts_every_near_one_is_found() -> None:
    texts = [" ".join(digest(str(number), str(word))[:6] for word in range(20)) for number in range(300)]
    copies = [text[:-4] + "damn" for text in texts]

    found = nearest_before(texts + copies).rows()

    assert [place for place, _ in found] == [-1] * 300 + list(range(300))
    assert min(similarity for _, similarity in found[300:]) > 0.9
