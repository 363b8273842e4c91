"""Roles kept: cosine similarity does not see agent and patient exchanged (.86)."""

from typing import Any, Literal

import polars as pl
from pydantic import Field

from filters.base import Filter
from pairgen.extraction import roles
from pairgen.models import Models

Fillers = dict[tuple[str, str], set[str]]


class RolesKept(Filter):
    """Who does it and to whom stays: no word that both texts have as agent or patient of a verb changes its role.

    Scores the words that keep their role over those that both texts have with the same verb, from 0 to 1; 1 where there
    are none. A word that the rewrite replaces is neither kept nor lost.
    """

    kind: Literal["roles_kept"] = "roles_kept"
    min_ratio: float = Field(default=1.0, ge=0, le=1)

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        changed = pairs.filter(pl.col("parent") != pl.col("positive"))
        texts = pl.concat([changed["parent"], changed["positive"]]).unique(maintain_order=True).to_list()
        found = {text: _fillers(doc) for text, doc in zip(texts, models.parser.parse(texts), strict=True)}
        return pl.Series(
            [
                _kept(found.get(parent, {}), found.get(positive, {}))
                for parent, positive in pairs.select("parent", "positive").iter_rows()
            ],
            dtype=pl.Float64,
        )

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score >= self.min_ratio


def _fillers(doc: Any) -> Fillers:
    """(verb, word) -> its roles, agent or patient, as lemmas in lower case."""
    found: Fillers = {}
    for each in roles(doc):
        for role, token in (("agent", each.agent), ("patient", each.patient)):
            found.setdefault((each.verb.lemma_.lower(), token.lemma_.lower()), set()).add(role)
    return found


def _kept(before: Fillers, after: Fillers) -> float:
    shared = before.keys() & after.keys()
    return sum(after[each] <= before[each] for each in shared) / len(shared) if shared else 1.0
