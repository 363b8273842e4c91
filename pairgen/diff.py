"""What is different between two versions, by file, by count and by row, and what it comes from."""

import tomllib
from dataclasses import dataclass
from typing import Any

import polars as pl

from pairgen.errors import StoreError
from pairgen.schema import collected
from pairgen.version import Version, brief

_SET = ["set_id", "parent", "negative_kind"]
_NO_RESULT = ("run.", "train.", "publish.")  # sections of a recipe that change no pair
_ABSENT = "absent"


@dataclass(frozen=True)
class Difference:
    """From `older` to `newer`.

    Causes: `corpus` (source, change, from, to), `recipe` (key, from, to), `models` (role, from, to) and
    `code` (from, to; None where it is the same). Tables: `added` and `removed` are pairs with `cause` and `reason`;
    `rewritten` has set_id, parent, negative_kind, and the pair_id and the positive before and after; `rescored` a row
    a pair and score that moved (pair_id, score, before, after), both with `cause`; `altered` pair_id and what else
    differs, by column.
    """

    older: Version
    newer: Version
    corpus: list[dict[str, Any]]
    recipe: list[dict[str, Any]]
    models: list[dict[str, Any]]
    code: dict[str, str] | None
    files: dict[str, list[str]]
    counts: list[dict[str, Any]]
    added: pl.DataFrame
    removed: pl.DataFrame
    rewritten: pl.DataFrame
    rescored: pl.DataFrame
    altered: pl.DataFrame

    @property
    def thresholds(self) -> list[dict[str, Any]]:
        """The keys of filters that both recipes have, with another setting; `against` is no threshold."""
        moved = [move for move in self.recipe if move["key"].startswith("filters.") and _ABSENT not in move.values()]
        return [move for move in moved if not move["key"].endswith(".against")]

    @property
    def suspects(self) -> list[str]:
        """What changed that can change pairs: what is left as cause where no row tells it."""
        decides = [move["key"] for move in self.recipe if not move["key"].startswith(_NO_RESULT)]
        named = {"corpus": self.corpus, "recipe": decides, "models": self.models, "code": self.code}
        return [name for name, found in named.items() if found]

    @property
    def rest(self) -> str:
        """The cause where no row tells one: whatever changed."""
        return " or ".join(self.suspects) or "unknown"

    @property
    def scored_by(self) -> str:
        """The cause where the same texts have another score: of what changed, what scores them."""
        return " or ".join(name for name in self.suspects if name in {"models", "code"}) or self.rest

    def as_dict(self) -> dict[str, Any]:
        """For machines: ids, causes, reasons and scores; no text."""
        rows: dict[str, Any] = {
            "added": self.added.select("pair_id", "set_id", "source", "split", "cause", "reason").to_dicts(),
            "removed": self.removed.select("pair_id", "set_id", "source", "split", "cause", "reason").to_dicts(),
            "rewritten": self.rewritten.select("set_id", "negative_kind", "before", "after", "cause").to_dicts(),
            "rescored": self.rescored.to_dicts(),
            "altered": self.altered.to_dicts(),
        }
        return {
            "from": {"reference": self.older.reference, "digest": self.older.digest},
            "to": {"reference": self.newer.reference, "digest": self.newer.digest},
            "same": self.older.digest == self.newer.digest,
            "causes": {"corpus": self.corpus, "recipe": self.recipe, "models": self.models, "code": self.code},
            "thresholds": self.thresholds,
            "suspects": self.suspects,
            "files": self.files,
            "counts": self.counts,
            "pairs": {**{name: len(found) for name, found in rows.items()}, "rescored": self.rescored_pairs},
            "rows": rows,
        }

    @property
    def rescored_pairs(self) -> int:
        """How many pairs have another score."""
        return self.rescored["pair_id"].n_unique()


def diff(older: Version, newer: Version) -> Difference:
    """What changed from `older` to `newer`, which may be of two data sets."""
    own = newer.manifest
    found = causes(
        older, source=own["source"], settings=_settings(newer), fingerprints=own["fingerprints"], code=own["code"]
    )
    before, after = older.pairs(), newer.pairs()
    gone, come = before.join(after, on="pair_id", how="anti"), after.join(before, on="pair_id", how="anti")
    rewritten = _rewritten(gone, come, before, after)
    removed = gone.filter(~pl.col("pair_id").is_in(rewritten["before"].implode()))
    added = come.filter(~pl.col("pair_id").is_in(rewritten["after"].implode()))
    with newer.reading("dropped"):
        counted = counts(older, own["counts"], newer.scan("dropped"))
    whole = Difference(
        older=older,
        newer=newer,
        **found,
        files=_files(older, newer),
        counts=counted,
        added=added,
        removed=removed,
        rewritten=rewritten,
        rescored=_rescored(before, after),
        altered=_altered(before, after),
    )
    return _explained(whole)


