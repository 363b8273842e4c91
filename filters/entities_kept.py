"""Named entities kept: a rewrite may neither lose nor bring in a name."""

import re
from functools import cache
from typing import Any, Literal

import polars as pl
from lemminflect import getAllLemmas
from pydantic import Field

from filters.base import Filter
from pairgen.extraction import entities
from pairgen.models import Models
from pairgen.rewriting.lexicon import senses
from pairgen.rewriting.locate import lexicon_spans

_TAGS = {"PROPN", "NOUN", "X"}  # with PROPN alone a third of the foreign names in lower case pass, so none does


class EntitiesKept(Filter):
    """Every named entity of the parent stands in the positive, and every one of the positive in the parent.

    Scores kept entities over all of both, from 0 to 1; 1 where there are none. An entity counts as kept where its name
    occurs, whether or not the parser sees it there; an insult that the parser takes for a name is none. A noun in lower
    case that the positive brings in, and that no dictionary knows, counts as a name too.
    """

    kind: Literal["entities_kept"] = "entities_kept"
    min_ratio: float = Field(default=1.0, ge=0, le=1)

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        texts = pl.concat([pairs["parent"], pairs["positive"]]).unique(maintain_order=True).to_list()
        docs = dict(zip(texts, models.parser.parse(texts), strict=True))
        names = {text: _names(doc) for text, doc in docs.items()}
        unknown = {text: _unknown(docs[text]) for text in pairs["positive"].unique()}
        return pl.Series(
            [
                _kept(parent, positive, names[parent] | names[positive], unknown[positive])
                for parent, positive in pairs.select("parent", "positive").iter_rows()
            ],
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


def _unknown(doc: Any) -> set[str]:
    """Words in lower case that may be names, and that neither dictionary nor sense lexicon knows: "rotterdam"."""
    tagged = {token.text for token in doc if token.pos_ in _TAGS and token.is_alpha and token.is_lower}
    return {word for word in tagged if not getAllLemmas(word) and word not in _neutral_words()}


@cache
def _neutral_words() -> frozenset[str]:
    """The words that our rewrites put in, whatever a dictionary knows."""
    forms = (form for entries in senses().values() for sense in entries for form in sense.neutral)
    return frozenset(word for form in forms for word in re.findall(r"[a-z]+", form))


def _kept(parent: str, positive: str, names: set[str], unknown: set[str]) -> float:
    every = names | {word for word in unknown if not _occurs(word, parent)}
    kept = [name for name in every if _occurs(name, parent) and _occurs(name, positive)]
    return len(kept) / len(every) if every else 1.0


def _occurs(name: str, text: str) -> bool:
    """Whether `name` stands in `text` as words of its own: "Ann" does not stand in "announced"."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text.casefold()) is not None
