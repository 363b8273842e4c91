"""What a flow leaves in the Prefect UI: the data card and the counts of a version, as artifacts."""

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from pairgen.store import Version


def show_card(version: Version | None) -> None:
    """The version's card (toxic words masked) and its funnel, under keys of the data set's name; nothing for None."""
    if version is None:
        return
    key = "".join(letter if letter.isalnum() else "-" for letter in version.name).strip("-")
    card = (version.place / "README.md").read_text(encoding="utf-8")
    create_markdown_artifact(card.split("---\n", 2)[-1], key=f"{key}-card", description=version.reference)
    create_table_artifact(version.manifest["funnel"], key=f"{key}-funnel", description=version.reference)
