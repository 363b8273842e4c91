"""The positive says what its parent says: a cosine at or over the limit."""

import numpy as np
import pytest
from pydantic import ValidationError

from filters.base import apply_filters
from filters.similarity import Similarity
from pairgen.loading import LoadedModels
from pairgen.schema import PAIRS, empty
from tests.pairgen.samples import Fakes, LetterEmbedder, pair, pairs

TABLE = pairs(pair("aab", parent="abb"), pair("aab", parent="aab", negative="zzz"), pair("aab", parent="ccc"))


def test_both_sides_of_the_limit() -> None:
    scores = Similarity().score(TABLE, Fakes())

    assert scores.to_list() == pytest.approx([0.8, 1.0, 0.0])
    for limit, kept in ((scores[0], 2), (scores[0] + 1e-6, 1), (-1, 3)):
        assert apply_filters(TABLE, [Similarity(min_score=limit)], Fakes()).kept.height == kept


def test_a_ceiling_is_inclusive_drops_the_original_and_is_none_unless_given() -> None:
    edit, original, _ = Similarity().score(TABLE, Fakes())

    for ceiling, kept in ((None, 2), (1, 2), (original - 1e-6, 1), (edit, 1), (edit - 1e-6, 0)):
        outcome = apply_filters(TABLE, [Similarity(max_score=ceiling)], Fakes())
        assert outcome.kept.height == kept
        assert set(outcome.dropped["drop_reason"]) == {"similarity"}
    with pytest.raises(ValidationError, match=r"min_score 0.5 is over max_score 0.4"):
        Similarity(min_score=0.5, max_score=0.4)


def test_a_text_without_an_embedding_is_unscored() -> None:
    with np.errstate(invalid="ignore"):
        outcome = apply_filters(pairs(pair("123", parent="abc")), [Similarity()], Fakes(embedder=LetterEmbedder()))

    assert outcome.dropped["drop_reason"].to_list() == ["similarity_unscored"]


def test_no_pairs() -> None:
    assert apply_filters(empty(PAIRS), [Similarity()], Fakes()).kept.height == 0


@pytest.mark.slow
def test_a_rewrite_passes_and_another_sentence_does_not(models: LoadedModels) -> None:
    parent = "Only a damn idiot would close the library at noon."
    table = pairs(
        pair("Only somebody unwise would close the library at noon.", parent),
        pair("The vet was kind to our rabbit.", parent),
        pair(parent, parent),
    )

    outcome = apply_filters(table, [Similarity()], models)

    assert outcome.kept["positive"].to_list() == [table["positive"][0], parent]
    assert outcome.kept["score_similarity"][1] == pytest.approx(1, abs=1e-2)
    assert apply_filters(empty(PAIRS), [Similarity()], models).kept.height == 0
