"""Copy, delete and people beside our rewrites: what has no kept rewrite counts as it is."""

import polars as pl
import pytest

from pairgen.digests import digest
from pairgen.models import Parser
from pairgen.rewriting.baselines import _toxic_texts, baselines
from pairgen.schema import DROPPED
from tests.pairgen.samples import Fakes, Parrot, pair, pairs

KEPT = pairs(
    pair("They closed the library.", "Those idiots closed the library."),
    pair("The bus is late.", "The damn bus is late."),
    {**pair("Our bus is late.", "The damn bus is late."), "positive_kind": "human"},
    {**pair("A clean text of 12.", "A clean text of 13.", parent="A clean text of 12."), "negative_kind": "swap_num"},
)
LOST = {"stage": "rewrite", "unit": "text", "text": "Some idiot, again.", "drop_reason": "abstained_no_candidate"}
GATED = {"stage": "filter", "unit": "pair", "positive": "So.", "negative_kind": "toxic"}
GATED |= {"negative": "A damn shame.", "parent": "A damn shame."}
OTHER = {"stage": "mine", "unit": "text", "text": "Nothing here.", "drop_reason": "clean_not_sampled"}
DROPPED_ROWS = pl.DataFrame([{**dict.fromkeys(DROPPED), **row} for row in (LOST, GATED, OTHER)], schema=DROPPED)


def test_every_toxic_text_counts_whether_or_not_it_has_a_rewrite(parser: Parser) -> None:
    models = Fakes(parser=parser, language=Parrot(""))

    copy, delete, ours, human = baselines(KEPT.lazy(), DROPPED_ROWS.lazy(), models, max_toxicity=0.3)

    assert [row["system"] for row in (copy, delete, ours, human)] == ["copy", "delete", "ours", "human"]
    assert [row["texts"] for row in (copy, delete, ours, human)] == [4, 4, 4, 1]
    assert [row["answered"] for row in (copy, delete, ours, human)] == [1, 1, 0.5, 0.25]
    assert [row["sta"] for row in (copy, delete, ours, human)] == [0, 1, 0.5, 1]
    assert [row["sta_judge"] for row in (copy, ours)] == [0.5, 0.75]
    assert (copy["sim"], copy["j"], copy["fl"]) == (pytest.approx(1), 0, 1)
    assert ours["j"] < human["j"] < 1


def test_a_text_that_cannot_be_scored_fails(parser: Parser) -> None:
    rows = pairs(pair("An unscorable text.", "You idiot."))

    _, _, ours = baselines(
        rows.lazy(), DROPPED_ROWS.clear().lazy(), Fakes(parser=parser, language=Parrot("")), max_toxicity=0.3
    )

    assert (ours["sta"], ours["j"]) == (0, 0)


def test_a_toxic_text_that_a_model_made_was_not_rewritten(parser: Parser) -> None:
    made = pair("The bus is late.", "The bus is late, you idiot.", parent="The damn bus is late.")
    gated = {**GATED, "negative": "A shame, you idiot."}
    lost = pl.DataFrame([*DROPPED_ROWS.to_dicts(), {**dict.fromkeys(DROPPED), **gated}], schema=DROPPED)
    models = Fakes(parser=parser, language=Parrot(""))

    found = baselines(pl.concat([KEPT, pairs(made)]).lazy(), lost.lazy(), models, max_toxicity=0.3)

    assert found == baselines(KEPT.lazy(), DROPPED_ROWS.lazy(), models, max_toxicity=0.3)


@pytest.mark.parametrize("rows_a_portion", [1, 20_000])
def test_no_more_texts_than_asked_and_none_without_any(
    parser: Parser, rows_a_portion: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = Fakes(parser=parser, language=Parrot(""))
    texts = sorted([*KEPT["negative"][:2], LOST["text"], GATED["negative"]], key=digest)
    monkeypatch.setattr("pairgen.version._SLICE", rows_a_portion)

    assert baselines(KEPT.lazy(), DROPPED_ROWS.lazy(), models, max_toxicity=0.3, most=2)[0]["texts"] == 2
    assert [_toxic_texts(KEPT.lazy(), DROPPED_ROWS.lazy(), most) for most in range(6)] == [texts[:n] for n in range(6)]
    assert baselines(KEPT.clear().lazy(), DROPPED_ROWS.clear().lazy(), models, max_toxicity=0.3) == []
