"""Candidates: versions so far from the one before that `latest` does not mean them until someone gives them a tag."""

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from pairgen.draft import Contents
from pairgen.schema import collected
from pairgen.tags import tag_history
from pairgen.version import Version


class Limits(BaseModel):
    """How far a version may be from the latest; beyond, it is published as a candidate. None sets no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_pairs_change: float | None = Field(default=None, ge=0)  # of the number of pairs, as a part of what it was
    max_dropped_change: float | None = Field(default=None, ge=0)  # of what a stage drops for a reason, in parts of 1
    max_toxicity_change: float | None = Field(default=None, ge=0)  # of the mean of the positives
    max_similarity_change: float | None = Field(default=None, ge=0)  # of the mean of the positives


def beyond(contents: Contents, latest: Version, limits: Limits) -> list[str]:
    """A line a figure of `contents` that is further from `latest` than `limits` allow; `StoreError` if it is damaged.

    A score that one of the two lacks is not compared.
    """
    with latest.reading("pairs", "dropped"):
        before, mean_before = _pairs(latest.scan("pairs"))
        was = _shares(latest.scan("dropped"), pl.DataFrame(latest.manifest["funnel"]))
    pairs, mean_now = _pairs(contents.pairs)
    now = _shares(contents.dropped, contents.funnel)
    figures: list[tuple[str, float, float, float, str]] = [
        ("pairs", before, pairs, pairs / before - 1, "max_pairs_change")
    ]
    for stage, reason in sorted(was.keys() | now.keys()):
        shares = was.get((stage, reason), 0.0), now.get((stage, reason), 0.0)
        figures.append((f"{stage}: dropped as {reason}", *shares, shares[1] - shares[0], "max_dropped_change"))
    for score, mean in mean_before.items():
        if mean is not None and (moved := mean_now.get(score)) is not None:
            figures.append((f"mean {score}", mean, moved, moved - mean, f"max_{score}_change"))
    return [
        f"{name} {found:.4g}, {expected:.4g} in {latest.reference}: "
        f"{change:{'+.1%' if name == 'pairs' else '+.4g'}}, {key} is {limit:g}"
        for name, expected, found, change, key in figures
        if (limit := getattr(limits, key)) is not None and abs(change) > limit
    ]


def is_candidate(version: Version) -> bool:
    """Whether `version` was published as a candidate and has never had a tag since."""
    moved = tag_history(version) if version.candidate else []
    return bool(version.candidate) and version.number not in {move["to"] for move in moved}


def _shares(dropped: pl.LazyFrame, funnel: pl.DataFrame) -> dict[tuple[str, str], float]:
    """What each stage dropped for each reason, as a part of what entered it."""
    reasons = collected(dropped.group_by("stage", "unit", "drop_reason").len())
    counts = reasons.join(funnel, on=["stage", "unit"])
    return {(row["stage"], row["drop_reason"]): row["len"] / row["entered"] for row in counts.iter_rows(named=True)}


def _pairs(pairs: pl.LazyFrame) -> tuple[int, dict[str, float | None]]:
    """How many there are, and the mean of each score that may be limited and that they have."""
    scores = [score for score in ("toxicity", "similarity") if f"score_{score}" in pairs.collect_schema()]
    columns = (collected(pairs.select(f"score_{score}")).rechunk() for score in scores)
    means = [column.select(pl.all().fill_nan(None).mean()).item() for column in columns]
    return collected(pairs.select(pl.len())).item(), dict(zip(scores, means, strict=True))
