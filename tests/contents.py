"""A small made-up build result for tests: mild texts, every split and several kinds, a ledger that adds up."""

from typing import Any

import polars as pl

from pairgen.digests import digest, fraction
from pairgen.draft import Contents
from pairgen.schema import DROPPED, FUNNEL, MEMBERS, PAIRS, SPLITS

PLACES = ("Leeds", "Lyon", "Porto", "Graz", "Bergen")
THINGS = ("bridge", "bakery", "timetable", "museum", "library", "playground")
SCORES = ("toxicity", "judge", "toxicity_negative", "judge_negative", "similarity", "length_ratio")


def contents(sets: int = 24, *, splits: tuple[str, ...] = SPLITS) -> Contents:
    """`sets` sets: of three, two are seeded by a toxic text (one pair) and one by a clean text (three pairs)."""
    pairs: list[dict[str, Any]] = []
    members: list[dict[str, Any]] = []
    for number in range(sets):
        _add_set(number, splits[number // 3 % len(splits)], pairs, members)
    dropped = _dropped(splits)
    mined = {"stage": "mine", "unit": "text", "entered": sets + 4, "kept": sets, "dropped": 4}
    gated = {"stage": "filter", "unit": "pair", "entered": len(pairs) + 6, "kept": len(pairs), "dropped": 6}
    scores = {f"score_{name}": pl.Float64() for name in SCORES}
    return Contents(
        pairs=pl.DataFrame(pairs, schema={**PAIRS, **scores}).lazy(),
        members=pl.DataFrame(members, schema=MEMBERS).lazy(),
        dropped=pl.DataFrame(dropped, schema={**DROPPED, "score_similarity": pl.Float64()}).lazy(),
        funnel=pl.DataFrame([mined, gated], schema=FUNNEL),
        recipe='[publish]\nname = "demo"\n',
        fingerprints={"toxicity": "package:profanity_check 1.7 " + "ab" * 32, "judge": "package:better_profanity 0.7"},
        source=[
            {"name": "street", "path": "street.csv", "rows": sets + 4, "sha256": "cd" * 32, "licence": "CC-BY-4.0"}
        ],
    )


def _add_set(number: int, split: str, pairs: list[dict[str, Any]], members: list[dict[str, Any]]) -> None:
    place, thing = PLACES[number % 5], THINGS[number % 6]
    context = "" if number % 4 else f"What about the {thing} in {place}?"
    if number % 3:
        parent = f"The damn {thing} in {place} opens {number + 2} days late, you idiot."
        positive, kind = f"The {thing} in {place} opens {number + 2} days late.", "rewrite"
        negatives = [("toxic", parent)]
    else:
        parent = positive = f"They built the {thing} in {place} for {number + 30} women in May."
        kind = "original"
        negatives = [
            ("swap_num", positive.replace(str(number + 30), str(number + 47))),
            ("swap_ent", positive.replace(place, PLACES[(number + 2) % 5])),
            ("negation", positive.replace("They built", "They never built")),
        ]
    set_id, parent_id = digest("set", parent), digest("text", parent)
    base = {"set_id": set_id, "context": context, "source": "street", "split": split}
    for role, made, text in [("positive", kind, positive), *(("negative", *negative) for negative in negatives)]:
        member = {"member_id": digest(set_id, role, text), "role": role, "kind": made, "text": text}
        spans = [] if text == parent else [{"start": 0, "end": 4}]
        made_of = parent_id if role == "positive" or made == "toxic" else digest(set_id, "positive", positive)
        members.append({**base, **member, "parent_id": made_of, "spans": spans})
    for made, negative in negatives:
        pair_id = digest(positive, negative)
        drawn = fraction(pair_id)
        toxic = made == "toxic"
        scores: tuple[float, ...] = (
            0.02 + 0.2 * drawn,
            0.0,
            0.75 + 0.2 * drawn if toxic else 0.03 + 0.2 * drawn,
            float(toxic),
        )
        scores = (*scores, 0.6 + 0.35 * drawn, len(positive) / len(negative))
        pair = {"pair_id": pair_id, "positive": positive, "negative": negative, "parent": parent}
        named = {f"score_{name}": score for name, score in zip(SCORES, scores, strict=True)}
        pairs.append({**base, **pair, "positive_kind": kind, "negative_kind": made, **named})


def _dropped(splits: tuple[str, ...]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    blank = dict.fromkeys(DROPPED)
    for number, reason in enumerate(("empty", "too_long", "clean_not_sampled", "clean_not_sampled")):
        text = f"A dull remark about lunch, number {number}."
        row = {"stage": "mine", "drop_reason": reason, "unit": "text", "id": digest(text), "text": text, "context": ""}
        rows.append({**blank, **row, "source": "street", "split": splits[0] if number > 1 else None})
    for number, reason in enumerate(("similarity", "similarity", "numbers_kept", "copy", "toxicity", "similarity")):
        parent = f"Only an idiot would queue {number + 3} hours for soup."
        row = {
            "stage": "filter",
            "drop_reason": reason,
            "unit": "pair",
            "id": digest(parent),
            "set_id": digest("x", parent),
        }
        texts = {"context": "", "positive": "Nobody would queue for soup.", "negative": parent, "parent": parent}
        kinds = {"positive_kind": "rewrite", "negative_kind": "toxic", "source": "street", "split": splits[0]}
        rows.append(
            {**blank, **row, **texts, **kinds, "score": 0.3 + number / 100, "score_similarity": 0.3 + number / 100}
        )
    return rows
