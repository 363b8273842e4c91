"""Pure counts over what a build hands over: everything that a data card shows, as one JSON-able dict."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from data_cards import confounds
from data_cards.shortcuts import MAX_AUC, shortcuts
from pairgen.digests import normalise
from pairgen.draft import Contents
from pairgen.schema import REWRITTEN, SPLITS, collected
from pairgen.version import count_rows, in_portions

BINS = 20
_TABLES = ("pairs", "members", "dropped")
TOXIC = 0.5  # where scorer and judge are compared; the thresholds that decided stand in the recipe
_MAX_EXAMPLE = 600
_MAX_RATIO = 2.0  # of lengths: more counts as this, so that one odd pair does not squeeze the picture
_ACROSS, _DOWN = 20, 10  # bins a unit of similarity, and of toxicity
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_EXAMPLE = ("context", "positive", "negative", "parent", "positive_kind", "negative_kind", "split", "source")


def count(contents: Contents, *, kept_examples: int = 120, dropped_examples: int = 80) -> dict[str, Any]:
    """The numbers of a data card.

    Examples are drawn by smallest id, never by score, from each kind and reason in turn: they hold raw text, cut after
    600 characters. Scores that are
    null or NaN are counted as `missing` and enter no quantile.
    """
    pairs, members, dropped = contents.pairs, contents.members, contents.dropped
    rows = count_rows(pairs, members, dropped)
    totals = {name: {"total": rows[name], "by_split": rows[f"{name}_by_split"]} for name in _TABLES}
    scores = [name for name in pairs.collect_schema() if name.startswith("score_")]
    counts: dict[str, Any] = {
        "sets": {"total": rows["sets"], "by_split": _sets_by_split(members, rows["members_by_split"])},
        "pairs": {**totals["pairs"], "by_kind": _by_kind(pairs, ("positive_kind", "negative_kind"))},
        "members": {**totals["members"], "by_kind": _by_kind(members, ("role", "kind"))},
        "dropped": {**totals["dropped"], "by_reason": _reasons(dropped)},
        "funnel": contents.funnel.to_dicts(),
        "sources": contents.source,
        "fingerprints": contents.fingerprints,
        "scores": {name: distribution(_column(pairs, pl.col(name))) for name in scores},
        "toxicity": _toxicity(pairs),
        "similarity_change": _similarity_change(pairs),
        "agreement": _agreement(pairs, dropped),
        "length_ratio": distribution(
            _column(pairs, confounds.LENGTH_RATIO.clip(upper_bound=_MAX_RATIO)), upper=_MAX_RATIO
        ),
        "identity": confounds.identity(pairs),
        "vocabulary": confounds.vocabulary(pairs),
        "shortcuts": shortcuts(pairs),
        "examples": {
            "kept": _examples(pairs, ("pair_id", *_EXAMPLE), kept_examples, of=("positive_kind", "negative_kind")),
            "dropped": _examples(
                dropped,
                ("id", "unit", "stage", "drop_reason", "score", "text", *_EXAMPLE),
                dropped_examples,
                of=("stage", "drop_reason"),
            ),
        },
    }
    return {**counts, "checks": _checks(contents, counts)}


def distribution(scores: pl.Series, *, upper: float = 1.0) -> dict[str, Any]:
    """Number, missing, mean, extremes, quantiles, and 20 bins over 0 to `upper` (wider where the scores are)."""
    known = scores.cast(pl.Float64).drop_nulls().drop_nans().to_numpy()
    summary: dict[str, Any] = {"count": len(known), "missing": len(scores) - len(known)}
    if not len(known):
        return summary
    low, high = min(0.0, float(known.min())), max(upper, float(known.max()))
    heights, edges = np.histogram(known, bins=BINS, range=(low, high))
    summary |= {"mean": float(known.mean()), "min": float(known.min()), "max": float(known.max())}
    summary["quantiles"] = {f"{q:g}": float(np.quantile(known, q)) for q in _QUANTILES}
    return {**summary, "histogram": {"edges": [round(float(edge), 6) for edge in edges], "counts": heights.tolist()}}


def _column(rows: pl.LazyFrame, of: pl.Expr) -> pl.Series:
    """One column of numbers, all that is read of `rows` at once."""
    return collected(rows.select(of)).to_series()


def _sets_by_split(members: pl.LazyFrame, splits: Iterable[str]) -> dict[str, int]:
    by_split = {split: members.filter(pl.col("split") == split) for split in splits}
    return {split: _column(part, pl.col("set_id").hash()).n_unique() for split, part in by_split.items()}


def _by_kind(rows: pl.LazyFrame, kinds: tuple[str, str]) -> list[dict[str, Any]]:
    in_split = [(pl.col("split") == split).sum().cast(pl.Int64).alias(split) for split in SPLITS]
    table = rows.group_by(kinds).agg(*in_split, pl.len().cast(pl.Int64).alias("total"))
    return collected(table).sort("total", *kinds, descending=[True, False, False]).to_dicts()


def _reasons(dropped: pl.LazyFrame) -> list[dict[str, Any]]:
    table = dropped.group_by("stage", "unit", "drop_reason").agg(pl.len().cast(pl.Int64).alias("count"))
    ordered = collected(table).sort("count", "stage", "unit", "drop_reason", descending=[True, False, False, False])
    return ordered.to_dicts()


def _toxicity(pairs: pl.LazyFrame) -> dict[str, Any]:
    """Scores of the texts that were rewritten and of the rewrites, and in how many pairs it fell."""
    before, after = pl.col("score_toxicity_negative"), pl.col("score_toxicity")
    if not {"score_toxicity", "score_toxicity_negative"} <= set(pairs.collect_schema()):
        return {}
    rewritten = pairs.filter(REWRITTEN)
    counts = collected(rewritten.select(pairs=pl.len(), fell=(after < before).sum())).row(0, named=True)
    scores = {name: distribution(_column(rewritten, of)) for name, of in (("before", before), ("after", after))}
    return {**counts, **scores}


def _similarity_change(pairs: pl.LazyFrame) -> dict[str, Any]:
    """Rewrites by their similarity to the toxic text and by the change of toxicity: counts in bins of .05 by .1.

    `bins` has [left edge, lower edge, count] of each bin that holds a rewrite; the last ones hold their upper edge too.
    """
    names = ["score_similarity", "score_toxicity", "score_toxicity_negative"]
    if not set(names) <= set(pairs.collect_schema()):
        return {"count": 0, "bins": []}
    known = pairs.filter(REWRITTEN).select(pl.col(names).fill_nan(None)).drop_nulls()
    bins = known.select(
        left=(pl.col("score_similarity") * _ACROSS).floor().clip(-_ACROSS, _ACROSS - 1).cast(pl.Int64),
        lower=((pl.col("score_toxicity") - pl.col("score_toxicity_negative")) * _DOWN)
        .round(9)
        .floor()
        .clip(-_DOWN, _DOWN - 1)
        .cast(pl.Int64),
    )
    counts = collected(bins.group_by("left", "lower").len()).sort("left", "lower")
    return {
        "count": counts["len"].sum(),
        "bins": [[left / _ACROSS, lower / _DOWN, number] for left, lower, number in counts.iter_rows()],
    }


def _agreement(pairs: pl.LazyFrame, dropped: pl.LazyFrame) -> list[dict[str, Any]]:
    """How often scorer and judge fall on the same side of .5: a row for each group of texts that has both scores."""
    judged = []
    for group, rows, ending in (
        ("positives kept", pairs, ""),
        ("negatives kept", pairs, "_negative"),
        ("positives dropped", dropped.filter(pl.col("unit") == "pair"), ""),
    ):
        scorer, judge = f"score_toxicity{ending}", f"score_judge{ending}"
        if not {scorer, judge} <= set(rows.collect_schema()):
            continue
        known = rows.select(scorer=pl.col(scorer).fill_nan(None) >= TOXIC, judge=pl.col(judge).fill_nan(None) >= TOXIC)
        both = pl.col("scorer") & pl.col("judge")
        counted = known.drop_nulls().select(
            count=pl.len(),
            both=both.sum(),
            scorer_only=(pl.col("scorer") & ~both).sum(),
            judge_only=(pl.col("judge") & ~both).sum(),
        )
        number, *said = collected(counted).row(0)
        if number:
            cells = dict(
                zip(("both", "scorer_only", "judge_only", "neither"), [*said, number - sum(said)], strict=True)
            )
            ratio = (cells["both"] + cells["neither"]) / number
            judged.append({"group": group, "count": number, **cells, "ratio": ratio, "kappa": _kappa(**cells)})
    return judged


def _kappa(*, both: int, scorer_only: int, judge_only: int, neither: int) -> float | None:
    """Cohen's kappa, agreement beyond chance; None where both say one and the same of every text."""
    total, scorer, judge = both + scorer_only + judge_only + neither, both + scorer_only, both + judge_only
    chance = (scorer * judge + (total - scorer) * (total - judge)) / total**2
    return None if chance == 1 else ((both + neither) / total - chance) / (1 - chance)


