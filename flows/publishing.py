"""What a flow leaves in the Prefect UI: card, counts and files of a version and where the time went, as artifacts."""

from pathlib import Path
from typing import Any

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from pairgen.store import Version


def show_card(version: Version) -> None:
    """The version's card (toxic words masked), its funnel and a link to its page, under keys of the data set's name."""
    key = _key(version.name)
    create_markdown_artifact(card_markdown(version), key=f"{key}-card", description=version.reference)
    create_table_artifact(version.manifest["funnel"], key=f"{key}-funnel", description=version.reference)
    page = version.place / "card.html"
    address = page.resolve().as_uri() if isinstance(page, Path) else str(page)
    create_link_artifact(address, link_text="data card", key=f"{key}-page", description=version.reference)


def show_time(name: str, rows: list[dict[str, Any]]) -> None:
    """Where the time of a build of `name` went (`progress.where_time_went`)."""
    create_table_artifact(rows, key=f"{_key(name)}-time", description="seconds and share, by stage and by model")


def card_markdown(version: Version) -> str:
    """The version's card as Markdown, without the YAML at its top."""
    return (version.place / "README.md").read_text(encoding="utf-8").split("---\n", 2)[-1]


def _key(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name).strip("-")
