"""A causal language model with the projection head of the representation contrast: a batch in, its losses out."""

from typing import TypedDict

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from training.objective import (
    ProjectionHead,
    cross_entropy,
    likelihood_loss,
    pool,
    pooling_mask,
    representation_loss,
    token_log_probs,
)
from training.settings import TrainSettings


class Losses(TypedDict):
    """Scalars; a contrast that the settings leave out is 0."""

    cross_entropy: Tensor
    representation: Tensor
    likelihood: Tensor
    contrasted_ratio: Tensor  # of all tokens, those that the contrast pools, or would pool
    cut: Tensor  # members whose text was too long for `max_tokens`
    sets: Tensor
    sets_without_anchor: Tensor  # of the representation contrast: one positive and an empty context


class ContrastModel(nn.Module):
    """`model` (saved afterwards) and `head` (dropped), so that both are optimised, and distributed, together."""

    def __init__(self, model: PreTrainedModel, settings: TrainSettings) -> None:
        super().__init__()
        self.model = model
        self.settings = settings
        self.head = ProjectionHead(model.config.hidden_size) if settings.contrast != "likelihood" else None

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        context: Tensor,
        target: Tensor,
        contrasted: Tensor,
        end: Tensor,
        set_ids: Tensor,
        is_positive: Tensor,
        weights: Tensor,
    ) -> Losses:
        """The losses of one batch (`encoding.Batch` with `set_ids`, `is_positive` and `weights` (M,) of its members).

        In float32; `weights` are w_k: a number for the kind of a negative, 1 for positives.
        """
        output = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            use_cache=False,
            output_hidden_states=self.head is not None,
        )
        zero = output.logits.new_zeros((), dtype=torch.float32)
        count = set_ids.max() + 1
        with torch.autocast(input_ids.device.type, enabled=False):
            log_probs = token_log_probs(output.logits.float(), input_ids)
            mask = target if self.settings.pooling == "target" else pooling_mask(contrasted, target, set_ids)
            losses = Losses(
                cross_entropy=cross_entropy(log_probs, target, end, is_positive),
                representation=zero,
                likelihood=zero,
                contrasted_ratio=mask.sum() / attention_mask.sum(),
                cut=(~end.any(dim=1)).sum(),
                sets=count,
                sets_without_anchor=torch.zeros_like(count),
            )
            if self.settings.contrast != "representation":
                margin, normalised = self.settings.margin, self.settings.normalised
                losses["likelihood"] = likelihood_loss(
                    log_probs, target, set_ids, is_positive, margin=margin, normalised=normalised, weights=weights
                )
            if self.head is not None:
                projected = self.head(output.hidden_states[-1].float())
                contexts, has_context = _contexts(projected, context, set_ids, is_positive)
                contrast = representation_loss(
                    pool(projected, mask),
                    set_ids,
                    is_positive,
                    tau=self.settings.tau,
                    contexts=contexts,
                    has_context=has_context,
                    weights=weights,
                )
                losses["representation"] = contrast.loss
                losses["sets_without_anchor"] += contrast.without_anchor
        return losses

    def clean_nll(self, input_ids: Tensor, attention_mask: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Summed NLL of clean text over `target` (M, L), and how many tokens that is."""
        logits = self.model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).logits
        with torch.autocast(input_ids.device.type, enabled=False):
            return -(token_log_probs(logits.float(), input_ids) * target).sum(), target.sum()


def _contexts(projected: Tensor, context: Tensor, set_ids: Tensor, is_positive: Tensor) -> tuple[Tensor, Tensor]:
    """Each set's pooled context (S, H), read off its first positive, and whether it has one (S,)."""
    count = int(set_ids.max()) + 1
    first = torch.stack([((set_ids == number) & is_positive).to(torch.uint8).argmax() for number in range(count)])
    mask = context[first]
    return pool(projected[first], mask), mask.any(dim=1)
