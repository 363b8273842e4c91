"""Figures that are a ratio of sums over units (prompts, texts), and the paired bootstrap of their differences."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pairgen.models import Floats

_RESAMPLES = 1000


class Units(NamedTuple):
    """A figure as its units give it: sum of `sums` / sum of `counts`, or e to that where `exponential`."""

    sums: Floats
    counts: Floats
    exponential: bool = False


class Difference(NamedTuple):
    """`other` minus `base`, with its 95 % interval."""

    difference: float
    low: float
    high: float


def mean_of(values: Floats) -> Units:
    """The mean of a number a unit; a unit whose number is NaN does not count."""
    known = ~np.isnan(values)
    return Units(np.where(known, values, 0.0), known.astype(np.float64))


def pooled(parts: Sequence[Units]) -> Units:
    """One figure over the same units measured several times: the draws of several seeds, or models of several seeds."""
    sums, counts = np.sum([one.sums for one in parts], axis=0), np.sum([one.counts for one in parts], axis=0)
    return Units(sums, counts, parts[0].exponential)


def figure(units: Units) -> float:
    """The figure over all units; NaN where there is nothing to count."""
    return float(_figures(units, np.arange(len(units.sums))[None, :])[0])


def paired_bootstrap(base: Units, other: Units, *, seed: int) -> Difference:
    """`other` minus `base` over the same units, with the 2.5 and 97.5 percentiles of 1,000 resamples of the units."""
    count = len(base.sums)
    drawn = np.random.default_rng(seed).integers(0, count, (_RESAMPLES, count))
    differences = _figures(other, drawn) - _figures(base, drawn)
    low, high = np.nanpercentile(differences, [2.5, 97.5]) if not np.isnan(differences).all() else (np.nan, np.nan)
    return Difference(figure(other) - figure(base), float(low), float(high))


def _figures(units: Units, drawn: NDArray[np.int64]) -> Floats:
    counts = units.counts[drawn].sum(axis=1)
    ratio = np.divide(units.sums[drawn].sum(axis=1), counts, out=np.full(len(drawn), np.nan), where=counts > 0)
    figures: Floats = np.exp(ratio) if units.exponential else ratio
    return figures
