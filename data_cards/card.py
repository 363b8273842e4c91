"""The card of a version as Markdown for the Hugging Face Hub, and `documents`: all that a version says about itself."""

import json
from collections.abc import Sequence
from typing import Any

from data_cards import html
from data_cards.croissant import croissant
from data_cards.hub import front_matter
from data_cards.since import since
from data_cards.stats import count
from data_cards.wording import (
    ABOUT,
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
    markdown,
    or_none,
    outcome,
    sides,
    telling,
)
from pairgen.draft import Draft
from pairgen.schema import SPLITS

_EXAMPLES = 12


def documents(
    draft: Draft, what_if: Sequence[dict[str, Any]] = (), baselines: Sequence[dict[str, Any]] = ()
) -> dict[str, str]:
    """README.md, card.html, croissant.json and stats.json of `draft`.

    `what_if` has the rows of `filters.what_if.curves`, `baselines` those of `pairgen.rewriting.baselines`.
    """
    stats = {**count(draft.contents), "since": since(draft), "what_if": list(what_if), "baselines": list(baselines)}
    return {
        "README.md": readme(draft, stats),
        "card.html": html.page(draft, stats),
        "croissant.json": _json(croissant(draft, stats)),
        "stats.json": _json(stats),
    }


def _json(found: dict[str, Any]) -> str:
    """As plain ASCII without a `<`: no tag, control or bidirectional character of a comment stands in the file."""
    return json.dumps(found, indent=1, allow_nan=False).replace("<", "\\u003c") + "\n"


