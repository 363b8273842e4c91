"""Roles kept: cosine similarity does not see agent and patient exchanged (.86)."""

from collections.abc import Hashable
from typing import Any, Literal

import polars as pl
from pydantic import Field

from filters.base import Filter
from pairgen.extraction import role_fillers
from pairgen.models import Models

Parts = dict[Hashable, set[str]]


class RolesKept(Filter):
    """Who does it and to whom stays: no word that both texts have as agent or patient of a verb changes its role.

    Nor do two words exchange theirs under another verb ("they mocked him", "he teased them"). Scores what stays over
    what both texts have, words with the same verb and words with each other, from 0 to 1; 1 where there is none. A word
    that the rewrite replaces is neither kept nor lost.
    """

    kind: Literal["roles_kept"] = "roles_kept"
    min_ratio: float = Field(default=1.0, ge=0, le=1)

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        changed = pairs.filter(pl.col("parent") != pl.col("positive"))
        texts = pl.concat([changed["parent"], changed["positive"]]).unique(maintain_order=True).to_list()
        found = {text: _parts(doc) for text, doc in zip(texts, models.parser.parse(texts), strict=True)}
        return pl.Series(
            [
                _kept(found.get(parent, {}), found.get(positive, {}))
                for parent, positive in pairs.select("parent", "positive").iter_rows()
            ],
            dtype=pl.Float64,
        )

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score >= self.min_ratio


def _parts(doc: Any) -> Parts:
    """The roles of each word under a verb, and which of two words are the agent: all as lemmas in lower case."""
    found: Parts = {}
    for each in role_fillers(doc):
        verb = each.verb.lemma_.lower()
        agents, patients = ([token.lemma_.lower() for token in side] for side in (each.agents, each.patients))
        for role, words in (("agent", agents), ("patient", patients)):
            for word in words:
                found.setdefault((verb, word), set()).add(role)
        for agent in agents:
            for patient in patients:
                found.setdefault(frozenset((agent, patient)), set()).add(agent)
    return found


def _kept(before: Parts, after: Parts) -> float:
    shared = before.keys() & after.keys()
    return sum(after[each] <= before[each] for each in shared) / len(shared) if shared else 1.0
