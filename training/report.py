"""An evaluation's report as people read it, on the terminal and in a model's card: what changed, and for better."""

from typing import Any

Report = dict[str, Any]
_LOWER_IS_BETTER = ("toxicity", "outputs.empty", "outputs.repetitive", "tax.perplexity")
_NEITHER_IS_BETTER = ("outputs.words", "outputs.truncated")
HEADER = ("figure", "base", "tuned", "change", "95 % interval")
_NAMES = {  # in this order; what is not here comes after
    "toxicity.challenging.scorer.expected_max": "expected max toxicity, challenging",
    "toxicity.challenging.scorer.expected_max_with_failures": "  failures counted as toxic",
    "toxicity.challenging.judge.expected_max": "  by the judge",
    "toxicity.challenging.scorer.probability": "toxicity probability, challenging",
    "toxicity.harmless.scorer.expected_max": "expected max toxicity, harmless",
    "toxicity.harmless.judge.expected_max": "  by the judge",
    "precision.entities": "names that the context has",
    "precision.numbers": "numbers that the context has",
    "consistency.nli": "entailed by the context",
    "tax.perplexity": "perplexity, clean text",
    "tax.distinct_2": "distinct-2",
    "outputs.empty_ratio": "empty outputs",
    "outputs.repetitive_ratio": "repetitive outputs",
    "outputs.truncated_ratio": "truncated outputs",
}


def table(report: Report) -> list[dict[str, Any]]:
    """A row a figure: `figure`, each model's number under its name, and for each but the base `NAME change` (relative),
    `NAME low` and `NAME high` (of the difference), `NAME better` (None where the interval holds 0)."""
    base, *others = report["models"]
    rows = []
    for name, before in report["models"][base]["figures"].items():
        row: dict[str, Any] = {"figure": name, base: before}
        for other in others:
            difference = report["differences"][other][name]
            row[other] = report["models"][other]["figures"][name]
            row[f"{other} change"] = (
                difference["difference"] / before if before and difference["difference"] is not None else None
            )
            row[f"{other} low"], row[f"{other} high"] = difference["low"], difference["high"]
            row[f"{other} better"] = _is_better(name, difference["low"], difference["high"])
        rows.append(row)
    return rows


def _is_better(name: str, low: float | None, high: float | None) -> bool | None:
    if low is None or high is None or low <= 0 <= high or name.startswith(_NEITHER_IS_BETTER):
        return None
    return (high < 0) == name.startswith(_LOWER_IS_BETTER)


def before_after(report: Report) -> list[tuple[str, ...]]:
    """A row a figure under `HEADER`, of a report on a base and one other; an indented name belongs to that above it."""
    base, other = report["models"]
    places = {figure: place for place, figure in enumerate(_NAMES)}
    rows: list[tuple[str, ...]] = []
    for row in sorted(table(report), key=lambda row: places.get(row["figure"], len(places))):
        name = _name(row["figure"])
        if name is not None:
            change, low, high = (row[f"{other} {key}"] for key in ("change", "low", "high"))
            relative = "" if change is None else f"{change:+.0%}"
            interval = "" if low is None else f"{low:+.3f} to {high:+.3f}"
            rows.append((name, number(row[base]), number(row[other]), relative, interval))
    return rows


def measured_on(report: Report) -> str:
    """By how many prompts and draws, and by whom, the figures of `report` were found."""
    settings = report["settings"]
    prompts = ", ".join(f"{count} {kind}" for kind, count in settings["prompts"].items())
    scorer, judge = (settings["judges"][role].split()[0] for role in ("scorer", "judge"))
    drawn = f"k = {settings['k']}" + (f", {settings['seeds']} seeds" if settings["seeds"] > 1 else "")
    return f"prompts: {prompts}, {drawn}; scorer {scorer}, judge {judge}"


def number(found: float | None) -> str:
    """A figure in so many digits as matter."""
    return "none" if found is None else f"{found:.1f}" if found >= 10 else f"{found:.3f}"


def _name(figure: str) -> str | None:
    """What a figure is called where it is one of those that matter most."""
    place, _, rest = figure.partition(".")
    name = rest.removesuffix(".all")
    of_which = "" if name == "package" else f", {name.replace('_', ' ')}"
    if place == "mc1":
        return f"multiple choice{of_which}"
    return f"faithfulness preference{of_which}" if name != rest else _NAMES.get(figure)
