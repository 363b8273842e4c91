"""Near duplicates: MinHash finds candidates among any number of texts, exact Jaccard similarity decides.

A text is the set of the 5-character shingles of its normalised form (Broder 1997; Leskovec et al., Mining of Massive
Datasets, chapter 3). Of equal texts only the first is looked at. In memory are some numbers a text, 100 bytes at most;
texts, bands of signatures and candidates, 8 bytes for each band in which two texts agree, are in temporary files (where
TMPDIR says).
"""

import hashlib
import os
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import IO, Any, TypeAlias

import numpy as np
import polars as pl
from cachetools import LRUCache
from numpy.typing import NDArray
from rensa import RMinHash

from pairgen.digests import normalise
from pairgen.errors import StoreError

_SHINGLE = 5
_PERMUTATIONS = 128
_BANDS = 32  # of 4 rows: a pair of Jaccard .6 is a candidate with probability .99, of .8 with 1 - 5e-8
_TEXTS_A_BATCH = 512
_SHINGLES_IN_MEMORY = 400_000  # 100 bytes each
_PAIRS_AT_ONCE = 250_000
_PAIRS_IN_MEMORY = 2_000_000  # of all runs together, when they are merged

Integers: TypeAlias = NDArray[np.int64]
Keys: TypeAlias = NDArray[np.uint64]


def shingles(text: str) -> frozenset[str]:
    """The 5-character shingles of the normalised `text`; a shorter text is its own only shingle."""
    return _shingles_of(normalise(text))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared shingles over all shingles, from 0 to 1."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def nearest_before(texts: Iterable[str], *, groups: Sequence[int] | Integers | None = None) -> pl.DataFrame:
    """A row a text, in order: `before`, the place of the most similar text before it, and their Jaccard `similarity`.

    With `groups`, a number a text, those of lower groups are before it, wherever they stand. -1 and 0.0 where no text
    before it is a candidate: that is, almost surely, where none is .6 similar or more. Of equals the first is named.
    `groups` are read after `texts`, so that reading these may fill them. `StoreError` where TMPDIR has no room.
    """
    with (
        _room(),
        tempfile.TemporaryFile() as file,
        tempfile.TemporaryFile() as bands,
        tempfile.TemporaryFile() as pairs,
    ):
        held = _Texts(file, texts)
        count = len(held)
        group = np.arange(count) if groups is None else np.asarray(groups, np.int64)
        first = _first_equal(held.keys, group)
        del held.keys
        best, similarities = np.full(count, -1), np.zeros(count)
        looked_at = np.flatnonzero(first == np.arange(count))
        held.write_bands(looked_at, bands)
        runs = _write_candidates(bands, group[looked_at], pairs)
        for found, earlier in _merged(pairs, runs, len(looked_at)):
            for place, before in zip(looked_at[found].tolist(), looked_at[earlier].tolist(), strict=True):
                similarity = jaccard(held.shingles(place), held.shingles(before))
                nearer = similarity - similarities[place] or group[best[place]] - group[before]
                if similarity and nearer > 0:
                    best[place], similarities[place] = before, similarity
    twin = group[first] < group
    before = pl.Series(np.where(twin, first, best[first]), dtype=pl.Int64)
    return pl.DataFrame({"before": before, "similarity": np.where(twin, 1.0, similarities[first])})


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        where = tempfile.gettempdir()
        raise StoreError(
            f"{where}: no place for near duplicates ({error.strerror}); make room or set TMPDIR"
        ) from error


class _Texts:
    """Normalised texts in `file`, read by their place; `keys`, two numbers a text, are the same where texts are."""

    def __init__(self, file: IO[bytes], texts: Iterable[str]) -> None:
        digests, ends = bytearray(), array("q", [0])
        for text in texts:
            plain = normalise(text).encode("utf-8", "surrogatepass")
            digests += hashlib.blake2b(plain, digest_size=16).digest()
            ends.append(ends[-1] + file.write(plain))
        file.flush()
        self._file, self._ends = file, ends
        self.keys: Keys = np.frombuffer(digests, np.uint64).reshape(-1, 2)
        self._shingles: LRUCache[int, frozenset[str]] = LRUCache(_SHINGLES_IN_MEMORY, getsizeof=len)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def shingles(self, place: int) -> frozenset[str]:
        """The shingles of the text at `place`, at hand where it was asked for of late."""
        found = self._shingles.get(place)
        if found is None:
            found = self._read(place)
            if len(found) <= _SHINGLES_IN_MEMORY:
                self._shingles[place] = found
        return found

    def _read(self, place: int) -> frozenset[str]:
        start, end = self._ends[place : place + 2]
        return _shingles_of(os.pread(self._file.fileno(), end - start, start).decode("utf-8", "surrogatepass"))

    def write_bands(self, places: Integers, file: IO[bytes]) -> None:
        """A key of 64 bits a place and band into `file`, band after band."""
        for start in range(0, len(places), _TEXTS_A_BATCH):
            sets = [list(self._read(place)) for place in places[start : start + _TEXTS_A_BATCH].tolist()]
            rows = RMinHash.digest_matrix_from_token_sets(sets, _PERMUTATIONS, 42).to_rows()
            halves = np.array(rows, np.uint32).view(np.uint64).reshape(len(sets), _BANDS, -1)
            keys = halves[..., 0] * np.uint64(0x9E3779B97F4A7C15) + halves[..., 1]
            keys = (keys ^ (keys >> np.uint64(32))) * np.uint64(0xC2B2AE3D27D4EB4F)
            for band in range(_BANDS):
                file.seek(8 * (band * len(places) + start))
                file.write(keys[:, band].tobytes())


