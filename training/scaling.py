"""How much each loss weighs at a step (METHOD section 4): L = c_ce . L_ce + lambda . L_con + mu . L_clean.

The mode `toxicity` weighs no loss but the members (`TrainSettings.kind_weight`), beside the weights of `Fixed`.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from training.settings import TrainSettings

_DENSITY = 45.0  # the constants of the published code
_MOST_CONTRAST = 0.9
_CROSS_ENTROPY = 0.1
_KEPT = 0.9  # of a running size at each step
_LEAST_SIZE = 0.01  # nats: a contrast that has nothing left to teach is not blown up without end


class Measured(NamedTuple):
    """What a step measured before its weights are set."""

    step: int  # the first is 0
    cross_entropy: float
    contrast: float
    contrasted_ratio: float = 0.0  # of the batch's tokens, those that the contrast pools
    tax: float | None = None  # NLL of clean text less the base's, nats a token; None where it was not measured


class Weights(NamedTuple):
    """c_ce, lambda and mu of one step."""

    cross_entropy: float
    contrast: float
    clean: float = 0.0


class Scaling(Protocol):
    """Gives each step its weights; what it remembers between steps are its fields."""

    def weights(self, measured: Measured) -> Weights:
        """The weights of the step that `measured` describes; called once a step, in order."""
        ...


@dataclass
class Fixed:
    """Lambda stays what it is."""

    lambda_: float

    def weights(self, measured: Measured) -> Weights:
        """c_ce = 1 and the same lambda at every step."""
        return Weights(cross_entropy=1.0, contrast=self.lambda_)


@dataclass
class Density:
    """The contrast weighs by how much of a batch it looks at."""

    def weights(self, measured: Measured) -> Weights:
        """c_ce = 0.1, lambda = min(0.9, 45 rho), rho the share of contrasted tokens."""
        return Weights(_CROSS_ENTROPY, min(_MOST_CONTRAST, _DENSITY * measured.contrasted_ratio))


@dataclass
class RunningSize:
    """Each loss is divided by its running size, the first step's to begin with."""

    lambda_: float
    cross_entropy: float | None = None
    contrast: float | None = None

    def weights(self, measured: Measured) -> Weights:
        """c_ce = 1 / a_ce, lambda = lambda_ / a_con, where a <- 0.9 a + 0.1 L and a is at least 0.01."""
        self.cross_entropy = _running(self.cross_entropy, measured.cross_entropy)
        self.contrast = _running(self.contrast, measured.contrast)
        return Weights(1 / max(self.cross_entropy, _LEAST_SIZE), self.lambda_ / max(self.contrast, _LEAST_SIZE))


@dataclass
class Tax:
    """Dual ascent: clean text weighs more as long as its NLL is over the budget, and less when it is under."""

    lambda_: float
    budget: float  # of perplexity: 0.01 = +1 %
    rate: float
    mu: float = 0.0

    def weights(self, measured: Measured) -> Weights:
        """c_ce = 1, the same lambda, and mu <- max(0, mu + rate (tax - ln(1 + budget))) where the tax was measured."""
        if measured.tax is not None:
            self.mu = max(0.0, self.mu + self.rate * (measured.tax - math.log1p(self.budget)))
        return Weights(1.0, self.lambda_, self.mu)


def scaling_of(settings: TrainSettings) -> Fixed | Density | RunningSize | Tax:
    """The scaling that `settings` name, at its beginning."""
    match settings.scaling:
        case "fixed" | "toxicity":
            return Fixed(settings.lambda_)
        case "density":
            return Density()
        case "ema":
            return RunningSize(settings.lambda_)
        case "tax":
            return Tax(settings.lambda_, settings.tax_budget, settings.tax_rate)


def _running(size: float | None, loss: float) -> float:
    return loss if size is None else _KEPT * size + (1 - _KEPT) * loss
