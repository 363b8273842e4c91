"""What a model says: sampled continuations that depend on seed, prompt and model alone, and likelihoods of texts."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from pairgen.digests import digest
from pairgen.loading import go_on
from training.encoding import Tokens, pad

NEW_TOKENS = 20
TOP_P = 0.9
_ROWS = 240  # continuations sampled together
_TOKENS = 2048  # tokens scored together


class Continuation(NamedTuple):
    """What was sampled after a prompt; `truncated` where it did not end by itself."""

    text: str
    truncated: bool


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
    tokenizer.padding_side = "left"
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    made: list[list[Continuation]] = []
    for start in range(0, len(prompts), max(1, _ROWS // k)):
        part = prompts[start : start + max(1, _ROWS // k)]
        draws = np.stack([_draws(seed, key, number, NEW_TOKENS) for key, _ in part for number in range(k)])
        inputs = tokenizer([prompt for _, prompt in part], return_tensors="pt", padding=True).to(model.device)
        ids, mask, end = inputs["input_ids"], inputs["attention_mask"], tokenizer.eos_token_id
        with torch.inference_mode():
            sampled = go_on(model, ids, mask, draws, end=end, top_p=TOP_P)[:, 1:].astype(np.int64)
        rows = [_continuation(tokenizer, row.tolist()) for row in sampled]
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
            wanted = (
                batch["target"].any(dim=0).nonzero()[:, 0]
            )  # the vocabulary is wide: no logits where none are asked
            output = model(
                input_ids=ids,
                attention_mask=batch["attention_mask"].to(model.device),
                use_cache=False,
                logits_to_keep=(wanted - 1).to(model.device),
            )
            logits = output.logits.float().flatten(0, 1)
            nll = cross_entropy(logits, ids[:, wanted].flatten(), reduction="none").view(len(places), -1).cpu()
        sums[places] = -(nll * batch["target"][:, wanted]).sum(dim=1).double().numpy()
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
    kept = [token for token in ids if token >= 0]
    return Continuation(str(tokenizer.decode(kept, skip_special_tokens=True)).strip(), len(kept) == len(ids))
