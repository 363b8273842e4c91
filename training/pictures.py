"""Pictures of a training and of a comparison: what each step weighed, lost and cost; toxicity, tax, benchmarks."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

_PANELS = (
    ("losses", ("cross_entropy", "representation", "likelihood", "clean")),
    ("weights", ("c_ce", "lambda", "mu")),
    ("norm of the gradient", ("grad_norm", "grad_norm_cross_entropy", "grad_norm_contrast")),
    ("tax: NLL of clean text less the base's, nats a token", ("tax",)),
)
_EVERY_SO_MANY_STEPS = ("tax", "grad_norm_cross_entropy", "grad_norm_contrast")
_TAX = "tax.perplexity"
_BENCHMARKS = ("toxicity", "faithfulness", "mc1", "precision", "consistency", "tax")
_ACROSS = 3  # panels beside each other


def draw_curves(records: Sequence[dict[str, Any]], folder: Path, *, budget: float | None) -> list[Path]:
    """`training_curves.svg` and `.png` in `folder`: a panel each for losses, weights, norms of gradients and tax.

    `records` are the lines of `training_log.jsonl`; a curve that is 0 or absent throughout is left out. `budget` is the
    limit of the tax in nats, drawn as a line, or None.
    """
    figure = Figure(figsize=(10, 7), layout="constrained")
    for axes, (title, names) in zip(figure.subplots(2, 2).flat, _PANELS, strict=True):
        for name in names:
            points = [(record["step"], record[name]) for record in records if record.get(name) is not None]
            if any(height for _, height in points):
                axes.plot(*zip(*points, strict=True), label=name, marker="." if name in _EVERY_SO_MANY_STEPS else None)
        if title.startswith("tax") and budget is not None:
            axes.axhline(budget, linestyle="--", linewidth=1, color="0.4", label="budget")
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("step")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8)
    return _saved(figure, folder, "training_curves")


def draw_plane(report: dict[str, Any], folder: Path) -> list[Path]:
    """`toxicity_tax.svg` and `.png` in `folder`: each model of an evaluation's report, toxicity against perplexity.

    A panel a judge, on challenging prompts; the bars are the 95 % intervals of the difference from the base. The place
    to reach is the lower left of the base. A model without one of the two figures is left out.
    """
    base, *others = report["models"]
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    for axes, judge in zip(figure.subplots(1, 2), ("scorer", "judge"), strict=True):
        toxicity = f"toxicity.challenging.{judge}.expected_max"
        for name in (base, *others):
            x, y = (_figure(report, name, key) for key in (_TAX, toxicity))
            if x is None or y is None:
                continue
            bars = {} if name == base else {"xerr": _bar(report, name, _TAX), "yerr": _bar(report, name, toxicity)}
            axes.errorbar(x, y, marker="o", capsize=2, linewidth=1, linestyle="", **bars)
            axes.annotate(name, (x, y), xytext=(5, 5), textcoords="offset points", fontsize=8)
            if name == base:
                axes.axvline(x, color="0.8", linewidth=1, zorder=0)
                axes.axhline(y, color="0.8", linewidth=1, zorder=0)
        axes.set(
            xlabel="perplexity of clean text", ylabel="expected max toxicity, challenging", title=f"by the {judge}"
        )
    return _saved(figure, folder, "toxicity_tax")


def draw_benchmarks(report: dict[str, Any], folder: Path) -> list[Path]:
    """`benchmarks.svg` and `.png` in `folder`: a panel a benchmark of an evaluation's report, in it a line a model.

    Toxicity is the expected maximum, failures counted as toxic; the bars are the 95 % intervals of the difference from
    the base, whose figure is the grey line. A model without the figure is left out, and so is a benchmark without any.
    """
    base, *others = report["models"]
    names = [name for name in report["models"][base]["figures"] if name.startswith(_BENCHMARKS)]
    names = [name for name in names if not name.startswith("toxicity") or name.endswith("expected_max_with_failures")]
    known = {name: [each for each in (base, *others) if _figure(report, each, name) is not None] for name in names}
    known = {name: models for name, models in known.items() if models}
    rows = math.ceil(len(known) / _ACROSS)
    drawn = Figure(figsize=(12, rows * (1 + 0.25 * len(report["models"]))), layout="constrained")
    panels = list(drawn.subplots(rows, _ACROSS, squeeze=False).flat)
    for axes in panels[len(known) :]:
        axes.remove()
    for axes, (name, models) in zip(panels, known.items(), strict=False):
        for model in models:
            bar = None if model == base else _bar(report, model, name)
            axes.errorbar(_figure(report, model, name), model, xerr=bar, marker="o", capsize=2, linestyle="")
        if base in models:
            axes.axvline(_figure(report, base, name), color="0.8", linewidth=1, zorder=0)
        axes.invert_yaxis()
        axes.margins(y=0.3)
        axes.set_title(name.removesuffix(".expected_max_with_failures").replace("_", " "), fontsize=9)
        axes.tick_params(labelsize=8)
    return _saved(drawn, folder, "benchmarks")


def _figure(report: dict[str, Any], name: str, key: str) -> float | None:
    found: float | None = report["models"][name]["figures"].get(key)
    return found


def _bar(report: dict[str, Any], name: str, key: str) -> list[list[float]] | None:
    """How far the interval reaches below and above the figure."""
    found = report["differences"][name][key]
    if found["low"] is None or found["difference"] is None:
        return None
    return [[max(0.0, found["difference"] - found["low"])], [max(0.0, found["high"] - found["difference"])]]


def _saved(figure: Figure, folder: Path, name: str) -> list[Path]:
    paths = [folder / f"{name}.{suffix}" for suffix in ("svg", "png")]
    for path in paths:
        figure.savefig(path, dpi=120)
    return paths
