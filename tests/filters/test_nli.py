"""Parent and positive entail each other; a made negative does not follow from the parent. By a real, random model."""

from collections.abc import Sequence

import numpy as np
import pytest

from filters.base import apply_filters
from filters.nli import Nli, NliNegative
from pairgen.loading import LoadedModels, load_models
from pairgen.models import Floats
from pairgen.schema import PAIRS, empty
from tests.pairgen.samples import EMBEDDED, Fakes, pair, pairs, save_inference_model

PARENT, REWRITE = "You damn fool, the library did not open at nine.", "The library did not open at nine."
CHANGED = "The library opened at nine."
TABLE = pairs(
    pair(REWRITE, PARENT),
    pair(REWRITE, CHANGED, parent=PARENT) | {"negative_kind": "negation"},
    pair(REWRITE, CHANGED, parent=REWRITE) | {"negative_kind": "swap_num", "positive_kind": "original"},
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> LoadedModels:
    folder = save_inference_model(tmp_path_factory.mktemp("nli") / "tiny")
    return load_models(EMBEDDED.model_copy(update={"nli": f"hf:{folder}"}), folder.parent / "scores.sqlite")


class Follows:
    """A text entails what it holds the words of; asked for a text with "unscorable" in it, it has nothing to say."""

    fingerprint = "words"

    def entailment(self, premises: Sequence[str], hypotheses: Sequence[str]) -> Floats:
        both = [(set(one.split()), set(other.split())) for one, other in zip(premises, hypotheses, strict=True)]
        return np.array([np.nan if "unscorable" in one else len(one & other) / len(other) for one, other in both])


def test_the_score_is_the_weaker_direction(tiny: LoadedModels) -> None:
    there, back = tiny.nli.entailment([PARENT, REWRITE], [REWRITE, PARENT])
    assert there != back

    scores = Nli().score(TABLE, tiny)

    assert scores.to_list() == [min(there, back), min(there, back), 1.0]
    for limit, kept in ((scores[0], 3), (scores[0] + 1e-9, 1)):
        assert apply_filters(TABLE, [Nli(min_score=limit)], tiny).kept.height == kept
    assert apply_filters(empty(PAIRS), [Nli(), NliNegative()], tiny).kept.height == 0


def test_both_directions_count() -> None:
    table = pairs(pair("a b", "a b c"), pair("a b c d", "a b"), pair("a b c", "c b a"))

    assert Nli().score(table, Fakes(nli=Follows())).to_list() == pytest.approx([2 / 3, 1 / 2, 1])


def test_a_negative_that_is_made_must_not_follow_from_the_parent(tiny: LoadedModels) -> None:
    first, second = tiny.nli.entailment([PARENT, REWRITE], [CHANGED, CHANGED])

    scores = NliNegative().score(TABLE, tiny)

    assert scores.to_list() == [0.0, first, second]
    assert apply_filters(TABLE, [NliNegative()], tiny).kept.height == 3
    low, high = sorted((first, second))
    for limit, kept in ((high, 3), (low, 2), (0, 1)):
        outcome = apply_filters(TABLE, [NliNegative(max_negative=limit)], tiny)
        assert outcome.kept.height == kept
        assert set(outcome.dropped["drop_reason"]) <= {"nli_negative"}


def test_what_cannot_be_scored_is_dropped_as_that() -> None:
    table = pairs(pair("a", "unscorable a") | {"negative_kind": "negation"})

    for each in (Nli(), NliNegative()):
        dropped = apply_filters(table, [each], Fakes(nli=Follows())).dropped
        assert dropped["drop_reason"].to_list() == [f"{each.kind}_unscored"]


def test_no_model_is_asked_where_nothing_is_to_be_told() -> None:
    table = pairs(pair("You idiot.", "You idiot."))

    assert Nli().score(table, Fakes()).to_list() == [1.0]
    assert NliNegative().score(table, Fakes()).to_list() == [0.0]