def causes(
    older: Version,
    *,
    source: list[dict[str, Any]],
    settings: dict[str, Any],
    fingerprints: dict[str, str],
    code: str,
) -> dict[str, Any]:
    """What else than in `older` decides these pairs: `corpus`, `recipe`, `models` and `code`, as in `Difference`."""
    was = older.manifest
    return {
        "corpus": _corpus(was["source"], source),
        "recipe": _recipe(_settings(older), settings),
        "models": _models(was["fingerprints"], fingerprints),
        "code": None if was["code"] == code else {"from": was["code"], "to": code},
    }


def _corpus(older: list[dict[str, Any]], newer: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row a source that came, went, or has other bytes, rows or another licence."""
    before, after = ({each["name"]: each for each in sources} for sources in (older, newer))
    changes = []
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if was and now:
            found = [key for key in ("sha256", "rows", "licence") if was.get(key) != now.get(key)]
            changes += [{"source": name, "change": key, "from": was.get(key), "to": now.get(key)} for key in found]
        elif was:
            changes.append({"source": name, "change": "withdrawn", "from": was.get("sha256"), "to": None})
        elif now:
            changes.append({"source": name, "change": "added", "from": None, "to": now.get("sha256")})
    return changes


def _recipe(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    keys = [key for key in sorted({*before, *after}) if before.get(key, _ABSENT) != after.get(key, _ABSENT)]
    return [{"key": key, "from": before.get(key, _ABSENT), "to": after.get(key, _ABSENT)} for key in keys]


def flat_settings(recipe: str) -> dict[str, Any]:
    """A recipe (TOML), flat: `mine.min_toxicity`, `filters.similarity.min_score`."""
    content = tomllib.loads(recipe)
    filters = content.pop("filters", [])
    flat = {f"{section}.{key}": found for section, keys in content.items() for key, found in keys.items()}
    for each in filters:
        flat[f"filters.{each['kind']}"] = "on"
        flat |= {f"filters.{each['kind']}.{key}": found for key, found in each.items() if key != "kind"}
    return flat


def _settings(version: Version) -> dict[str, Any]:
    try:
        return flat_settings((version.place / "recipe.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError, AttributeError, TypeError, KeyError) as error:
        raise StoreError(
            f"{version.reference}: its recipe cannot be read ({brief(error)}); "
            f"`contrast-pairs verify {version.reference}` says what else is damaged"
        ) from error


def _models(before: dict[str, str], after: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"role": role, "from": before.get(role), "to": after.get(role)}
        for role in [*before, *(role for role in after if role not in before)]
        if before.get(role) != after.get(role)
    ]


def _files(older: Version, newer: Version) -> dict[str, list[str]]:
    before, after = older.manifest["files"], newer.manifest["files"]
    both = sorted(set(before) & set(after))
    return {
        "added": sorted(set(after) - set(before)),
        "removed": sorted(set(before) - set(after)),
        "changed": [name for name in both if before[name]["sha256"] != after[name]["sha256"]],
    }


def counts(older: Version, counted: dict[str, Any], dropped: pl.LazyFrame) -> list[dict[str, Any]]:
    """Every count of a manifest and every drop reason, by its name: in `older`, and as `counted` with `dropped`."""
    with older.reading("dropped"):
        before = _numbers(older.manifest["counts"], older.scan("dropped"))
    after = _numbers(counted, dropped)
    return [
        {"count": name, "from": before.get(name, 0), "to": after.get(name, 0)}
        for name in [*before, *(name for name in after if name not in before)]
    ]


def _numbers(counted: dict[str, Any], dropped: pl.LazyFrame) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, count in counted.items():
        if isinstance(count, dict):
            found |= {f"{name.removesuffix('_by_split')}.{split}": number for split, number in count.items()}
        else:
            found[name] = count
    reasons = collected(dropped.group_by("stage", "drop_reason").len()).sort("stage", "drop_reason")
    return found | {f"dropped.{stage}.{reason}": count for stage, reason, count in reasons.iter_rows()}


def _rewritten(gone: pl.DataFrame, come: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Pairs of one parent whose positive is another now: those of `gone`, in order, with those of `come`."""
    texts = ["set_id", "positive"]
    left = gone.join(after.select(texts).unique(), on=texts, how="anti", maintain_order="left")
    right = come.join(before.select(texts).unique(), on=texts, how="anti", maintain_order="left")
    place = pl.int_range(pl.len()).over(_SET).alias("place")
    return (
        left.with_columns(place)
        .join(right.with_columns(place), on=[*_SET, "place"], suffix="_after", maintain_order="left")
        .select(*_SET, before="pair_id", after="pair_id_after", positive="positive", positive_after="positive_after")
    )


def _rescored(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """A row a pair and score that both versions have and that moved."""
    scores = [name for name in before.columns if name.startswith("score_") and name in after.columns]
    schema = {"pair_id": pl.String, "score": pl.String, "before": pl.Float64, "after": pl.Float64}
    both = before.join(after, on="pair_id", suffix=" after", maintain_order="left")
    moved = [
        both.filter(pl.col(name).ne_missing(pl.col(f"{name} after"))).select(
            "pair_id", score=pl.lit(name.removeprefix("score_")), before=name, after=f"{name} after"
        )
        for name in scores
    ]
    return pl.concat([pl.DataFrame(schema=schema), *moved])


def _altered(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """A row a pair that both versions have and of which something else than a score differs: its split, say."""
    columns = [name for name in before.columns if not name.startswith("score_") and name != "pair_id"]
    both = before.join(after, on="pair_id", suffix=" after", maintain_order="left")
    differs = [
        pl.when(pl.col(name).ne_missing(pl.col(f"{name} after"))).then(pl.lit(name)).otherwise(None) for name in columns
    ]
    marked = both.select("pair_id", columns=pl.concat_list(differs).list.drop_nulls())
    return marked.filter(pl.col("columns").list.len() > 0)


def _explained(whole: Difference) -> Difference:
    """`whole` with `cause` on every pair, and `reason` on those that were added or removed."""
    removed = _causes(whole, whole.removed, whole.newer, whole.older, gone=True)
    added = _causes(whole, whole.added, whole.older, whole.newer, gone=False)
    rewritten = whole.rewritten.with_columns(cause=pl.lit(whole.rest))
    across = pl.col("score") == "near_duplicate"  # it depends on the other pairs
    rescored = whole.rescored.with_columns(
        cause=pl.when(across).then(pl.lit(whole.rest)).otherwise(pl.lit(whole.scored_by))
    )
    found = {"removed": removed, "added": added, "rewritten": rewritten, "rescored": rescored}
    return Difference(**{**vars(whole), **found})


def _causes(whole: Difference, pairs: pl.DataFrame, other: Version, own: Version, *, gone: bool) -> pl.DataFrame:
    """`pairs` of `own` with why `other` lacks them: `cause`, and `reason`, why `other` dropped them (or null).

    In order: the source is not one of `other`'s; `other` dropped the pair by a filter whose threshold moved (its score
    is the same), that `own` has not, or whose score moved; it never saw the text; else whatever changed.
    """
    dropped = other.dropped()
    sources = [source["name"] for source in other.manifest["source"]]
    had = {move["key"].removeprefix("filters."): move for move in whole.recipe if move["key"].startswith("filters.")}
    new = [kind for kind, move in had.items() if "." not in kind and move["from" if gone else "to"] == _ABSENT]
    moved = sorted({move["key"].split(".")[1] for move in whole.thresholds})
    by_pair = dropped.filter(pl.col("unit") == "pair").select(pair_id="id", reason="drop_reason", decided="score")
    parents = own.members().filter(~pl.col("parent_id").is_in(own.members()["member_id"].implode()))
    text_of = parents.select("set_id", text_id="parent_id").unique("set_id", keep="first", maintain_order=True)
    by_text = dropped.filter(pl.col("unit") == "text").select(text_id="id", text_reason="drop_reason")
    seen = pl.concat([other.members().select("set_id"), dropped.select("set_id")]).drop_nulls().unique()
    found = (
        pairs.join(by_pair.unique("pair_id", keep="first"), on="pair_id", how="left", maintain_order="left")
        .join(text_of, on="set_id", how="left", maintain_order="left")
        .join(by_text.unique("text_id", keep="first"), on="text_id", how="left", maintain_order="left")
        .join(seen.with_columns(seen=True), on="set_id", how="left", maintain_order="left")
    )
    same: Any = pl.lit(False)
    for kind in moved:
        if f"score_{kind}" in pairs.columns:
            same = same | ((pl.col("reason") == kind) & (pl.col(f"score_{kind}") == pl.col("decided")))
    names = {"source": "withdrawn", "filter": "added"} if gone else {"source": "added", "filter": "removed"}
    rest, scored = whole.rest, whole.scored_by
    corpus_moved = any(change["change"] != "licence" for change in whole.corpus)
    cause = (
        pl.when(~pl.col("source").is_in(sources))
        .then(pl.lit(f"source {names['source']}"))
        .when(same)
        .then(pl.lit("threshold moved"))
        .when(pl.col("reason").is_in(new))
        .then(pl.lit(f"filter {names['filter']}"))
        .when(pl.col("reason") == "near_duplicate")
        .then(pl.lit(f"score moved: {rest}"))  # it depends on the other pairs
        .when(pl.col("reason").str.strip_suffix("_unscored").is_in(_kinds(other)))
        .then(pl.lit(f"score moved: {scored}"))
        .when(pl.col("reason").is_null() & pl.col("text_reason").is_null() & pl.col("seen").is_null() & corpus_moved)
        .then(pl.lit("source changed"))
        .otherwise(pl.lit(rest))
    )
    return found.with_columns(cause=cause, reason=pl.coalesce("reason", "text_reason")).select(
        *pairs.columns, "cause", "reason"
    )


def _kinds(version: Version) -> list[str]:
    """The kinds of the filters of a version."""
    return [key.split(".")[1] for key in _settings(version) if key.startswith("filters.") and key.count(".") == 1]
