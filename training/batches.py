"""Which pairs a step sees: the train split, its sets kept together, cut into batches of like length, seeded."""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import polars as pl

from pairgen.errors import TrainingError
from training.encoding import Span, changed_spans

_WINDOW = 16  # batches among which pairs are sorted by length

_COLUMNS = ("pair_id", "set_id", "context", "positive", "negative")


class Pair(NamedTuple):
    """A row of the `pairs` table, as far as training needs it."""

    pair_id: str
    set_id: str
    context: str
    positive: str
    negative: str


class Member(NamedTuple):
    """A text of a set within one batch, and its characters that differ from the members it is paired with."""

    set_id: int  # 0 .. S-1 within the batch
    is_positive: bool
    context: str
    text: str
    changed: tuple[Span, ...]


def train_pairs(pairs: pl.DataFrame) -> pl.DataFrame:
    """The train split of `pairs`, sorted by `pair_id`.

    `TrainingError` where it is empty, or where a pair has an empty text or the same text twice.
    """
    chosen = pairs.filter(pl.col("split") == "train").sort("pair_id")
    if chosen.is_empty():
        raise TrainingError(
            f"no pairs to train on: {pairs.height} pairs, none of split 'train'; build from a larger source"
        )
    blank = chosen.filter(pl.any_horizontal(pl.col("positive", "negative").str.strip_chars() == ""))
    same = chosen.filter(pl.col("positive") == pl.col("negative"))
    if blank.height:
        raise TrainingError(
            f"pair {blank['pair_id'][0]} has an empty text, and {blank.height - 1} others; leave them out"
        )
    if same.height:
        raise TrainingError(
            f"pair {same['pair_id'][0]} holds the same text twice, and {same.height - 1} others; leave them out"
        )
    return chosen


def plan(pairs: pl.DataFrame, *, steps: int, batch_pairs: int, seed: int) -> list[list[Member]]:
    """The members of each of `steps` batches, of up to `batch_pairs` pairs each.

    Every pair is seen once before any is seen again. Pairs of one set stand in one batch where they fit; the members
    of a set in a batch are its different texts, k positives and m negatives.
    """
    rows = [Pair(*row) for row in pairs.select(_COLUMNS).iter_rows()]
    batches: list[list[Member]] = []
    epoch = 0
    while len(batches) < steps:
        batches += [members(batch) for batch in _epoch(rows, batch_pairs, random.Random(f"{seed} {epoch}"))]
        epoch += 1
    return batches[:steps]


def members(batch: Sequence[Pair]) -> list[Member]:
    """The different texts of each set in `batch`, in order, each with what differs from the texts it is paired with."""
    sets = {set_id: place for place, set_id in enumerate(dict.fromkeys(pair.set_id for pair in batch))}
    changed: dict[tuple[int, bool, str, str], list[Span]] = {}
    for pair in batch:
        for is_positive, text, other in ((True, pair.positive, pair.negative), (False, pair.negative, pair.positive)):
            spans = changed.setdefault((sets[pair.set_id], is_positive, pair.context, text), [])
            spans += changed_spans(text, other)
    return [Member(*key, tuple(spans)) for key, spans in changed.items()]


def _epoch(pairs: Sequence[Pair], batch_pairs: int, draw: random.Random) -> Iterator[list[Pair]]:
    sets: dict[str, list[Pair]] = {}
    for pair in pairs:
        sets.setdefault(pair.set_id, []).append(pair)
    order = [part for group in sets.values() for part in _cut(group, batch_pairs)]
    draw.shuffle(order)
    for window in _fill(order, _WINDOW * batch_pairs):
        by_length = sorted(window, key=lambda group: max(map(_length, group)))
        batches = [[pair for group in batch for pair in group] for batch in _fill(by_length, batch_pairs)]
        draw.shuffle(batches)
        yield from batches


def _cut(group: list[Pair], size: int) -> list[list[Pair]]:
    """A set's pairs, in parts of at most `size`: one part where they fit."""
    return [group[start : start + size] for start in range(0, len(group), size)]


def _fill(groups: Sequence[list[Pair]], size: int) -> Iterator[list[list[Pair]]]:
    """`groups` in order, together as long as they hold at most `size` pairs; a group is never torn."""
    filled: list[list[Pair]] = []
    for group in groups:
        if filled and sum(map(len, filled)) + len(group) > size:
            yield filled
            filled = []
        filled.append(group)
    if filled:
        yield filled


def _length(pair: Pair) -> int:
    return len(pair.context) + max(len(pair.positive), len(pair.negative))
