"""What a flow leaves in the Prefect UI: the data card and the counts of a version, as artifacts."""

from pathlib import Path

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from pairgen.store import Version


def show_card(version: Version | None) -> None:
    """The version's card (toxic words masked), its funnel and a link to its page, under keys of the data set's name.

    Nothing for None.
    """
    if version is None:
        return
    key = "".join(letter if letter.isalnum() else "-" for letter in version.name).strip("-")
    create_markdown_artifact(card_markdown(version), key=f"{key}-card", description=version.reference)
    create_table_artifact(version.manifest["funnel"], key=f"{key}-funnel", description=version.reference)
    page = version.place / "card.html"
    address = page.resolve().as_uri() if isinstance(page, Path) else str(page)
    create_link_artifact(address, link_text="data card", key=f"{key}-page", description=version.reference)


def card_markdown(version: Version) -> str:
    """The version's card as Markdown, without the YAML at its top."""
    return (version.place / "README.md").read_text(encoding="utf-8").split("---\n", 2)[-1]
