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
from pairgen.errors import TrainingError
from training.encoding import Batch, after_first, encode, pad
from training.evaluation_data import load_clean_text
from training.settings import TrainSettings

_LEAST = 32  # originals of the validation split; with fewer, ours are taken
_MOST = 2_048  # few are learnt by heart: of 44 SmolLM2 had .02 nats a token left after 230 steps, and a tax of 1.2
_MEASURED = 16  # a measurement costs about as much as a step, and one is made every ten
_BATCH = 4  # texts a step


class CleanText(NamedTuple):
    """Texts on which the tax is measured, others that L_clean is taken of, and where they come from."""

    measured: list[str]
    trained: list[str]
    origin: str


def clean_text(pairs: pl.DataFrame, wanted: str) -> CleanText:
    """What `TrainSettings.clean_text` names, the first 2,048 by digest, the first 16 of them to measure on.

    `TrainingError` where a file leaves none to train on.
    """
    originals = pairs.filter((pl.col("split") == "validation") & (pl.col("positive_kind") == "original"))
    texts, origin = originals["positive"].unique().to_list(), "validation"
    if wanted != "validation" or len(texts) < _LEAST:
        path = None if wanted in ("validation", "package") else Path(wanted)
        texts = load_clean_text(path).filter(pl.col("part") == "control")["text"].unique().to_list()
        origin = "package" if path is None else wanted
    if len(texts) <= _MEASURED:
        raise TrainingError(
            f"{origin}: holds {len(texts)} different texts whose part is 'control'; expected {_MEASURED + 1} or more, "
            f"since {_MEASURED} are measured and the others trained on"
        )
    chosen = sorted(texts, key=digest)[:_MOST]
    return CleanText(chosen[:_MEASURED], chosen[_MEASURED:], origin)


class Clean:
    """Clean text as batches, whose targets leave out each text's first token."""

    def __init__(self, text: CleanText, tokenizer: PreTrainedTokenizerBase, settings: TrainSettings) -> None:
        self._text, self._tokenizer, self._max_tokens = text, tokenizer, settings.max_tokens
        self.measured = [self._batch(text.measured[at : at + 16]) for at in range(0, len(text.measured), 16)]
        self.taken = 0
        self.go_on(0)

    def next(self) -> Batch:
        """The next four texts of those that L_clean is taken of, over and over."""
        self.taken += 1
        return self._batch(next(self._batches))

    def go_on(self, taken: int) -> None:
        """Go on as if `taken` batches had been taken."""
        self.taken, self._batches = taken, endlessly(self._text.trained, start=taken)

    def _batch(self, texts: Sequence[str]) -> Batch:
        rows = [after_first(encode(self._tokenizer, "", text, max_tokens=self._max_tokens)) for text in texts]
        return pad(rows, self._tokenizer)


def endlessly(texts: Sequence[str], *, start: int) -> Iterator[list[str]]:
    """Batches of four of `texts`, over and over, from the batch numbered `start` on."""
    numbers = itertools.count(start * _BATCH)
    while True:
        yield [texts[next(numbers) % len(texts)] for _ in range(min(_BATCH, len(texts)))]
