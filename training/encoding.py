"""Texts as tokens: a context, the text itself (its target) and EOS, and the padded batches made of them."""

import re
from collections.abc import Sequence
from typing import NamedTuple, TypedDict

import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from pairgen.errors import TrainingError

Span = tuple[int, int]
_WORD = re.compile(r"\S+")


class Tokens(NamedTuple):
    """One tokenised text after its context; each mask has a boolean a token."""

    ids: list[int]
    context: list[bool]
    target: list[bool]
    contrasted: list[bool]  # target tokens that touch a contrasted span
    end: list[bool]  # EOS; nowhere where the text was cut


class Batch(TypedDict):
    """M sequences, padded on the right to L tokens: all (M, L); the masks are boolean."""

    input_ids: Tensor
    attention_mask: Tensor
    context: Tensor
    target: Tensor
    contrasted: Tensor
    end: Tensor


def encode(
    tokenizer: PreTrainedTokenizerBase, context: str, text: str, *, max_tokens: int, contrasted: Sequence[Span] = ()
) -> Tokens:
    """`context`, a line break, `text`, EOS; an empty context is BOS (EOS where the tokenizer has no BOS).

    A context that is too long loses its beginning, down to half of `max_tokens`; a text that is too long loses its end,
    and then its EOS, which would teach the model to stop where we cut.
    """
    eos = tokenizer.eos_token_id
    if eos is None:
        raise TrainingError(f"the tokenizer {tokenizer.name_or_path!r} has no EOS token; set one and save it again")
    start = eos if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    written = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    before = tokenizer(f"{context}\n", add_special_tokens=False)["input_ids"] if context else []
    opening = [start] if not before or _adds_bos(tokenizer) else []
    room = max(max_tokens - len(opening) - len(written["input_ids"]) - 1, max_tokens // 2 - len(opening))
    before = before[max(0, len(before) - room) :]
    target = written["input_ids"][: max_tokens - len(opening) - len(before)]
    tail = [eos] if len(opening) + len(before) + len(target) < max_tokens else []
    touched = [
        any(s < end and start < e for s, e in contrasted) for start, end in written["offset_mapping"][: len(target)]
    ]
    counts = (len(opening), len(before), len(target), len(tail))
    return Tokens(
        ids=[*opening, *before, *target, *tail],
        context=_marks(counts, 1),
        target=_marks(counts, 2),
        contrasted=[*[False] * (counts[0] + counts[1]), *touched, *[False] * counts[3]],
        end=_marks(counts, 3),
    )


def pad(rows: Sequence[Tokens], tokenizer: PreTrainedTokenizerBase) -> Batch:
    """`rows` as one batch, as long as the longest of them."""
    length = max(len(row.ids) for row in rows)
    filler = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id

    def mask(name: str) -> Tensor:
        return torch.tensor([[*getattr(row, name), *[False] * (length - len(row.ids))] for row in rows])

    return Batch(
        input_ids=torch.tensor([[*row.ids, *[filler] * (length - len(row.ids))] for row in rows]),
        attention_mask=torch.tensor([[1] * len(row.ids) + [0] * (length - len(row.ids)) for row in rows]),
        context=mask("context"),
        target=mask("target"),
        contrasted=mask("contrasted"),
        end=mask("end"),
    )


def after_first(row: Tokens) -> Tokens:
    """`row` with its first target token no target: a chat model has not met plain text after BOS."""
    first = row.target.index(True)
    return row._replace(target=[marked and place != first for place, marked in enumerate(row.target)])


def changed_spans(text: str, other: str) -> list[Span]:
    """Characters of `text` in words that stand differently in `other`, by the shortest edit of words."""
    words, others = list(_WORD.finditer(text)), _WORD.findall(other)
    edits = Levenshtein.opcodes([word.group() for word in words], others)
    return [
        (words[edit.src_start].start(), words[edit.src_end - 1].end())
        for edit in edits
        if edit.tag != "equal" and edit.src_end > edit.src_start
    ]


def _adds_bos(tokenizer: PreTrainedTokenizerBase) -> bool:
    return tokenizer.bos_token_id is not None and tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]


def _marks(counts: tuple[int, ...], marked: int) -> list[bool]:
    return [place == marked for place, count in enumerate(counts) for _ in range(count)]
