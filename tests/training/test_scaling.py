"""Each mode of loss scaling: every weight follows its formula, the constant one by staying."""

import math

import pytest

from training.scaling import Density, Fixed, Measured, RunningSize, Tax, Weights, scaling_of
from training.settings import TrainSettings

LOSSES = [(4.0, 1.5), (3.0, 0.2), (2.5, 0.0), (2.0, 0.9)]


def measured(step: int, **more: float) -> Measured:
    return Measured(step, *LOSSES[step % 4])._replace(**more)


@pytest.mark.parametrize("mode", ["fixed", "toxicity"])
def test_fixed_weights_stay(mode: str) -> None:
    scaling = scaling_of(TrainSettings(scaling=mode, lambda_=2.5))

    assert {scaling.weights(measured(step, contrasted_ratio=step / 4, tax=step)) for step in range(4)} == {
        Weights(cross_entropy=1.0, contrast=2.5, clean=0.0)
    }


def test_toxicity_weighs_toxic_negatives_and_what_the_settings_say_goes_before() -> None:
    assert [TrainSettings(scaling="toxicity").kind_weight(kind) for kind in ("toxic", "swap_num", "")] == [1.5, 1, 1]
    assert TrainSettings().kind_weight("toxic") == 1
    own = TrainSettings(scaling="toxicity", kind_weights={"toxic": 3, "negation": 0.5})
    assert [own.kind_weight(kind) for kind in ("toxic", "negation", "swap_num")] == [3, 0.5, 1]


@pytest.mark.parametrize(("ratio", "weight"), [(0.0, 0.0), (0.01, 0.45), (0.02, 0.9), (0.021, 0.9), (1.0, 0.9)])
def test_density_follows_the_share_of_contrasted_tokens_up_to_a_limit(ratio: float, weight: float) -> None:
    found = scaling_of(TrainSettings(scaling="density")).weights(measured(0, contrasted_ratio=ratio))

    assert found == pytest.approx(Weights(cross_entropy=0.1, contrast=weight))


def test_running_sizes_divide_each_loss() -> None:
    scaling = scaling_of(TrainSettings(scaling="ema", lambda_=2.0))
    assert isinstance(scaling, RunningSize)
    size_ce, size_con = LOSSES[0]
    for step in range(4):
        if step:
            size_ce = 0.9 * size_ce + 0.1 * LOSSES[step][0]
            size_con = 0.9 * size_con + 0.1 * LOSSES[step][1]

        assert scaling.weights(measured(step)) == pytest.approx(Weights(1 / size_ce, 2.0 / size_con))


def test_a_contrast_that_has_nothing_left_to_teach_is_not_blown_up() -> None:
    assert RunningSize(2.0).weights(Measured(0, 1.0, 0.0)) == pytest.approx(Weights(1.0, 200.0))


def test_the_tax_is_paid_back_as_long_as_it_is_over_the_budget() -> None:
    scaling = scaling_of(TrainSettings(scaling="tax", lambda_=3.0, tax_budget=0.02, tax_rate=10))
    assert isinstance(scaling, Tax)
    limit, mu = math.log(1.02), 0.0
    for step, tax in enumerate([0.0, None, 0.1, 0.05, None, -0.2, limit]):
        if tax is not None:
            mu = max(0.0, mu + 10 * (tax - limit))

        assert scaling.weights(Measured(step, 1.0, 1.0, tax=tax)) == pytest.approx(Weights(1.0, 3.0, mu))
    assert mu == 0
    assert Tax(3.0, 0.02, 10).weights(Measured(0, 1, 1, tax=0.1)).clean == pytest.approx(10 * (0.1 - limit))


@pytest.mark.parametrize("over", [0.01, 0.25])
def test_the_default_step_pays_back_what_is_over_the_budget_about_once(over: float) -> None:
    scaling = scaling_of(TrainSettings(scaling="tax"))
    paid = 0.04  # nats by ten steps of a mu of 1, see the default of `tax_rate`

    mu = scaling.weights(Measured(10, 1.0, 1.0, tax=math.log(1.01) + over)).clean

    assert over / 2 < paid * mu < 2 * over  # half: no use in a run of 40 steps; twice: it swings


def test_the_mode_decides_the_scaling() -> None:
    made = {mode: type(scaling_of(TrainSettings(scaling=mode))) for mode in ("fixed", "density", "ema", "tax")}

    assert made == {"fixed": Fixed, "density": Density, "ema": RunningSize, "tax": Tax}