def _shingles_of(plain: str) -> frozenset[str]:
    return frozenset([plain[start : start + _SHINGLE] for start in range(max(1, len(plain) - _SHINGLE + 1))])


def _first_equal(keys: Keys, group: Integers) -> Integers:
    """For each text the place of the first of its keys in the lowest group: its own, if that is it."""
    order = np.lexsort((group, keys[:, 1], keys[:, 0]))
    starts = np.flatnonzero(_begins(keys[order]))
    first = np.empty(len(keys), np.int64)
    first[order] = np.repeat(order[starts], np.diff(starts, append=len(keys)))
    return first


def _begins(ordered: NDArray[Any]) -> NDArray[np.bool_]:
    """Where rows that are the same begin."""
    begins = np.ones(len(ordered), np.bool_)
    changed = ordered[1:] != ordered[:-1]
    begins[1:] = changed.any(axis=1) if changed.ndim > 1 else changed
    return begins


def _write_candidates(bands: IO[bytes], group: Integers, file: IO[bytes]) -> Integers:
    """The pairs of texts that agree in a band into `file`, in sorted runs; where these begin, and the last ends.

    A pair is a number: the place of the text times how many there are, and the place of the one before it.
    """
    ends = [0]
    bands.seek(0)
    for _ in range(_BANDS if len(group) else 0):
        keys = np.frombuffer(bands.read(8 * len(group)), np.uint64)
        order = np.argsort(keys)
        begins = _begins(keys[order])
        order = order[~(begins & np.append(begins[1:], True))]  # those that agree with another
        order = order[np.lexsort((order, group[order], keys[order]))]
        bucket = np.maximum.accumulate(np.where(_begins(keys[order]), np.arange(len(order)), 0))
        within = np.column_stack([bucket, group[order]])
        lower = np.maximum.accumulate(np.where(_begins(within), np.arange(len(order)), 0)) - bucket
        for start, end in pairwise(_portions(lower)):
            counts = lower[start:end]
            places = np.repeat(order[start:end], counts)
            offsets = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
            before = order[np.repeat(bucket[start:end], counts) + offsets]
            file.write(np.sort(places * len(group) + before).tobytes())
            ends.append(ends[-1] + len(places))
    file.flush()
    return np.array(ends)


def _portions(counts: Integers) -> Integers:
    """Where to cut `counts` so that the sum of a portion is about `_PAIRS_AT_ONCE`, or it is one count."""
    total = np.cumsum(counts)
    cuts = np.searchsorted(total, np.arange(0, total[-1] if len(total) else 0, _PAIRS_AT_ONCE), side="right")
    return np.unique(np.append(cuts, len(counts)))


def _merged(file: IO[bytes], ends: Integers, count: int) -> Iterator[tuple[Integers, Integers]]:
    """The pairs in the runs of `file`, sorted and each once, as places and places before, so many at a time."""
    position, size = ends[:-1].copy(), max(1, _PAIRS_IN_MEMORY // max(1, len(ends) - 1))
    while (position < ends[1:]).any():
        blocks = [
            np.frombuffer(os.pread(file.fileno(), 8 * (min(end, start + size) - start), 8 * start), np.int64)
            for start, end in zip(position.tolist(), ends[1:].tolist(), strict=True)
        ]
        unread = position + [len(block) for block in blocks] < ends[1:]
        bound = min((block[-1] for block, more in zip(blocks, unread, strict=True) if more), default=count * count)
        taken = [block[: np.searchsorted(block, bound, side="right")] for block in blocks]
        position += [len(block) for block in taken]
        yield np.divmod(np.unique(np.concatenate(taken)), count)
