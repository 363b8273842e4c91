"""Which pairs a step sees: the train split, its sets kept together, cut into batches of like length, seeded."""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import polars as pl
from transformers import PreTrainedTokenizerBase

from pairgen.errors import TrainingError
from training.encoding import Span, changed_spans, encode
from training.settings import TrainSettings

_WINDOW = 16  # batches among which pairs are sorted by length

_COLUMNS = ("pair_id", "set_id", "context", "positive", "negative", "negative_kind")


class Pair(NamedTuple):
    """A row of the `pairs` table, as far as training needs it."""

    pair_id: str
    set_id: str
    context: str
    positive: str
    negative: str
    negative_kind: str


class Member(NamedTuple):
    """A text of a set within one batch, and its characters that differ from the members it is paired with."""

    set_id: int  # 0 .. S-1 within the batch
    is_positive: bool
    context: str
    text: str
    kind: str  # of a negative; "" of a positive
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


def within_reach(pairs: pl.DataFrame, tokenizer: PreTrainedTokenizerBase, *, max_tokens: int) -> pl.DataFrame:
    """Those of `pairs` whose texts differ in what is read of them; the others weigh down a step and teach nothing.

    `TrainingError` where that are none.
    """

    def read(context: str, text: str) -> list[int]:
        return encode(tokenizer, context, text, max_tokens=max_tokens).ids

    texts = pairs.select("context", "positive", "negative").iter_rows()
    differ = [
        len(f"{context}{positive}".encode()) < max_tokens // 2 or read(context, positive) != read(context, negative)
        for context, positive, negative in texts
    ]
    if not any(differ):
        raise TrainingError(
            f"none of {pairs.height} pairs differs within max_tokens = {max_tokens}, which is all that is read of a "
            "text; raise it"
        )
    return pairs.filter(pl.Series(differ, dtype=pl.Boolean))


def refuse_unfit(pairs: pl.DataFrame, settings: TrainSettings) -> None:
    """`TrainingError` where `pairs` hold no negative of a kind that `settings` weigh, or nothing for their contrast."""
    there = set(pairs["negative_kind"])
    asked = [*settings.kind_weights, *(["toxic"] if settings.scaling == "toxicity" else [])]
    for kind in asked:
        if kind not in there:
            raise TrainingError(
                f"no pairs whose negative is {kind!r}, which the settings weigh; this version has: "
                f"{', '.join(sorted(there))}"
            )
    if settings.contrast == "representation":
        anchored = pairs.group_by("set_id").agg(
            (pl.col("positive").n_unique() > 1) | (pl.col("context").str.strip_chars() != "").any()
        )
        if not anchored["positive"].any():
            raise TrainingError(
                f"contrast = 'representation' has nothing to contrast: none of {anchored.height} sets has two "
                "positives or a context; use 'likelihood'"
            )


def plan(pairs: pl.DataFrame, *, steps: int, batch_pairs: int, toxic_fraction: float, seed: int) -> list[list[Member]]:
    """The members of each of the batches of `plan_pairs`: the different texts of a set, k positives and m negatives."""
    planned = plan_pairs(pairs, steps=steps, batch_pairs=batch_pairs, toxic_fraction=toxic_fraction, seed=seed)
    return [members(batch) for batch in planned]


def plan_pairs(
    pairs: pl.DataFrame, *, steps: int, batch_pairs: int, toxic_fraction: float, seed: int
) -> list[list[Pair]]:
    """`steps` batches of up to `batch_pairs` pairs, `toxic_fraction` of them of kind `toxic`.

    At least one pair is, and at least one is not: what a step teaches does not hang on how many unfaithful negatives a
    version has for each toxic one. Where it has none of the one or of the other, the batch is filled with what there
    is. Every pair of a stream is seen once before any is seen again. Pairs of one set and stream stand in one batch
    where they fit.
    """
    toxic = pairs.filter(pl.col("negative_kind") == "toxic")
    others = pairs.filter(pl.col("negative_kind") != "toxic")
    share = min(max(1, round(toxic_fraction * batch_pairs)), batch_pairs - 1)
    size = batch_pairs if others.is_empty() else 0 if toxic.is_empty() else share
    streams = [
        _stream(part, room, seed)
        for part, room in ((toxic, size), (others, batch_pairs - size))
        if room and not part.is_empty()
    ]
    return [[pair for stream in streams for pair in next(stream)] for _ in range(steps)]


def members(batch: Sequence[Pair]) -> list[Member]:
    """The different texts of each set in `batch`, in order, each with what differs from the texts it is paired with."""
    sets = {set_id: place for place, set_id in enumerate(dict.fromkeys(pair.set_id for pair in batch))}
    changed: dict[tuple[int, bool, str, str], list[Span]] = {}
    kinds: dict[tuple[int, bool, str, str], str] = {}
    for pair in batch:
        sides = (True, pair.positive, pair.negative, ""), (False, pair.negative, pair.positive, pair.negative_kind)
        for is_positive, text, other, kind in sides:
            key = (sets[pair.set_id], is_positive, pair.context, text)
            kinds.setdefault(key, kind)
            changed.setdefault(key, []).extend(changed_spans(text, other))
    return [Member(*key, kinds[key], tuple(spans)) for key, spans in changed.items()]


def _parts(pairs: pl.DataFrame, size: int) -> list[list[Pair]]:
    """The pairs of each set, in parts of at most `size`: one part where they fit."""
    sets: dict[str, list[Pair]] = {}
    for row in pairs.select(_COLUMNS).iter_rows():
        sets.setdefault(row[1], []).append(Pair(*row))
    return [part[start : start + size] for part in sets.values() for start in range(0, len(part), size)]


def _stream(pairs: pl.DataFrame, size: int, seed: int) -> Iterator[list[Pair]]:
    """Batches of up to `size` pairs without end, epoch after epoch, each of texts of like length.

    The batches of a window are drawn in an order that is the same for every stream: what stands beside is of like
    length too.
    """
    parts, windows = _parts(pairs, size), 0
    left: list[list[Pair]] = []
    while True:
        random.Random(f"{seed} {windows} order").shuffle(parts)
        for window in _fill(parts, _WINDOW * size):
            by_length = sorted(window, key=lambda part: max(map(_length, part)))
            *full, left = _fill([*left, *by_length], size)
            windows += 1
            rest = full[1:]  # the first holds what was left of the window before
            random.Random(f"{seed} {windows}").shuffle(rest)
            for batch in [*full[:1], *rest]:
                yield [pair for part in batch for pair in part]


def _fill(parts: Sequence[list[Pair]], size: int) -> Iterator[list[list[Pair]]]:
    """`parts` in order, together as long as they hold at most `size` pairs; a part is never torn."""
    filled: list[list[Pair]] = []
    for part in parts:
        if filled and sum(map(len, filled)) + len(part) > size:
            yield filled
            filled = []
        filled.append(part)
    if filled:
        yield filled


def _length(pair: Pair) -> int:
    return len(pair.context) + max(len(pair.positive), len(pair.negative))
