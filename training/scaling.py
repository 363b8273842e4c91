"""How much each loss weighs at a step: L = cross_entropy . L_ce + contrast . L_con (METHOD section 4)."""

from typing import NamedTuple, Protocol


class Measured(NamedTuple):
    """What a step measured before its weights are set."""

    step: int  # the first is 0
    cross_entropy: float
    contrast: float


class Weights(NamedTuple):
    """c_ce and lambda of one step."""

    cross_entropy: float
    contrast: float


class Scaling(Protocol):
    """Gives each step its weights."""

    def weights(self, measured: Measured) -> Weights:
        """The weights of the step that `measured` describes; called once a step, in order."""
        ...


class Fixed(NamedTuple):
    """Lambda stays what it is."""

    lambda_: float

    def weights(self, measured: Measured) -> Weights:
        """c_ce = 1 and the same lambda at every step."""
        return Weights(cross_entropy=1.0, contrast=self.lambda_)
