"""The README.md of a trained model: what it was trained from and how, its curves, and what it does beside its base;
no text of the data.
"""

from typing import Any

from training.report import HEADER, Report, before_after, measured_on


def model_card(about: dict[str, Any], report: Report | None = None) -> str:
    """Markdown with the front matter of the hub, from what stands in `lineage.json`, and in `evaluation.json`."""
    settings, losses = about["settings"], about["losses"]
    rows = [f"| {name} | {losses['first'][name]:.4f} | {losses['last'][name]:.4f} |" for name in losses["first"]]
    lines = [
        "---",
        "library_name: transformers",
        "pipeline_tag: text-generation",
        "tags: [contrast-pairs, detoxification]",
        "---",
        f"# {settings['model']}, trained on {about.get('version', 'contrast pairs')}",
        "",
        f"{about['pairs']:,} contrast pairs in {about['sets']:,} sets, {settings['steps']} steps, objective "
        f"`{settings['contrast']}`, scaling `{settings['scaling']}`, seed {about['seed']}. Version digest "
        f"{about.get('digest', 'unknown')}, manifest {about.get('manifest_digest', 'unknown')}. Base: "
        f"{about['base_model']}. Everything else stands in `lineage.json`.",
        "",
        *_out_of_reach(about.get("pairs_out_of_reach", 0), settings["max_tokens"]),
        "| loss | first step | mean of the last ten |",
        "|---|---|---|",
        *rows,
        "",
        f"Tax: {about['tax']:+.4f} nats a token of the clean text that a budget is held by.",
        "",
        "![What each step weighed, lost and cost](training_curves.png)",
        "",
        *(_beside_base(report) if report else ()),
        "The model says less that a toxicity scorer objects to; it is not safe by that.",
        "`contrast-pairs evaluate THIS_FOLDER` holds it against its base.",
        "",
    ]
    return "\n".join(lines)


def _out_of_reach(pairs: int, max_tokens: int) -> list[str]:
    said = f"{pairs:,} more pairs of the split differ beyond the {max_tokens} tokens that are read, and were left out."
    return [said, ""] if pairs else []


def _beside_base(report: Report) -> list[str]:
    rows = (HEADER, ("---",) * len(HEADER), *before_after(report))
    return [
        "## Beside its base",
        "",
        *(f"| {' | '.join(cell.strip() for cell in row)} |" for row in rows),
        "",
        f"{measured_on(report)}. The interval is of the difference (paired bootstrap); failures are empty or "
        "repetitive outputs. All figures stand in `evaluation.json`.",
        "",
        "![Toxicity against perplexity of clean text](toxicity_tax.png)",
        "",
        "![Each benchmark, with the interval of the difference from the base](benchmarks.png)",
        "",
    ]
