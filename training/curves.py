"""Pictures of a training: what each step weighed, lost and cost, drawn from its log."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

_PANELS = (
    ("losses", ("cross_entropy", "representation", "likelihood", "clean")),
    ("weights", ("c_ce", "lambda", "mu")),
    ("norm of the gradient", ("grad_norm",)),
    ("tax: NLL of clean text less the base's, nats a token", ("tax",)),
)


def draw_curves(records: Sequence[dict[str, Any]], folder: Path, *, budget: float | None) -> list[Path]:
    """`training_curves.svg` and `.png` in `folder`: a panel each for losses, weights, gradient norm and tax.

    `records` are the lines of `training_log.jsonl`; a curve that is 0 or absent throughout is left out. `budget` is the
    limit of the tax in nats, drawn as a line, or None.
    """
    figure = Figure(figsize=(10, 7), layout="constrained")
    for axes, (title, names) in zip(figure.subplots(2, 2).flat, _PANELS, strict=True):
        for name in names:
            points = [(record["step"], record[name]) for record in records if record.get(name) is not None]
            if any(height for _, height in points):
                axes.plot(*zip(*points, strict=True), label=name, marker="." if name == "tax" else None)
        if title.startswith("tax") and budget is not None:
            axes.axhline(budget, linestyle="--", linewidth=1, color="0.4", label="budget")
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("step")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8)
    paths = [folder / f"training_curves.{suffix}" for suffix in ("svg", "png")]
    for path in paths:
        figure.savefig(path, dpi=120)
    return paths
