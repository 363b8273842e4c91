"""What a model says: sampled continuations that depend on seed, prompt and model alone, and likelihoods of texts."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from pairgen.digests import digest
from pairgen.loading import in_nucleus
from training.encoding import Tokens, pad
from training.objective import token_log_probs

NEW_TOKENS = 20
TOP_P = 0.9
_ROWS = 240  # continuations sampled together
_TOKENS = 2048  # tokens scored together


class Continuation(NamedTuple):
    """What was sampled after a prompt; `truncated` where it did not end by itself."""

    text: str
    truncated: bool


class Nucleus(LogitsProcessor):
    """Leaves one token: the one on which a number drawn beforehand falls, in the nucleus sorted by probability."""

    def __init__(self, draws: Tensor, start: int) -> None:
        self._draws = draws  # (rows, steps), in 0-1
        self._start = start

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        draw = self._draws[:, input_ids.shape[1] - self._start, None]
        return torch.full_like(scores, -torch.inf).scatter(-1, in_nucleus(scores, draw, TOP_P), 0.0)


def continuations(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[tuple[str, str]],
    *,
    k: int,
    seed: int,
    progress: Callable[[int], None] = lambda _done: None,
) -> list[list[Continuation]]:
    """`k` continuations of `NEW_TOKENS` tokens for each (id, prompt), sampled with top-p `TOP_P`, in order.

    Every random number is drawn from seed, prompt id and the continuation's number: neighbours in a batch matter only
    as far as the model's arithmetic does, and two models are compared on the same draws. `progress` gets prompts done.
    """
    steps = NEW_TOKENS
    tokenizer.padding_side = "left"
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    ends = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
    # Nothing that a model's folder asks for, such as a penalty, decodes with us.
    model.generation_config = GenerationConfig(max_new_tokens=steps, do_sample=False, **ends)  # type: ignore[no-untyped-call]
    made: list[list[Continuation]] = []
    for start in range(0, len(prompts), max(1, _ROWS // k)):
        part = prompts[start : start + max(1, _ROWS // k)]
        draws = np.stack([_draws(seed, key, number, steps) for key, _ in part for number in range(k)])
        inputs = tokenizer([prompt for _, prompt in part for _ in range(k)], return_tensors="pt", padding=True)
        inputs = inputs.to(model.device)
        width = inputs["input_ids"].shape[1]
        with torch.inference_mode():
            output = cast(Any, model).generate(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                logits_processor=LogitsProcessorList([Nucleus(torch.tensor(draws, device=model.device), width)]),
            )
        rows = [_continuation(tokenizer, row) for row in output[:, width:].tolist()]
        made += [rows[place : place + k] for place in range(0, len(rows), k)]
        progress(len(made))
    return made


def log_probs(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: Sequence[Tokens]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Summed log-probability of the target tokens of each of `rows`, and how many they are; EOS is not counted."""
    sums, counts = np.zeros(len(rows)), np.zeros(len(rows))
    order = sorted(range(len(rows)), key=lambda place: len(rows[place].ids))
    while order:
        size = max(1, _TOKENS // len(rows[order[-1]].ids))
        places, order = order[-size:], order[:-size]
        batch = pad([rows[place] for place in places], tokenizer)
        ids = batch["input_ids"].to(model.device)
        with torch.inference_mode():
            output = model(input_ids=ids, attention_mask=batch["attention_mask"].to(model.device), use_cache=False)
            found = token_log_probs(output.logits.float(), ids).cpu()
        sums[places] = (found * batch["target"]).sum(dim=1).double().numpy()
        counts[places] = batch["target"].sum(dim=1).double().numpy()
    return sums, counts


def is_repetitive(text: str) -> bool:
    """Whether `text` has at least four words and at most half of them are different."""
    words = text.casefold().split()
    return len(words) >= 4 and len(set(words)) * 2 <= len(words)


def distinct_2(texts: Sequence[str]) -> float:
    """Different pairs of neighbouring words over all of them, in `texts` together; NaN where there are none."""
    pairs = [pair for text in texts for pair in zip(text.split(), text.split()[1:], strict=False)]
    return len(set(pairs)) / len(pairs) if pairs else float("nan")


def _draws(seed: int, key: str, number: int, steps: int) -> NDArray[np.float64]:
    return np.random.default_rng(int(digest(str(seed), key, str(number)), 16)).random(steps)


def _continuation(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> Continuation:
    ends = tokenizer.eos_token_id in ids
    kept = ids[: ids.index(tokenizer.eos_token_id)] if ends else ids
    return Continuation(str(tokenizer.decode(kept, skip_special_tokens=True)).strip(), not ends)
