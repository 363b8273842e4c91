"""Each loss against plain loops of numpy, and its gradients against finite differences in float64."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from training.objective import (
    Contrast,
    ProjectionHead,
    cross_entropy,
    likelihood_loss,
    pool,
    pooling_mask,
    representation_loss,
    token_log_probs,
)

# Set 0: 3 positives, 2 negatives. Set 1: 1 positive, 2 negatives, with a context. Set 2: 1 positive, 1 negative, none.
SETS = torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 2, 2])
POSITIVE = torch.tensor([1, 1, 0, 1, 0, 0, 1, 0, 1, 0], dtype=torch.bool)
WEIGHTS = torch.tensor([1, 1, 1.5, 1, 0.5, 2, 1, 1, 1, 3], dtype=torch.float64)
HAS_CONTEXT = torch.tensor([True, True, False])
TAU = 0.3


def rows(count: int, seed: int, width: int = 6) -> Tensor:
    made = torch.randn(count, width, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return made / made.norm(dim=1, keepdim=True)


def representation(pooled: Tensor, contexts: Tensor, **changed: Any) -> Contrast:
    knobs = {"tau": TAU, "has_context": HAS_CONTEXT, "weights": WEIGHTS} | changed
    return representation_loss(pooled, SETS, POSITIVE, contexts=contexts, **knobs)


def loop_over_sets(pooled: np.ndarray, contexts: np.ndarray, weights: np.ndarray) -> float:
    of_sets = []
    for number in range(3):
        inside = [m for m in range(len(SETS)) if SETS[m] == number]
        positives = [m for m in inside if POSITIVE[m]]
        anchors = [(pooled[i], i) for i in positives] if len(positives) > 1 else []
        if len(positives) == 1 and HAS_CONTEXT[number]:
            anchors = [(contexts[number], None)]
        losses = []
        for anchor, i in anchors:
            others = [k for k in inside if k != i]
            spread = math.log(sum(weights[k] * math.exp(anchor @ pooled[k] / TAU) for k in others))
            losses += [spread - anchor @ pooled[j] / TAU for j in positives if j != i]
        if losses:
            of_sets.append(sum(losses) / len(losses))
    return sum(of_sets) / len(of_sets)


@pytest.mark.parametrize("weighted", [True, False])
def test_representation_loss_is_the_formula(weighted: bool) -> None:
    pooled, contexts = rows(10, 1), rows(3, 2)
    weights = WEIGHTS if weighted else torch.ones_like(WEIGHTS)

    found = representation(pooled, contexts, weights=WEIGHTS if weighted else None)

    assert found.loss.item() == pytest.approx(
        loop_over_sets(pooled.numpy(), contexts.numpy(), weights.numpy()), rel=1e-12
    )
    assert (found.sets, found.without_anchor) == (2, 1)


def test_representation_gradients_are_finite_differences() -> None:
    pooled, contexts = rows(10, 1).requires_grad_(), rows(3, 2).requires_grad_()

    assert torch.autograd.gradcheck(lambda r, c: representation(r, c).loss, (pooled, contexts))


def test_a_single_positive_is_drawn_to_its_context_and_a_set_without_either_is_left_out() -> None:
    pooled, contexts = rows(10, 1).requires_grad_(), rows(3, 2)

    representation(pooled, contexts).loss.backward()

    towards = pooled.grad[6] @ contexts[1]
    assert towards < 0
    assert pooled.grad[5] @ contexts[1] > 0
    assert torch.equal(pooled.grad[8:], torch.zeros(2, 6, dtype=torch.float64))


def test_no_set_with_an_anchor_gives_zero_and_a_gradient() -> None:
    pooled = rows(2, 1).requires_grad_()
    sets, positive = torch.tensor([0, 0]), torch.tensor([True, False])

    found = representation_loss(pooled, sets, positive, tau=TAU, contexts=rows(1, 2), has_context=torch.tensor([False]))
    found.loss.backward()

    assert (found.loss.item(), found.sets, found.without_anchor) == (0.0, 0, 1)
    assert torch.equal(pooled.grad, torch.zeros_like(pooled))


def test_pool_is_the_normalised_mean_of_masked_tokens() -> None:
    hidden = torch.randn(2, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    mask = torch.tensor([[False, True, True, False], [True, False, False, False]])

    found = pool(hidden, mask).numpy()

    mean = (hidden[0, 1] + hidden[0, 2]).numpy() / 2
    np.testing.assert_allclose(found[0], mean / np.linalg.norm(mean))
    np.testing.assert_allclose(found[1], (hidden[1, 0] / hidden[1, 0].norm()).numpy())


def test_projection_head_is_the_formula_and_differentiable() -> None:
    torch.manual_seed(0)
    head = ProjectionHead(4).double()
    hidden = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    inner = (hidden.detach() @ head.first.weight.T + head.first.bias).detach().numpy()
    gelu = np.vectorize(lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2)(inner)
    outer = gelu @ head.second.weight.detach().numpy().T + head.second.bias.detach().numpy()

    np.testing.assert_allclose(head(hidden).detach(), outer / np.linalg.norm(outer, axis=1, keepdims=True))
    assert torch.autograd.gradcheck(head, (hidden,))


def test_an_empty_mask_falls_back_to_the_target_for_its_whole_set_only() -> None:
    sets = torch.tensor([0, 0, 1])
    changed = torch.tensor([[False, True, False], [False, False, False], [False, False, True]])
    target = torch.tensor([[True, True, False], [True, True, True], [True, True, True]])

    found = pooling_mask(changed, target, sets)

    assert torch.equal(found, torch.stack([target[0], target[1], changed[2]]))


def test_token_log_probs_are_of_the_next_token_and_differentiable() -> None:
    logits = torch.randn(2, 4, 5, dtype=torch.float64, requires_grad=True)
    ids = torch.tensor([[1, 4, 0, 2], [3, 3, 1, 0]])

    found = token_log_probs(logits, ids)

    expected = [[0.0, *[torch.log_softmax(logits[m, t - 1], 0)[ids[m, t]].item() for t in (1, 2, 3)]] for m in (0, 1)]
    np.testing.assert_allclose(found.detach(), expected)
    assert torch.autograd.gradcheck(lambda given: token_log_probs(given, ids), (logits,))


def likelihoods(seed: int = 5) -> tuple[Tensor, Tensor]:
    log_probs = -3 * torch.rand(10, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    lengths = torch.tensor([3, 5, 4, 2, 6, 6, 3, 1, 2, 4])
    return log_probs, torch.arange(7)[None, :] < lengths[:, None]


@pytest.mark.parametrize("normalised", [True, False])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_likelihood_loss_is_the_formula(normalised: bool, weights: Tensor | None) -> None:
    log_probs, target = likelihoods()
    scores = [(log_probs[m][target[m]].sum() / (target[m].sum() if normalised else 1)).item() for m in range(10)]
    of_sets = []
    for number in range(3):
        inside = [m for m in range(10) if SETS[m] == number]
        pairs = [(i, k) for i in inside for k in inside if POSITIVE[i] and not POSITIVE[k]]
        shares = [1.0 if weights is None else weights[k].item() for _, k in pairs]
        hinges = [max(0.0, 0.4 - (scores[i] - scores[k])) for i, k in pairs]
        of_sets.append(sum(s * h for s, h in zip(shares, hinges, strict=True)) / len(pairs))

    found = likelihood_loss(log_probs, target, SETS, POSITIVE, margin=0.4, normalised=normalised, weights=weights)

    assert found.item() == pytest.approx(sum(of_sets) / 3, rel=1e-12)


@pytest.mark.parametrize("weight", [0.5, 1.5])
def test_the_weight_of_the_only_kind_in_a_batch_multiplies_its_loss(weight: float) -> None:
    log_probs, target = likelihoods()
    plain = likelihood_loss(log_probs, target, SETS, POSITIVE, margin=0.4)

    weights = torch.where(POSITIVE, 1.0, weight)
    found = likelihood_loss(log_probs, target, SETS, POSITIVE, margin=0.4, weights=weights)

    assert plain.item() > 0
    assert found.item() == pytest.approx(weight * plain.item(), rel=1e-12)


def test_likelihood_gradients_are_finite_differences() -> None:
    log_probs, target = likelihoods()

    assert torch.autograd.gradcheck(
        lambda given: likelihood_loss(given, target, SETS, POSITIVE, margin=0.4), (log_probs.requires_grad_(),)
    )


@pytest.mark.parametrize(("gap", "loss"), [(0.99, 0.01), (1.0, 0.0), (1.5, 0.0)])
def test_a_margin_that_is_reached_costs_nothing(gap: float, loss: float) -> None:
    log_probs = torch.tensor([[-1.0], [-1.0 - gap]], dtype=torch.float64)
    sets, positive = torch.tensor([0, 0]), torch.tensor([True, False])

    found = likelihood_loss(log_probs, torch.ones(2, 1, dtype=torch.bool), sets, positive, margin=1.0)

    assert found.item() == pytest.approx(loss, abs=1e-12)


def test_cross_entropy_counts_first_token_and_eos_of_positives_alone() -> None:
    log_probs = torch.tensor([[0, -1.0, -2, -4, -9], [0, -50, -50, -50, -50]], dtype=torch.float64, requires_grad=True)
    target = torch.tensor([[False, True, True, False, False], [False, True, True, True, False]])
    end = torch.tensor([[False, False, False, True, False], [False, False, False, False, True]])
    positive = torch.tensor([True, False])

    found = cross_entropy(log_probs, target, end, positive)

    assert found.item() == pytest.approx((1 + 2 + 4) / 3)
    assert torch.autograd.gradcheck(lambda given: cross_entropy(given, target, end, positive), (log_probs,))
