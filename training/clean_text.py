"""The clean text that a training is held to: what the tax is measured on, and what it is paid back with.

Never the text that reports (`evaluation_data.PARTS`), and never the same for both, or the tax would look paid.
"""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl
from transformers import PreTrainedTokenizerBase

from pairgen.digests import digest
from training.encoding import Batch, after_first, encode, pad
from training.evaluation_data import load_clean_text
from training.settings import TrainSettings

_LEAST = 32  # originals of the validation split; with fewer, ours are taken
_MOST = 128
_BATCH = 4  # texts a step


class CleanText(NamedTuple):
    """Texts on which the tax is measured, others that L_clean is taken of, and where they come from."""

    measured: list[str]
    trained: list[str]
    origin: str


def clean_text(pairs: pl.DataFrame, wanted: str) -> CleanText:
    """What `TrainSettings.clean_text` names, the first 128 by digest, every other one to measure on."""
    originals = pairs.filter((pl.col("split") == "validation") & (pl.col("positive_kind") == "original"))
    texts, origin = originals["positive"].unique().to_list(), "validation"
    if wanted != "validation" or len(texts) < _LEAST:
        path = None if wanted in ("validation", "package") else Path(wanted)
        texts = load_clean_text(path).filter(pl.col("part") == "control")["text"].unique().to_list()
        origin = "package" if path is None else wanted
    chosen = sorted(texts, key=digest)[:_MOST]
    return CleanText(chosen[::2], chosen[1::2], origin)


def clean_batch(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], settings: TrainSettings) -> Batch:
    """`texts` as one batch whose target leaves out the first token."""
    rows = [after_first(encode(tokenizer, "", text, max_tokens=settings.max_tokens)) for text in texts]
    return pad(rows, tokenizer)


def endlessly(texts: Sequence[str], *, start: int) -> Iterator[list[str]]:
    """Batches of four of `texts`, over and over, from the batch numbered `start` on."""
    numbers = itertools.count(start * _BATCH)
    while True:
        yield [texts[next(numbers) % len(texts)] for _ in range(min(_BATCH, len(texts)))]
