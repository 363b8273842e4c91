"""The card of a version as one page for people (card.html)."""

import re
from itertools import zip_longest
from typing import Any

from markupsafe import Markup

from data_cards import pictures
from data_cards.page import render
from data_cards.shortcuts import MAX_AUC
from data_cards.wording import (
    AGREEMENT,
    BASELINES,
    KINDS,
    MEASURES,
    NO_BASELINES,
    SHORTCUTS,
    SYSTEMS,
    THRESHOLDS,
    USES,
    decided,
    held_against,
    judged,
    licences,
    limits,
    segments,
    sides,
    word_piece,
)
from pairgen.draft import Draft
from pairgen.schema import SPLITS


def page(draft: Draft, stats: dict[str, Any]) -> str:
    """The page of `draft`."""
    return render(
        "card.html",
        "reveal.js",
        "examples.js",
        draft=draft,
        stats=stats,
        splits=SPLITS,
        negatives=_negatives(stats),
        licences=licences(stats),
        decided=decided(stats["since"]["causes"]) if "causes" in (stats["since"] or {}) else [],
        limits=limits(draft),
        held_against=held_against(draft),
        uses=USES,
        about={"shortcuts": SHORTCUTS, "agreement": AGREEMENT, "baselines": BASELINES, "no_baselines": NO_BASELINES},
        measures=MEASURES,
        systems=SYSTEMS,
        passed=sum(row["ok"] for row in stats["checks"]),
        pictures={name: Markup(svg) for name, svg in _pictures(stats).items()},
        **_panels(stats),
        thresholds=_thresholds(stats["what_if"]),
        about_thresholds=Markup(re.sub("`(.*?)`", r"<code>\1</code>", THRESHOLDS)),
        judged=judged(stats["what_if"]) if stats["what_if"] else "",
        vocabulary=[_vocabulary(row) for row in stats["vocabulary"]],
        examples=_examples(stats),
        example_filters=_example_filters(stats),
    )


def _negatives(stats: dict[str, Any]) -> list[dict[str, Any]]:
    """Pairs by the kind of their negative alone: a row a kind, the most frequent first."""
    rows: dict[str, dict[str, Any]] = {}
    for pair in stats["pairs"]["by_kind"]:
        row = rows.setdefault(
            pair["negative_kind"], {"kind": pair["negative_kind"], **dict.fromkeys((*SPLITS, "total"), 0)}
        )
        for split in (*SPLITS, "total"):
            row[split] += pair[split]
    return sorted(rows.values(), key=lambda row: (-row["total"], row["kind"]))


def _pictures(stats: dict[str, Any]) -> dict[str, str]:
    drawn = {"funnel": pictures.funnel(stats["funnel"])} if stats["funnel"] else {}
    toxicity = stats["toxicity"]
    if toxicity and toxicity["before"]["count"] and toxicity["after"]["count"]:
        drawn["before_after"] = pictures.before_after(toxicity)
    if stats["length_ratio"]["count"]:
        drawn["length_ratio"] = pictures.panel("length ratio", stats["length_ratio"], width=480)
    if stats["similarity_change"]["count"]:
        drawn["similarity_change"] = pictures.similarity_change(stats["similarity_change"])
    told = [
        {**row, "kind": KINDS.get(row["negative_kind"], row["negative_kind"])}
        for row in stats["shortcuts"]
        if row["form"] is not None
    ]
    if told:
        drawn["shortcuts"] = pictures.shortcuts(told, most=MAX_AUC)
    return drawn


def _panels(stats: dict[str, Any]) -> dict[str, list[Any]]:
    """A picture a score, that of the negatives (`score_x_negative`) in it; `same` are those with one figure for all."""
    scores = stats["scores"]
    drawn, same = [], []
    for name, positive in scores.items():
        negative = scores.get(f"{name}_negative")
        if name.endswith("_negative") and name.removesuffix("_negative") in scores:
            continue
        title = name.removeprefix("score_").replace("_", " ")
        if not negative and positive["count"] and positive["min"] == positive["max"]:
            same.append(f"{title} {positive['min']:g}")
        elif positive["count"] or (negative and negative["count"]):
            svg = Markup(pictures.panel(name, positive, negative))
            drawn.append({"title": title, "positive": positive, "negative": negative, "svg": svg})
    return {"panels": drawn, "same": same}


def _thresholds(what_if: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """A curve for each threshold that changes what is kept; the names of those that do not."""
    names = {id(row): f"{row['filter']} {row['key']}".replace("_", " ") for row in what_if}
    moving = [row for row in what_if if len({point["kept"] for point in row["points"]}) > 1]
    curves = [{**row, "title": names[id(row)], "svg": Markup(pictures.what_if(names[id(row)], row))} for row in moving]
    return {"curves": curves, "still": [names[id(row)] for row in what_if if row not in moving]}


def _vocabulary(row: dict[str, Any]) -> dict[str, Any]:
    """The words of both sides, line by line; those of toxic negatives are covered whole."""
    toxic = row["group"] == "toxic"
    sides = [
        [{**each, "piece": word_piece(each["word"], toxic=toxic and side == "negative")} for each in row[side]]
        for side in ("positive", "negative")
    ]
    return {**row, "lines": list(zip_longest(*sides))}


def _examples(stats: dict[str, Any]) -> list[dict[str, Any]]:
    """Kept and dropped examples, two of the former to one of the latter while there are both."""
    kept = [{**row, **sides(row), "fate": "kept", "of": row["negative_kind"]} for row in stats["examples"]["kept"]]
    dropped = [_dropped(row) for row in stats["examples"]["dropped"]]
    places = [
        *((place / 2, row) for place, row in enumerate(kept)),
        *((at + 0.75, row) for at, row in enumerate(dropped)),
    ]
    return [row for _, row in sorted(places, key=lambda each: each[0])]


def _example_filters(stats: dict[str, Any]) -> dict[str, list[str]]:
    """What the examples may be narrowed to: the kinds of the kept ones, the reasons of the dropped ones."""
    kept = {row["negative_kind"] for row in stats["examples"]["kept"]}
    dropped = {row["drop_reason"] or "" for row in stats["examples"]["dropped"]} - {""}
    return {"kept": sorted(kept), "dropped": sorted(dropped)}


def _dropped(example: dict[str, Any]) -> dict[str, Any]:
    shown = {**example, "fate": "dropped", "of": example["drop_reason"] or ""}
    if example["positive"] is not None and example["negative"] is not None:
        return {**shown, **sides(example)}
    text = example["text"] or ""
    pieces = segments(text, [(0, len(text))], cover=True, plain=True)  # nothing beside it tells which words: all are
    return {**shown, "positive": None, "negative": None, "text": pieces}
