"""Sets and pairs: the positives and negatives of one context, and their product."""

from collections.abc import Callable
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from pairgen.digests import digest, fraction, normalise
from pairgen.models import Models
from pairgen.negatives.change import Negative
from pairgen.negatives.generated import generated
from pairgen.negatives.negation import negation
from pairgen.negatives.swap_ent import swap_ent
from pairgen.negatives.swap_num import swap_num
from pairgen.negatives.swap_roles import swap_roles
from pairgen.rewriting.rewrite import REWRITES, RewriteSettings, changed_spans, rewrite
from pairgen.schema import MEMBERS, PAIRS, Outcome, check, drop, empty

_MAKERS: dict[str, Callable[..., Negative | None]] = {
    "swap_ent": swap_ent,
    "swap_num": swap_num,
    "negation": negation,
    "swap_roles": swap_roles,
}


_Kind = Literal[
    "swap_ent",
    "swap_num",
    "negation",
    "swap_roles",
    "mask_ent",
    "mask_rel",
    "regen_ent",
    "regen_rel",
    "sys_lowcon",
    "toxic",
]


class NegativesSettings(BaseModel):
    """The `[negatives]` section: which kinds are made of a set's first positive, and how many pairs a set may give.

    What a language model makes takes a second or more of a core a set: those kinds are made in a share of the sets,
    drawn by digest. `toxic` asks it for toxic texts too; those of the corpus are negatives whatever the kinds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: tuple[_Kind, ...] = ("swap_ent", "swap_num", "negation", "swap_roles")
    model_made_fraction: float = Field(default=0.1, ge=0, le=1)
    max_pairs_per_set: int = Field(default=8, ge=1)


def rewrite_seeds(seeds: pl.DataFrame, *, settings: RewriteSettings, models: Models) -> Outcome:
    """`seeds` with `rewrites`, the ranked rewrites of each toxic text.

    Where no rewrite is good, the text is dropped with the reason, unless people wrote one (it has references). A clean
    seed stays as it is, with no rewrites.
    """
    made = rewrite(seeds.filter(pl.col("seed") == "toxic"), settings=settings, models=models)
    bare = seeds.filter(pl.col("references").list.len() == 0).select("text_id")
    reasons = made.filter(pl.col("rewrite").is_null()).join(bare, on="text_id", how="semi")
    reasons = reasons.select("text_id", "abstain_reason")
    ranked = made.filter(pl.col("rewrite").is_not_null())
    nested = ranked.group_by("text_id", maintain_order=True).agg(
        rewrites=pl.struct([name for name in REWRITES if name not in {"text_id", "abstain_reason"}])
    )
    joined = seeds.join(nested, on="text_id", how="left", maintain_order="left")
    abstained = joined.join(reasons, on="text_id", how="inner", maintain_order="left")
    dropped = drop(abstained.drop("seed", "rewrites", "abstain_reason"), stage="rewrite", reason="", unit="text")
    kept = joined.join(reasons, on="text_id", how="anti", maintain_order="left")
    return Outcome(kept, dropped.with_columns(drop_reason="abstained_" + abstained["abstain_reason"]))


def make_sets(seeds: pl.DataFrame, *, settings: NegativesSettings, min_toxicity: float, models: Models) -> Outcome:
    """The members of every set, as `MEMBERS`; a seed of which no set can be made is dropped as "no_negative".

    A toxic seed is itself a negative (`toxic`); its references (`human`) and then its rewrites are the positives. A
    clean seed is the positive (`original`). The other kinds are made of the first positive: the `back_translation`, the
    last positive, where the recipe names a translator, and the negatives, among them, where the settings ask for it,
    `toxic`: what a language model says at or over `min_toxicity`.
    """
    rows: list[dict[str, Any]] = []
    without: list[str] = []
    plans = [_positives(seed) for seed in seeds.iter_rows(named=True)]
    _add_back_translations(plans, seeds["text"].to_list(), models)
    docs = models.parser.parse([positives[0]["text"] for positives in plans])
    contexts = models.parser.parse(seeds["context"].to_list())
    made = _made([positives[0] for positives in plans], docs, contexts, settings, min_toxicity, models)
    for seed, positives, negatives_by_kind in zip(seeds.iter_rows(named=True), plans, made, strict=True):
        mined = _toxic(seed, positives[0])
        negatives = mined + _new([*positives, *mined], negatives_by_kind)
        if negatives:
            rows += positives + negatives
        else:
            without.append(seed["text_id"])
    members = pl.DataFrame(rows, schema=MEMBERS) if rows else empty(MEMBERS)
    lacking = seeds.filter(pl.col("text_id").is_in(without)).drop("seed", "rewrites")
    return Outcome(
        check(members, MEMBERS, stage="negatives"), drop(lacking, stage="negatives", reason="no_negative", unit="text")
    )


def make_pairs(members: pl.DataFrame, seeds: pl.DataFrame, *, settings: NegativesSettings, models: Models) -> Outcome:
    """Every positive of a set with its negatives, as `PAIRS`, with the negatives' toxicity by scorer and judge.

    A `toxic` negative stands against every positive of its set; a changed one against the positive that it was made of,
    from which it differs in its own way alone, and against the back-translation of that one.
    Over `max_pairs_per_set` a pair is dropped: every kind of negative comes once before any comes twice. `seeds` give
    the texts that rewrites were made from.
    """
    columns = ["set_id", "member_id", "kind", "text", "parent_id"]
    positives = members.filter(pl.col("role") == "positive")
    negatives = members.filter(pl.col("role") == "negative").select(columns)
    origin = seeds.select(parent_id="text_id", parent="text")
    pairs = (
        positives.join(origin, on="parent_id", how="left", maintain_order="left")
        .join(negatives, on="set_id", suffix="_negative", maintain_order="left_right")
        .filter(
            (pl.col("kind_negative") == "toxic")
            | (pl.col("parent_id_negative") == pl.col("member_id"))
            | (pl.col("kind") == "back_translation")
        )
        .select(
            "set_id",
            "context",
            pair_id=pl.concat_str("member_id", "member_id_negative", separator=" "),
            positive="text",
            negative="text_negative",
            parent=pl.col("parent").fill_null(pl.col("text")),
            positive_kind="kind",
            negative_kind="kind_negative",
            source="source",
            split="split",
        )
        .with_columns(pair_id=pl.col("pair_id").map_elements(digest, return_dtype=pl.String))
        .select(*PAIRS)
    )
    scored = pairs.with_columns(
        score_toxicity_negative=pl.Series(models.toxicity.toxicity(pairs["negative"].to_list()), dtype=pl.Float64),
        score_judge_negative=pl.Series(models.judge.toxicity(pairs["negative"].to_list()), dtype=pl.Float64),
    ).with_columns(pl.col("score_toxicity_negative", "score_judge_negative").fill_nan(None))
    rank = pl.int_range(pl.len()).over("set_id", "negative_kind")
    place = rank.rank("ordinal").over("set_id")
    placed = scored.with_columns(place=place)
    over = placed.filter(pl.col("place") > settings.max_pairs_per_set).drop("place")
    kept = placed.filter(pl.col("place") <= settings.max_pairs_per_set).drop("place")
    return Outcome(kept, drop(over, stage="pair", reason="over_max_pairs_per_set", unit="pair"))


def count_sets(members: pl.DataFrame) -> int:
    """How many sets the `members` make."""
    return members["set_id"].n_unique()


def set_id_of(text_id: str) -> str:
    """The id of the set that is made of a seed."""
    return digest("set", text_id)


def count_products(members: pl.DataFrame) -> int:
    """How many pairs the `members` make.

    In each set positives times toxic negatives, and one a changed negative; two where there is a back-translation.
    """
    kinds = members.group_by("set_id").agg(
        positives=(pl.col("role") == "positive").sum().cast(pl.Int64),
        translated=(pl.col("kind") == "back_translation").sum().cast(pl.Int64),
        toxic=(pl.col("kind") == "toxic").sum().cast(pl.Int64),
        negatives=(pl.col("role") == "negative").sum().cast(pl.Int64),
    )
    changed = kinds["negatives"] - kinds["toxic"]
    return int((kinds["positives"] * kinds["toxic"] + changed * (1 + kinds["translated"])).sum())


def members_of(members: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """The `members` that stand in at least one of `pairs`."""
    positive = pairs.select("set_id", text="positive", role=pl.lit("positive"))
    negative = pairs.select("set_id", text="negative", role=pl.lit("negative"))
    return members.join(
        pl.concat([positive, negative]).unique(), on=["set_id", "text", "role"], how="semi", maintain_order="left"
    )


def _member(seed: dict[str, Any], *, role: str, kind: str, text: str, parent_id: str, spans: Any) -> dict[str, Any]:
    set_id = set_id_of(seed["text_id"])
    return {
        "set_id": set_id,
        "member_id": digest("member", set_id, role, kind, text),
        "role": role,
        "kind": kind,
        "context": seed["context"],
        "text": text,
        "parent_id": parent_id,
        "spans": spans,
        "source": seed["source"],
        "split": seed["split"],
        "text_id": seed["text_id"],
    }


def _positives(seed: dict[str, Any]) -> list[dict[str, Any]]:
    parent_id = seed["text_id"]
    if seed["seed"] == "clean":
        return [_member(seed, role="positive", kind="original", text=seed["text"], parent_id=parent_id, spans=[])]
    same = {normalise(text) for text in seed["references"]}
    rewrites = [made["rewrite"] for made in seed["rewrites"] or [] if normalise(made["rewrite"]) not in same]
    texts = [("human", text) for text in seed["references"]] + [("rewrite", text) for text in rewrites]
    return [
        _member(
            seed,
            role="positive",
            kind=kind,
            text=text,
            parent_id=parent_id,
            spans=changed_spans(text, seed["text"]),
        )
        for kind, text in texts
    ]


def _add_back_translations(plans: list[list[dict[str, Any]]], parents: list[str], models: Models) -> None:
    """To the positives of each set the back-translation of the first, unless it says the same as one or the parent."""
    if models.translator is None:
        return
    said = models.translator.round_trip([positives[0]["text"] for positives in plans])
    for positives, parent, text in zip(plans, parents, said, strict=True):
        same = {normalise(parent), *(normalise(positive["text"]) for positive in positives)}
        if text is not None and normalise(text) not in same:
            first = positives[0]
            spans = changed_spans(text, parent)
            positives.append(
                _member(
                    first,
                    role="positive",
                    kind="back_translation",
                    text=text,
                    parent_id=first["parent_id"],
                    spans=spans,
                )
            )


def _toxic(seed: dict[str, Any], positive: dict[str, Any]) -> list[dict[str, Any]]:
    """The mined text itself; its spans are what the first positive changed."""
    if seed["seed"] == "clean":
        return []
    spans = changed_spans(seed["text"], positive["text"])
    return [_member(seed, role="negative", kind="toxic", text=seed["text"], parent_id=seed["text_id"], spans=spans)]


def _made(
    firsts: list[dict[str, Any]],
    docs: list[Any],
    contexts: list[Any],
    settings: NegativesSettings,
    min_toxicity: float,
    models: Models,
) -> list[dict[str, Negative | None]]:
    """One negative of each kind of the settings for each first positive of a set, in the settings' order."""
    made: list[dict[str, Negative | None]] = [{} for _ in firsts]
    drawn = [fraction("model_made", first["set_id"]) < settings.model_made_fraction for first in firsts]
    for kind in settings.kinds:
        places = [place for place, chosen in enumerate(drawn) if chosen or kind in _MAKERS]
        asked = [(docs[place], contexts[place], digest(kind, firsts[place]["member_id"])) for place in places]
        if kind in _MAKERS:
            found = [_MAKERS[kind](doc, context, seed=seed) for doc, context, seed in asked]
        else:
            found = generated(kind, asked, min_toxicity=min_toxicity, models=models)
        for place, negative in zip(places, found, strict=True):
            made[place][kind] = negative
    return made


def _new(members: list[dict[str, Any]], made: dict[str, Negative | None]) -> list[dict[str, Any]]:
    """Members of what was `made` of the first of a set's `members`, without what equals one of them or one another."""
    first = members[0]
    same = {normalise(member["text"]) for member in members}
    rows = []
    for kind, negative in made.items():
        if negative is not None and normalise(negative.text) not in same:
            same.add(normalise(negative.text))
            rows.append(
                _member(
                    first,
                    role="negative",
                    kind=kind,
                    text=negative.text,
                    parent_id=first["member_id"],
                    spans=negative.spans,
                )
            )
    return rows
