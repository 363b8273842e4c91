"""The losses of contrast training: pure functions of tensors (METHOD sections 3 and 4).

Shapes: M members in a batch, S sets, L tokens, H hidden size. `set_ids` (M,) holds 0 .. S-1;
`is_positive` (M,) and token masks (M, L) are boolean.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class ProjectionHead(nn.Module):
    """z = normalise(W2 . GELU(W1 h + b1) + b2), H -> H -> H; dropped after training."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.first = nn.Linear(hidden_size, hidden_size)
        self.second = nn.Linear(hidden_size, hidden_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """(..., H) -> (..., H), each of length 1."""
        return functional.normalize(self.second(functional.gelu(self.first(hidden))), dim=-1)


class Contrast(NamedTuple):
    """A representation loss, the sets that took part in it, and those that had no anchor."""

    loss: Tensor
    sets: int
    without_anchor: int


def pooling_mask(mask: Tensor, target: Tensor, set_ids: Tensor) -> Tensor:
    """`mask` (M, L), or `target` for all members of a set in which one member's mask is empty: all pool alike."""
    empty = ~mask.any(dim=1)
    falls_back = torch.isin(set_ids, set_ids[empty])
    return torch.where(falls_back[:, None], target, mask)


def pool(projected: Tensor, mask: Tensor) -> Tensor:
    """r = normalise(sum_t m_t z_t / sum_t m_t): (M, L, H) and (M, L) -> (M, H); a row whose mask is empty is zero."""
    weights = mask.to(projected.dtype)
    summed = (projected * weights[..., None]).sum(dim=1)
    return functional.normalize(summed / weights.sum(dim=1, keepdim=True).clamp(min=1), dim=-1)


def representation_loss(
    pooled: Tensor,
    set_ids: Tensor,
    is_positive: Tensor,
    *,
    tau: float,
    contexts: Tensor,
    has_context: Tensor,
    weights: Tensor | None = None,
) -> Contrast:
    """Mean over sets of the mean over ordered positive pairs of logsumexp_k(s_ik + log w_k) - s_ij, with s = r.r / tau.

    `pooled` (M, H) and `contexts` (S, H) have rows of length 1. In a set with one positive the context is the anchor i;
    where `has_context` (S,) is false too, the set is left out and counted. `weights` (M,) are w_k: a number for the
    kind of a negative, 1 for positives. k runs over all members of the set but i. No set left: the loss is 0.
    """
    count = has_context.shape[0]
    positives = torch.zeros(count, dtype=torch.long, device=pooled.device).index_add_(0, set_ids, is_positive.long())
    anchored = (positives == 1) & has_context
    is_anchor = torch.cat([is_positive & (positives[set_ids] > 1), anchored])
    rows = torch.cat([pooled, contexts])[is_anchor]
    row_sets = torch.cat([set_ids, torch.arange(count, device=pooled.device)])[is_anchor]
    used = int((anchored | (positives > 1)).sum())
    if not used:
        return Contrast(pooled.sum() * 0, 0, count)

    others = row_sets[:, None] == set_ids[None, :]
    members = torch.arange(len(set_ids), device=pooled.device)
    itself = torch.cat([members, members.new_full((count,), -1)])[is_anchor]
    others = others & (itself[:, None] != members[None, :])
    similarity = rows @ pooled.T / tau
    weighted = similarity if weights is None else similarity + weights.log()[None, :]
    spread = weighted.masked_fill(~others, -torch.inf).logsumexp(dim=1, keepdim=True)
    partners = (others & is_positive[None, :]).to(similarity.dtype)
    row_loss = ((spread - similarity) * partners).sum(dim=1)  # masked sum over j
    per_set = similarity.new_zeros(count).index_add(0, row_sets, row_loss)
    pairs = similarity.new_zeros(count).index_add(0, row_sets, partners.sum(dim=1))
    return Contrast((per_set / pairs.clamp(min=1)).sum() / used, used, count - used)


def token_log_probs(logits: Tensor, input_ids: Tensor) -> Tensor:
    """log p(token | what stands before it): (M, L, vocabulary) and (M, L) -> (M, L); the first column is 0."""
    following = functional.pad(
        input_ids[:, 1:], (0, 1)
    )  # the labels shift, not the logits: no copy of M x L x vocabulary
    nll = functional.cross_entropy(logits.flatten(0, 1), following.flatten(), reduction="none").view_as(input_ids)
    return functional.pad(-nll[:, :-1], (1, 0))


def likelihood_loss(
    log_probs: Tensor,
    target: Tensor,
    set_ids: Tensor,
    is_positive: Tensor,
    *,
    margin: float,
    normalised: bool = True,
    weights: Tensor | None = None,
) -> Tensor:
    """Mean over sets of the mean over (positive, negative) of max(0, margin - (l_positive - l_negative)).

    l is the sum of `log_probs` (M, L) over `target` (M, L), divided by the number of target tokens where `normalised`;
    EOS is no target token here, or length would decide. `weights` (M,) are w_k, by which the loss of a negative's pairs
    is multiplied; the mean stays one over pairs, or in a set of one kind they would cancel. A set without a positive or
    without a negative is left out. (The margin loss of CLICK, Zheng et al. 2023.)
    """
    mask = target.to(log_probs.dtype)
    likelihood = (log_probs * mask).sum(dim=1)
    if normalised:
        likelihood = likelihood / mask.sum(dim=1).clamp(min=1)
    pairs = (set_ids[:, None] == set_ids[None, :]) & is_positive[:, None] & ~is_positive[None, :]
    short = functional.relu(margin - (likelihood[:, None] - likelihood[None, :])) * pairs
    if weights is not None:
        short = short * weights[None, :]
    count = int(set_ids.max()) + 1
    per_set = log_probs.new_zeros(count).index_add(0, set_ids, short.sum(dim=1))
    in_set = log_probs.new_zeros(count).index_add(0, set_ids, pairs.sum(dim=1).to(log_probs.dtype))
    return (per_set / in_set.clamp(min=1)).sum() / (in_set > 0).sum().clamp(min=1)


def cross_entropy(log_probs: Tensor, target: Tensor, end: Tensor, is_positive: Tensor) -> Tensor:
    """Mean NLL over the target tokens **and EOS** (`end`) of the positives, divided by the number of those alone.

    The first target token is trained: what stands before it is the context, or BOS where that is empty.
    """
    mask = ((target | end) & is_positive[:, None]).to(log_probs.dtype)
    return -(log_probs * mask).sum() / mask.sum().clamp(min=1)
