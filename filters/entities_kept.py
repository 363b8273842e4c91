"""Named entities kept: a rewrite may neither lose nor bring in a name."""

import re
from typing import Any, Literal

import polars as pl
from pydantic import Field

from filters.base import Filter
from pairgen.extraction import entities
from pairgen.models import Models
from pairgen.rewriting.locate import lexicon_spans


class EntitiesKept(Filter):
    """Every named entity of the parent stands in the positive, and every one of the positive in the parent.

    Scores kept entities over all of both, from 0 to 1; 1 where there are none. An entity counts as kept where its name
    occurs, whether or not the parser sees it there; an insult that the parser takes for a name is none.
    """

    kind: Literal["entities_kept"] = "entities_kept"
    min_ratio: float = Field(default=1.0, ge=0, le=1)

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        texts = pl.concat([pairs["parent"], pairs["positive"]]).unique(maintain_order=True).to_list()
        names = {text: _names(doc) for text, doc in zip(texts, models.parser.parse(texts), strict=True)}
        return pl.Series(
            [_kept(parent, positive, names) for parent, positive in pairs.select("parent", "positive").iter_rows()],
            dtype=pl.Float64,
        )

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score >= self.min_ratio


def _names(doc: Any) -> set[str]:
    insults = lexicon_spans(doc.text)
    return {
        mention.text.casefold()
        for mention in entities(doc)
        if not any(mention.start < end and start < mention.end for start, end in insults)
    }


def _kept(parent: str, positive: str, names: dict[str, set[str]]) -> float:
    every = names[parent] | names[positive]
    kept = [name for name in every if _occurs(name, parent) and _occurs(name, positive)]
    return len(kept) / len(every) if every else 1.0


def _occurs(name: str, text: str) -> bool:
    """Whether `name` stands in `text` as words of its own: "Ann" does not stand in "announced"."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text.casefold()) is not None
