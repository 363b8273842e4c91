"""Near duplicates between sets, and of other versions: what was pasted twice should not teach twice, nor be trained on
here and reported on there.
"""

import re
from collections.abc import Sequence
from functools import reduce
from typing import ClassVar, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from filters.base import Filter, apply_filters, keep_pairs, score_pairs
from pairgen.errors import StoreError
from pairgen.models import Models
from pairgen.near_duplicates import nearest_before
from pairgen.places import Place
from pairgen.schema import Outcome
from pairgen.store import Store, Version
from pairgen.withdrawn import refuse_withdrawn

_PINNED = re.compile(r"(.+@v\d+)@([0-9a-f]{64})")


class NearDuplicate(Filter):
    """No set before this one, by its id, is nearly the same, nor is a text of another version: at most `max_score`.

    The score is the Jaccard similarity of shingles, 0 where nothing comes near. Sets are compared by the texts that
    they grew from (the pairs' `parent`); with the versions of the store that `against` names (NAME@v3, NAME@TAG), all
    three texts of a pair are. A settled filter names each as NAME@v3@DIGEST, and takes no other for it.
    """

    kind: Literal["near_duplicate"] = "near_duplicate"
    max_score: float = Field(default=0.8, gt=0.6, le=1)
    against: tuple[str, ...] = ()
    across_sets: ClassVar[bool] = True
    _store: Place | None = PrivateAttr(default=None)

    def settled(self, store: Place) -> Self:
        if not self.against:
            return self
        versions = [_version(reference, store) for reference in self.against]
        settled = self.model_copy(update={"against": tuple(f"{each.reference}@{each.digest}" for each in versions)})
        settled._store = store
        return settled

    def nearest(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """For each pair, in order: `similarity` to the nearest, and `duplicate_of`, the set_id that stands there.

        Of another version it is "NAME@v3 SET_ID"; null where nothing comes near.
        """
        parents = pairs.select("set_id", "parent").unique("set_id").sort("set_id")
        sets = parents.select("set_id", **_nearest(parents["parent"], names=parents["set_id"]))
        own = pairs.select("set_id").join(sets, on="set_id", how="left", maintain_order="left").drop("set_id")
        return _nearer(own, self._nearest_of_versions(pairs)) if self.against else own

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        return self.nearest(pairs)["similarity"]

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score <= self.max_score

    def _nearest_of_versions(self, pairs: pl.DataFrame) -> pl.DataFrame:
        if self._store is None:
            raise StoreError(
                "near_duplicate: `against` names versions, but no store was given: settle the filter first"
            )
        versions = [_version(reference, self._store) for reference in self.against]
        names = [pl.format("{} {}", pl.lit(each.reference), "set_id") for each in versions]
        texts = [_texts(each.pairs()).with_columns(set_id=name) for each, name in zip(versions, names, strict=True)]
        held, new = pl.concat(texts).unique("text", keep="first", maintain_order=True), _texts(pairs)["text"]
        groups = np.repeat([0, 1], [held.height, len(new)])
        nearest = _nearest(pl.concat([held["text"], new]), names=held["set_id"], groups=groups)
        found = pl.DataFrame({"text": new, **{name: each.tail(len(new)) for name, each in nearest.items()}})
        sides = (pairs.select(text=side) for side in ("parent", "positive", "negative"))
        joined = [side.join(found, on="text", how="left", maintain_order="left").drop("text") for side in sides]
        return reduce(_nearer, joined)


def _nearest(texts: pl.Series, *, names: pl.Series, groups: NDArray[np.int64] | None = None) -> dict[str, pl.Series]:
    """`nearest_before`, as the columns `similarity` and `duplicate_of`, the name of the text at that place."""
    found = nearest_before(texts, groups=groups)
    places = found["before"].replace(-1, None)
    return {"similarity": found["similarity"], "duplicate_of": names.gather(places)}


def _nearer(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Row for row that of the greater `similarity`; of equals `one`."""
    nearer = other["similarity"] > one["similarity"]
    return pl.DataFrame({name: other[name].zip_with(nearer, one[name]) for name in one.columns})


def apply_across_sets(pairs: pl.DataFrame, filters: Sequence[Filter], models: Models) -> Outcome:
    """`apply_filters` of what compares sets; a pair that it drops as a near duplicate says of what: `duplicate_of`."""
    found = next((each for each in filters if isinstance(each, NearDuplicate)), None)
    if found is None:
        return apply_filters(pairs, filters, models, stage="near_duplicate")
    nearest = found.nearest(pairs)
    scored = score_pairs(pairs, [each for each in filters if each is not found], models)
    scored = scored.with_columns(score_near_duplicate=nearest["similarity"])
    outcome = keep_pairs(scored, filters, stage="near_duplicate")
    of = pairs.select(id="pair_id").hstack(nearest.select("duplicate_of"))
    dropped = outcome.dropped.drop("duplicate_of").join(of, on="id", how="left", maintain_order="left")
    return Outcome(outcome.kept, dropped.select(outcome.dropped.columns))


def _texts(pairs: pl.DataFrame) -> pl.DataFrame:
    """`text` and `set_id` of every text in `pairs`, each text once, in the order of the texts."""
    sides = [pairs.select(pl.col(side).alias("text"), "set_id") for side in ("parent", "positive", "negative")]
    return pl.concat(sides).sort("text", "set_id").unique("text", keep="first", maintain_order=True)


def _version(reference: str, store: Place) -> Version:
    """The version that `reference` means; `StoreError` where there is none, it was withdrawn, or has another digest."""
    found = _PINNED.fullmatch(reference)
    name, expected = found.groups() if found else (reference, None)
    version = Store(store).resolve(name)
    refuse_withdrawn(version)
    if expected not in (None, version.digest):
        raise StoreError(
            f"{name}: has the digest {version.digest} in {store}, expected {expected}; use the store it was"
        )
    return version
