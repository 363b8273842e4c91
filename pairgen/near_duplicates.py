"""Near duplicates: MinHash finds candidates among any number of texts, exact Jaccard similarity decides.

A text is the set of the 5-character shingles of its normalised form (Broder 1997; Leskovec et al., Mining of Massive
Datasets, chapter 3). Of equal texts only the first are looked at. In memory are the texts, one band of their signatures
and the candidates; all bands are in a temporary file.
"""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import IO

import numpy as np
import polars as pl
from rensa import RMinHash

from pairgen.digests import normalise

_SHINGLE = 5
_PERMUTATIONS = 128
_BANDS = 32  # of 4 rows: a pair of Jaccard .6 is a candidate with probability .99, of .8 with 1 - 5e-8
_TEXTS_A_BATCH = 4_096
_SETS_IN_MEMORY = 16_384


def shingles(text: str) -> frozenset[str]:
    """The 5-character shingles of the normalised `text`; a shorter text is its own only shingle."""
    plain = normalise(text)
    return frozenset(plain[start : start + _SHINGLE] for start in range(max(1, len(plain) - _SHINGLE + 1)))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared shingles over all shingles, from 0 to 1."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def nearest_before(texts: Sequence[str], *, groups: Sequence[str] | None = None) -> Iterator[tuple[int, float]]:
    """For each text, in order, the place of the most similar text before it and their Jaccard similarity.

    With `groups`, a group a text, only texts of other groups are looked at. (-1, 0.0) where no text before it is a
    candidate: that is, almost surely, where none is .6 similar or more.
    """

    @lru_cache(maxsize=_SETS_IN_MEMORY)
    def shingles_at(place: int) -> frozenset[str]:
        return shingles(texts[place])

    twins, places = _twins(texts, groups)
    best, similarities = np.array(twins, np.int64), np.array([float(twin >= 0) for twin in twins])
    looked_at = [texts[place] for place in places]
    candidates = _candidates(looked_at, [groups[place] for place in places] if groups else None)
    for found, earlier in candidates.iter_rows():
        place, before = places[found], places[earlier]
        if twins[place] >= 0:
            continue
        similarity = jaccard(shingles_at(place), shingles_at(before))
        if similarity > similarities[place]:  # of equals the first
            best[place], similarities[place] = before, similarity
    yield from zip(best.tolist(), similarities.tolist(), strict=True)


def _twins(texts: Sequence[str], groups: Sequence[str] | None) -> tuple[list[int], list[int]]:
    """For each text the place of the first equal one before it, of another group, or -1; and the places to look at.

    These are the texts without such a twin, and of each text the first that stands in another group than its first.
    """
    first: dict[bytes, tuple[int, int]] = {}
    twins, others = [], set()
    for place, text in enumerate(texts):
        key = hashlib.blake2b(normalise(text).encode(), digest_size=16).digest()
        one, other = first.setdefault(key, (place, -1))
        if one == place:
            twins.append(-1)
        elif groups is None or groups[one] != groups[place]:
            twins.append(one)
            if groups is not None and other < 0:
                first[key] = (one, place)
                others.add(place)
        else:
            twins.append(other)
    return twins, [place for place, twin in enumerate(twins) if twin < 0 or place in others]


def _candidates(texts: Sequence[str], groups: Sequence[str] | None) -> pl.DataFrame:
    """`place` and `before` of the texts that agree in a band, sorted."""
    found = pl.DataFrame(schema={"place": pl.Int64, "before": pl.Int64})
    group = pl.Series("group", ["", *groups] if groups else [""], dtype=pl.Categorical).slice(1)
    with tempfile.TemporaryFile() as file:
        _write_bands(texts, file)
        file.seek(0)
        for _ in range(_BANDS if len(texts) else 0):
            keys = np.frombuffer(file.read(8 * len(texts)), np.uint64)
            band = pl.DataFrame({"key": keys}).with_row_index("place").cast({"place": pl.Int64})
            band = band.with_columns(group) if groups else band
            shared = band.filter(pl.col("key").is_duplicated())
            pairs = shared.join(shared.rename({"place": "before"}), on="key").filter(pl.col("before") < pl.col("place"))
            pairs = pairs.filter(pl.col("group") != pl.col("group_right")) if groups else pairs
            found = pl.concat([found, pairs.select("place", "before")]).unique()
    return found.sort("place", "before")


def _write_bands(texts: Sequence[str], file: IO[bytes]) -> None:
    """A key of 64 bits a text and band into `file`, band after band."""
    for start in range(0, len(texts), _TEXTS_A_BATCH):
        sets = [sorted(shingles(text)) for text in texts[start : start + _TEXTS_A_BATCH]]
        rows = RMinHash.digest_matrix_from_token_sets(sets, _PERMUTATIONS, 42).to_rows()
        halves = np.array(rows, np.uint32).view(np.uint64).reshape(len(sets), _BANDS, -1)
        keys = halves[..., 0] * np.uint64(0x9E3779B97F4A7C15) + halves[..., 1]
        keys = (keys ^ (keys >> np.uint64(32))) * np.uint64(0xC2B2AE3D27D4EB4F)
        for band in range(_BANDS):
            file.seek(8 * (band * len(texts) + start))
            file.write(keys[:, band].tobytes())
