"""Near duplicates between sets, and of other versions: what was pasted twice should not teach twice, nor be trained on
here and reported on there.
"""

import re
from array import array
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import ClassVar, Literal, Self

import polars as pl
from pydantic import Field, PrivateAttr

from filters.base import Filter, keep_pairs
from pairgen.errors import StoreError
from pairgen.models import Models
from pairgen.near_duplicates import nearest_before
from pairgen.places import Place
from pairgen.schema import Outcome, collected
from pairgen.store import Store, Version
from pairgen.withdrawn import refuse_withdrawn

_SIDES = ("parent", "positive", "negative")
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

    def nearest(self, tables: Sequence[pl.DataFrame | pl.LazyFrame]) -> Iterator[pl.DataFrame]:
        """For each of `tables`, pair for pair: `similarity` to the nearest, and the set_id there, `duplicate_of`.

        Of another version it is "NAME@v3 SET_ID"; null where nothing comes near. `tables` are read one at a time; a set
        stands in one alone. The texts of other versions are in memory. `StoreError` when the first is asked for.
        """
        own = _nearest_sets(tables)
        return map(_nearer, own, self._nearest_of_versions(tables)) if self.against else own

    def score(self, pairs: pl.DataFrame, models: Models) -> pl.Series:
        (nearest,) = self.nearest([pairs])
        return nearest["similarity"]

    def drop(self, pairs: pl.DataFrame, nearest: pl.DataFrame) -> Outcome:
        """`pairs` without the near duplicates that `nearest` found; a pair that is dropped says of what it is one."""
        scored = pairs.with_columns(score_near_duplicate=nearest["similarity"])
        outcome = keep_pairs(scored, [self], stage="near_duplicate")
        of = pairs.select(id="pair_id").hstack(nearest.select("duplicate_of"))
        dropped = outcome.dropped.drop("duplicate_of").join(of, on="id", how="left", maintain_order="left")
        return Outcome(outcome.kept, dropped.select(outcome.dropped.columns))

    def keep(self, score: pl.Expr) -> pl.Expr:
        return score <= self.max_score

    def _nearest_of_versions(self, tables: Sequence[pl.DataFrame | pl.LazyFrame]) -> Iterator[pl.DataFrame]:
        if self._store is None:
            raise StoreError(
                "near_duplicate: `against` names versions, but no store was given: settle the filter first"
            )
        versions = [_version(reference, self._store) for reference in self.against]
        names = [pl.format("{} {}", pl.lit(each.reference), "set_id") for each in versions]
        texts = [_texts_of(each).with_columns(set_id=name) for each, name in zip(versions, names, strict=True)]
        held = pl.concat(texts).unique("text", keep="first", maintain_order=True)
        groups = array("b", [0]) * held.height

        def said() -> Iterator[str]:
            yield from held["text"]
            for table in tables:
                rows = table.lazy().select(_SIDES).collect()
                groups.extend([1] * 3 * rows.height)
                for side in _SIDES:
                    yield from rows[side]

        found = _named(nearest_before(said(), groups=groups), held["set_id"]).slice(held.height)
        start = 0
        for table in tables:
            height = table.lazy().select(pl.len()).collect().item()
            yield reduce(_nearer, (found.slice(start + side * height, height) for side in range(3)))
            start += 3 * height


def _nearest_sets(tables: Sequence[pl.DataFrame | pl.LazyFrame]) -> Iterator[pl.DataFrame]:
    """Pair for pair the nearest set before its own, by the texts that they grew from."""

    def sets(table: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
        return table.lazy().select("set_id", "parent").unique("set_id", keep="first", maintain_order=True).collect()

    ids = pl.concat([pl.Series("set_id", dtype=pl.String), *(sets(table)["set_id"] for table in tables)])
    parents = (parent for table in tables for parent in sets(table)["parent"])
    found = _named(nearest_before(parents, groups=ids.rank("dense").to_numpy()), ids)
    start = 0
    for table in tables:
        pairs = table.lazy().select("set_id").collect()
        some = sets(table).select("set_id")
        nearest = some.hstack(found.slice(start, some.height))
        yield pairs.join(nearest, on="set_id", how="left", maintain_order="left").drop("set_id")
        start += some.height


def _named(nearest: pl.DataFrame, names: pl.Series) -> pl.DataFrame:
    """`nearest_before`, as the columns `similarity` and `duplicate_of`, the name of the text at that place."""
    return nearest.select("similarity", duplicate_of=names.gather(nearest["before"].replace(-1, None)))


def _nearer(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Row for row that of the greater `similarity`; of equals `one`."""
    nearer = other["similarity"] > one["similarity"]
    return pl.DataFrame({name: other[name].zip_with(nearer, one[name]) for name in one.columns})


def _texts_of(version: Version) -> pl.DataFrame:
    """`text` and `set_id` of every text in the pairs of `version`, each text once, in the order of the texts."""
    with version.reading("pairs"):
        sides = [collected(version.scan("pairs").select("set_id", text=side).unique()) for side in _SIDES]
    rows = pl.concat(sides).sort("text", "set_id")
    return rows.unique("text", keep="first", maintain_order=True)


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
