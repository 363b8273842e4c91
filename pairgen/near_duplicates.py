"""Near duplicates: MinHash finds candidates among any number of texts, exact Jaccard similarity decides.

A text is the set of the 5-character shingles of its normalised form (Broder 1997; Leskovec et al., Mining of Massive
Datasets, chapter 3).
"""

from collections.abc import Iterator, Sequence

from rensa import RMinHash, RMinHashLSH

from pairgen.digests import normalise

_SHINGLE = 5
_PERMUTATIONS = 128
_BANDS = 32  # of 4 rows: a pair of Jaccard .6 is a candidate with probability .99, of .8 with 1 - 5e-8


def shingles(text: str) -> frozenset[str]:
    """The 5-character shingles of the normalised `text`; a shorter text is its own only shingle."""
    plain = normalise(text)
    return frozenset(plain[start : start + _SHINGLE] for start in range(max(1, len(plain) - _SHINGLE + 1)))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared shingles over all shingles, from 0 to 1."""
    return len(one & other) / len(one | other)


def nearest_before(texts: Sequence[str], *, groups: Sequence[str] | None = None) -> Iterator[tuple[int, float]]:
    """For each text, in order, the place of the most similar text before it and their Jaccard similarity.

    With `groups`, a group a text, only texts of other groups are looked at. (-1, 0.0) where no text before it is a
    candidate: that is, almost surely, where none is .6 similar or more.
    """
    index = RMinHashLSH(threshold=0.6, num_perm=_PERMUTATIONS, num_bands=_BANDS)
    sets = [shingles(text) for text in texts]
    for place, own in enumerate(sets):
        minhash = RMinHash(num_perm=_PERMUTATIONS, seed=42)
        minhash.update(sorted(own))
        candidates = [found for found in index.query(minhash) if groups is None or groups[found] != groups[place]]
        similarity, best = max(((jaccard(own, sets[found]), -found) for found in candidates), default=(0.0, 1))
        index.insert(place, minhash)
        yield (-best, similarity)
