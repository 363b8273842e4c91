"""The README.md of a trained model: what it was trained from and how, with its curves; no text of the data."""

from typing import Any


def model_card(about: dict[str, Any]) -> str:
    """Markdown with the front matter of the hub, from what stands in `lineage.json`."""
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
        "| loss | first step | mean of the last ten |",
        "|---|---|---|",
        *rows,
        "",
        f"Tax: {about['tax']:+.4f} nats a token of the clean text that a budget is held by.",
        "",
        "![What each step weighed, lost and cost](training_curves.png)",
        "",
        "The model says less that a toxicity scorer objects to; it is not safe by that.",
        "`contrast-pairs evaluate THIS_FOLDER` holds it against its base.",
        "",
    ]
    return "\n".join(lines)
