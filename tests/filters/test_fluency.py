"""The positive is about as likely as its parent, to the language model."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from filters.base import apply_filters
from filters.fluency import Fluency
from pairgen.models import Floats
from pairgen.schema import PAIRS, empty
from tests.pairgen.samples import Fakes, pair, pairs


class LengthLikelihood:
    """One nat a token and character; NaN for an empty text."""

    fingerprint = "length"

    def nll(self, texts: Sequence[str]) -> Floats:
        return np.array([len(text) or np.nan for text in texts], dtype=np.float64)


FAKES = replace(Fakes(), language=LengthLikelihood())


@pytest.mark.parametrize(("positive", "score"), [("ab", 1), ("abc", 1), ("abcd", np.exp(-1)), ("abcde", np.exp(-2))])
def test_both_sides_of_the_limit(positive: str, score: float) -> None:
    table = pairs(pair(positive, parent="abc"))

    assert Fluency().score(table, FAKES).to_list() == pytest.approx([score])
    for least in (0.1, 0.2, 0.5):
        outcome = apply_filters(table, [Fluency(min_score=least)], FAKES)
        assert (outcome.kept.height, outcome.dropped.height) == (score >= least, score < least)


def test_a_text_without_tokens_is_unscored() -> None:
    outcome = apply_filters(pairs(pair("", parent="abc")), [Fluency()], FAKES)

    assert outcome.dropped["drop_reason"].to_list() == ["fluency_unscored"]


def test_no_pairs() -> None:
    assert apply_filters(empty(PAIRS), [Fluency()], FAKES).kept.height == 0
