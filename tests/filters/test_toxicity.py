"""The positive is not toxic: to the scorer, to the judge; limits are inclusive."""

import pytest

from filters.base import Filter, apply_filters
from filters.toxicity import Judge, Toxicity
from pairgen.schema import PAIRS, empty
from tests.pairgen.samples import Fakes, WordToxicity, pair, pairs

SCORER = WordToxicity(at=0.3, over=0.3001)
FAKES = {"toxicity": Fakes(toxicity=SCORER), "judge": Fakes(judge=SCORER)}


@pytest.mark.parametrize("gate", [Toxicity(max_score=0.3), Judge(max_score=0.3)])
@pytest.mark.parametrize(
    ("positive", "reason"), [("fine", None), ("at", None), ("over", "{}"), ("unscorable", "{}_unscored")]
)
def test_toxicity_of_the_positive(positive: str, reason: str | None, gate: Filter) -> None:
    outcome = apply_filters(pairs(pair(positive, "over and over")), [gate], FAKES[gate.kind])

    assert outcome.dropped["drop_reason"].to_list() == ([reason.format(gate.kind)] if reason else [])
    assert outcome.kept.height == (reason is None)


@pytest.mark.parametrize("gate", [Toxicity(), Judge()])
def test_no_pairs(gate: Filter) -> None:
    assert apply_filters(empty(PAIRS), [gate], FAKES[gate.kind]).kept.height == 0