def _examples(rows: pl.LazyFrame, columns: Sequence[str], number: int, *, of: tuple[str, ...]) -> list[dict[str, Any]]:
    """The first of each `of` by id (the first of `columns`), then the second of each, until there are `number`."""
    order = [columns[0], "positive", "negative"]
    kinds = collected(rows.select(of).unique()).sort(of).to_dicts()
    ordered = [rows.filter(**kind).select(columns).sort(order, maintain_order=True) for kind in kinds]
    few = pl.concat([collected(each.head(number)) for each in [rows.select(columns).clear(), *ordered]])
    ranked = few.sort(order, maintain_order=True).with_columns(turn=pl.int_range(pl.len()).over(of))
    first = ranked.sort("turn", *order, maintain_order=True).head(number)
    return [
        {name: _cut(row[name]) if isinstance(row[name], str) else row[name] for name in columns}
        for row in first.iter_rows(named=True)
    ]


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_EXAMPLE else text[:_MAX_EXAMPLE] + "…"


def _checks(contents: Contents, counts: dict[str, Any]) -> list[dict[str, Any]]:
    """Simple checks, each with what was found: `ok` is what a reviewer would want, not a guarantee."""
    pairs, members, funnel = contents.pairs, contents.members, contents.funnel
    lost = int((funnel["entered"] - funnel["kept"] - funnel["dropped"]).abs().sum())
    lost += abs(int(funnel["dropped"].sum()) - counts["dropped"]["total"])
    shared = _in_two_splits(members)
    absent = [split for split in SPLITS if split not in counts["pairs"]["by_split"]]
    same = collected(pairs.select((pl.col("positive") == pl.col("negative")).sum())).item()
    found = [
        ("Nothing vanished", not lost, f"{lost:,} rows unaccounted for"),
        ("No text in two splits", not shared, f"{shared:,} texts in more than one split"),
        ("Every split has pairs", not absent, f"empty: {', '.join(absent) or 'none'}"),
        ("No pair of two equal texts", not same, f"{same:,} such pairs"),
    ]
    toxicity, length = counts["toxicity"], counts["length_ratio"]
    if toxicity and toxicity["pairs"]:
        worse = toxicity["pairs"] - toxicity["fell"]
        found.append(
            ("Every rewrite scores below its original", not worse, f"{worse:,} of {toxicity['pairs']:,} do not")
        )
    for row in counts["agreement"]:
        if row["group"] == "positives kept":
            seen = row["both"] + row["judge_only"]
            gone = sum(row["count"] for row in counts["dropped"]["by_reason"] if row["drop_reason"] == "judge")
            what = f"{seen:,} of {row['count']:,} it does" + (f"; {gone:,} went for it before" if gone else "")
            found.append(("The judge finds no positive toxic", not seen, what))
    if length["count"]:
        median = length["quantiles"]["0.5"]
        found.append(
            ("Both sides are of like length", 0.8 <= median <= 1.25, f"median ratio {median:.2f}, 0.80 to 1.25 is fine")
        )
    identity = counts["identity"][0]
    most = max(1, round(0.05 * counts["pairs"]["total"]))
    found.append(
        (
            "Identities stay mentioned",
            identity["lost"] <= most,
            f"lost in {identity['lost']:,} pairs, {most:,} are fine",
        )
    )
    told = {row["negative_kind"]: row["warns"] for row in counts["shortcuts"] if row["warns"] is not None}
    if told:
        over = ", ".join(kind for kind, warns in told.items() if warns) or "none"
        found.append(
            ("Form alone does not tell the sides", over == "none", f"over {MAX_AUC}: {over}, of {len(told)} kinds")
        )
    return [{"check": check, "ok": bool(ok), "found": what} for check, ok, what in found]


def _in_two_splits(members: pl.LazyFrame) -> int:
    """How many normalised texts stand in more than one split: found by hashes, then by the texts of those."""
    hashes = defaultdict(list)
    for split, texts in _plain(members):
        hashes[split].append(texts.hash().unique())
    found = pl.concat([pl.Series(dtype=pl.UInt64), *(pl.concat(some).unique() for some in hashes.values())])
    twice = found.filter(found.is_duplicated()).unique().implode()
    if not len(twice.item()):
        return 0
    splits: defaultdict[str, set[str]] = defaultdict(set)
    for split, texts in _plain(members):
        for text in texts.filter(texts.hash().is_in(twice)):
            splits[text].add(split)
    return sum(len(some) > 1 for some in splits.values())


def _plain(members: pl.LazyFrame) -> Iterator[tuple[str, pl.Series]]:
    """A split and some of its texts, normalised, until all were read."""
    for portion in in_portions(members.select("split", "text")):
        for (split,), part in portion.group_by("split"):
            yield str(split), part["text"].map_elements(normalise, return_dtype=pl.String)