def readme(draft: Draft, stats: dict[str, Any]) -> str:
    """A dataset card as the Hub reads it: YAML front matter, so that `datasets` loads the folder, then Markdown."""
    parts = [
        f"---\n{front_matter(draft, stats)}---",
        f"# {markdown(draft.name)}, version {draft.number}",
        _summary(draft, stats),
        "## Load and train\n\n" + _usage(draft, stats),
        "## Pairs by kind and split\n\n" + _kinds(stats),
        "## Where the rows went\n\n" + _funnel(stats),
        "## Checks\n\n" + _table(["check", "", "found"], [_check(row) for row in stats["checks"]]),
        "## Scores\n\n" + _scores(stats),
        "## Other thresholds\n\n" + _what_if(stats),
        "## Shortcut cues\n\n" + _shortcuts(stats),
        "## Scorer against judge\n\n" + _agreement(stats),
        "## Beside copying, deleting and people\n\n" + _baselines(stats),
        *(["## Since the version before\n\n" + _since(draft, stats["since"])] if stats["since"] else []),
        "## Examples\n\nDrawn by smallest id, toxic words masked.\n\n" + _examples(stats),
        "## Models and sources\n\n" + _origin(draft, stats),
        "## Intended use\n\n" + "\n".join(f"- {use}" for use in USES),
        "## Limits\n\n" + "\n".join(f"- {limit}" for limit in limits(draft)),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(draft: Draft, stats: dict[str, Any]) -> str:
    toxicity = stats["toxicity"]
    text = f"{stats['pairs']['total']:,} contrast pairs in {stats['sets']['total']:,} sets. {ABOUT} "
    if toxicity.get("before", {}).get("count") and toxicity["after"]["count"]:
        before, after = (toxicity[key]["quantiles"]["0.5"] for key in ("before", "after"))
        text += f"Rewriting brought the median toxicity of the toxic texts from {before:.2f} to {after:.2f}. "
    text += f"{sum(row['ok'] for row in stats['checks'])} of {len(stats['checks'])} checks pass."
    facts = [
        ["reference", f"`{draft.reference}`"],
        ["digest", f"`{draft.digest}`"],
        ["published", f"{draft.created[:16].replace('T', ' ')} UTC"],
        ["version before", f"`{draft.parent}`" if draft.parent else "none"],
        ["made by", f"contrast-pairs {markdown(draft.code)}"],
        *(["candidate", markdown(reason)] for reason in draft.candidate),
        ["licence of the sources", markdown(", ".join(licences(stats)))],
    ]
    return f"{text} `card.html` beside this file shows the same with pictures.\n\n" + _table(["", ""], facts)


def _usage(draft: Draft, stats: dict[str, Any]) -> str:
    configs = [f'"{table}"' for table in ("members", "dropped") if stats[table]["total"]]
    return (
        "PATH is the folder that holds this file.\n\n```python\nimport datasets\n\n"
        f'pairs = datasets.load_dataset(PATH, "pairs")  # also: {", ".join(configs)}\n```\n\n'
        f"```sh\ncontrast-pairs verify {draft.reference}\ncontrast-pairs train {draft.reference}\n```"
    )


def _kinds(stats: dict[str, Any]) -> str:
    rows = [
        [KINDS.get(row[side], row[side]) + f" ({markdown(row[side])})" for side in ("positive_kind", "negative_kind")]
        + [f"{row[split]:,}" for split in (*SPLITS, "total")]
        for row in stats["pairs"]["by_kind"]
    ]
    totals = [f"{stats['pairs']['by_split'].get(split, 0):,}" for split in SPLITS]
    rows.append(["**all**", "", *totals, f"{stats['pairs']['total']:,}"])
    return _table(["positive", "negative", *SPLITS, "total"], rows)


def _funnel(stats: dict[str, Any]) -> str:
    stages = [
        [markdown(row["stage"]), row["unit"], *(f"{row[key]:,}" for key in ("entered", "kept", "dropped"))]
        for row in stats["funnel"]
    ]
    reasons = [
        [markdown(row["stage"]), markdown(row["drop_reason"]), row["unit"], f"{row['count']:,}"]
        for row in stats["dropped"]["by_reason"]
    ]
    reasons.append(["**all**", "", "", f"{stats['dropped']['total']:,}"])
    text = "At every stage, entered = kept + dropped; every dropped row stands in the table `dropped`.\n\n"
    text += _table(["stage", "unit", "entered", "kept", "dropped"], stages)
    return text + "\n\n" + _table(["stage", "reason", "unit", "dropped"], reasons)


def _check(row: dict[str, Any]) -> list[str]:
    return [row["check"], "pass" if row["ok"] else "**look**", row["found"]]


def _scores(stats: dict[str, Any]) -> str:
    rows = []
    for name, summary in stats["scores"].items():
        middle = (
            [f"{summary['quantiles'][key]:.3f}" for key in ("0.05", "0.5", "0.95")] if summary["count"] else [""] * 3
        )
        rows.append(
            [markdown(name.removeprefix("score_")), f"{summary['count']:,}", f"{summary['missing']:,}", *middle]
        )
    return _table(["score", "pairs", "missing", "5 %", "median", "95 %"], rows) if rows else "None."


def _what_if(stats: dict[str, Any]) -> str:
    rows = []
    for row in stats["what_if"]:
        others = [point for point in row["points"] if point["threshold"] != row["now"]]
        [now] = [point for point in row["points"] if point["threshold"] == row["now"]]
        kept = [f"{point['threshold']:g}: {outcome(point)}" for point in others]
        rows.append([f"`{row['filter']}.{row['key']}`", f"{row['now']:g}: {outcome(now)}", ", ".join(kept)])
    if not rows:
        return "Not known: the tables do not hold the scores of every filter."
    text = f"{THRESHOLDS} {judged(stats['what_if'])}\n\n"
    return text + _table(["threshold", "now: kept", "would keep"], rows)


def _shortcuts(stats: dict[str, Any]) -> str:
    rows = []
    for row in stats["shortcuts"]:
        keys = ("form_in_pairs", "form", "words", "listed")
        told = ["none" if row[key] is None else f"{row[key]:.3f}" for key in keys]
        figures = told if row["form"] is not None else ["too few to tell", "", "", ""]
        found = [telling(row), "**look**" if row["warns"] else ""]
        rows.append([markdown(row["negative_kind"]), f"{row['pairs']:,}", *figures, *found])
    return f"{SHORTCUTS}\n\n" + _table(
        ["negative", "pairs", "form, in pairs", "form", "words", "word list", "told by", ""], rows
    )


def _agreement(stats: dict[str, Any]) -> str:
    rows = []
    for row in stats["agreement"]:
        numbers = [f"{row[key]:,}" for key in ("count", "both", "scorer_only", "judge_only", "neither")]
        kappa = "none" if row["kappa"] is None else f"{row['kappa']:.2f}"
        rows.append([row["group"], *numbers, f"{100 * row['ratio']:.1f} %", kappa])
    head = ["texts", "number", "both say toxic", "scorer only", "judge only", "neither", "agree", "kappa"]
    return f"{AGREEMENT}\n\n{_table(head, rows)}" if rows else "No text has both scores."


def _baselines(stats: dict[str, Any]) -> str:
    rows = [
        [SYSTEMS[row["system"]], f"{row['texts']:,}", *(f"{row[key]:.3f}" for key in MEASURES)]
        for row in stats["baselines"]
    ]
    return f"{BASELINES}\n\n{_table(['', 'texts', *MEASURES.values()], rows)}" if rows else NO_BASELINES


def _since(draft: Draft, found: dict[str, Any]) -> str:
    asked = f"`contrast-pairs diff {found['reference']} {draft.reference}` tells it pair by pair."
    if "causes" not in found:
        return f"`{found['reference']}` cannot be read: `contrast-pairs verify {found['reference']}` says why."
    pairs = [
        [markdown(row["kind"]), *(f"{row[key]:,}" for key in ("same", "added", "removed"))] for row in found["pairs"]
    ]
    moved = [
        [what, *(markdown(or_none(row[key])) for key in ("what", "from", "to"))]
        for what, row in decided(found["causes"])
    ]
    counts = [[markdown(each["count"]), f"{each['from']:,}", f"{each['to']:,}"] for each in found["counts"]]
    parts = [
        _table(["negative", "in both", "added", "removed"], pairs),
        _table(["changed", "what", "from", "to"], moved) if moved else "Corpus, recipe, models and code are the same.",
        _table(["count", f"`{found['reference']}`", f"`{draft.reference}`"], counts),
    ]
    return asked + "\n\n" + "\n\n".join(parts)


def _examples(stats: dict[str, Any]) -> str:
    rows = []
    for example in stats["examples"]["kept"][:_EXAMPLES]:
        shown = [markdown("".join(piece["masked"] for piece in pieces)) for pieces in sides(example).values()]
        rows.append([*shown, markdown(example["negative_kind"])])
    return _table(["positive", "negative", "kind"], rows)


def _origin(draft: Draft, stats: dict[str, Any]) -> str:
    models = [[markdown(role), markdown(print_)] for role, print_ in draft.contents.fingerprints.items()]
    sources = [
        [markdown(str(source.get(key, ""))) for key in ("name", "rows", "licence", "sha256")]
        for source in stats["sources"]
    ]
    text = _table(["model", "fingerprint"], models) + "\n\n" + _table(["source", "rows", "licence", "sha256"], sources)
    held = [[markdown(cell) for cell in row] for row in held_against(draft)]
    if held:
        text += "\n\nPairs that share too much with these were dropped:\n\n" + _table(
            ["filter", "against", "sha256"], held
        )
    return text + "\n\nThe recipe is `recipe.toml`; `manifest.json` holds the sha256 of every file."


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
