"""The commands that keep a store and show it: tag, diff, withdraw, prune, export, push, pull, card and gallery."""

from pathlib import Path
from typing import Annotated

import typer

from flows.options import STORE, JsonOption, StoreOption, write

Reference = Annotated[
    str, typer.Argument(metavar="REF", help="NAME, NAME@v3, NAME@latest, NAME@TAG, NAME@DIGESTPREFIX.")
]
MODELS = Path("models")


def tag(
    reference: Reference,
    tag: Annotated[str, typer.Argument(metavar="TAG", help="A name such as production; it moves here from elsewhere.")],
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Give a version a name that can move on later: NAME@TAG; who moved it when stands in `show --json`."""
    from flows import store_printing
    from pairgen.store import Store

    move = Store(store).tag(reference, tag)
    if as_json:
        write({"name": reference.partition("@")[0], **move})
    else:
        store_printing.tagged(reference.partition("@")[0], move)


def diff(
    older: Annotated[str, typer.Argument(metavar="A", help="The version to start from.")],
    newer: Annotated[str, typer.Argument(metavar="B", help="The version to compare with it.")],
    reveal: Annotated[bool, typer.Option("--reveal", help="Do not mask the words of the examples.")] = False,
    page: Annotated[Path | None, typer.Option(help="Write it as a page for people to this .html file.")] = None,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Say what is different between two versions, by file, count and pair, and what it comes from."""
    from flows import store_printing
    from pairgen.diff import diff as difference_of
    from pairgen.store import Store

    versions = Store(store)
    difference = difference_of(versions.resolve(older), versions.resolve(newer))
    if page:
        from data_cards.difference import page as page_of
        from pairgen.output import write_page

        write_page(page_of(difference), page)
    if as_json:
        write(difference.as_dict())
    else:
        store_printing.differences(difference, reveal=reveal)


def withdraw(
    reference: Reference,
    reason: Annotated[str, typer.Option(help="Why: a line that everyone who asks for the version is told.")],
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Take a version out of use: it stays on disk and verifies, but nothing is trained or exported from it."""
    from flows import store_printing
    from flows.printing import summary
    from pairgen.store import Store

    version = Store(store).withdraw(reference, reason)
    if as_json:
        write(summary(version))
    else:
        store_printing.withdrawn(version)


def prune(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The data set.")],
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest versions stay.")] = 3,
    yes: Annotated[bool, typer.Option("--yes", help="Remove them; without it, only say which.")] = False,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Remove old versions that no tag, no model under ./models and no version that stays refers to, and leftovers."""
    from flows import store_printing
    from pairgen.store import Store

    verdicts, leftovers = Store(store).prune(name, keep=keep, models=MODELS, remove=yes)
    if as_json:
        gone = [verdict.version.reference for verdict in verdicts if not verdict.reasons]
        kept = {verdict.version.reference: verdict.reasons for verdict in verdicts if verdict.reasons}
        write({"name": name, "removed": yes, "versions": gone, "kept": kept, "leftovers": leftovers})
    else:
        store_printing.pruned(verdicts, leftovers, models=MODELS, removed=yes)


def export(
    reference: Reference,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder that is not there yet, or empty.")],
    to: Annotated[str, typer.Option("--format", help="trl: prompt, chosen, rejected; sets: a row a set.")],
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Write a version for other trainers, a jsonl file a split; it is verified first."""
    from flows import store_printing
    from pairgen.store import Store
    from pairgen.verification import refuse_altered
    from pairgen.withdrawn import refuse_withdrawn
    from training.formats import export as export_version

    version = Store(store).resolve(reference)
    refuse_withdrawn(version)
    refuse_altered(version)
    rows = export_version(version, out, to=to)
    if as_json:
        write({"reference": version.reference, "digest": version.digest, "format": to, "rows": rows, "path": out})
    else:
        store_printing.exported(version, out, rows)


def push(
    reference: Reference,
    repo: Annotated[str, typer.Argument(metavar="HUB_REPO", help="ORG/NAME; made private if it is not there yet.")],
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Put a version on the Hugging Face hub, with a tag such as v3; it is verified first."""
    from flows import store_printing
    from pairgen.hub import push as push_version
    from pairgen.store import Store

    version = Store(store).resolve(reference)
    new = push_version(version, repo)
    if as_json:
        tag = f"v{version.number}"
        write({"reference": version.reference, "digest": version.digest, "repo": repo, "tag": tag, "pushed": new})
    else:
        store_printing.pushed(version, repo, new=new)


def pull(
    repo: Annotated[str, typer.Argument(metavar="HUB_REPO", help="ORG/NAME, or ORG/NAME@v3 for one of its tags.")],
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Get a version from the Hugging Face hub into the store, with its name and number; it is verified first."""
    from flows import store_printing
    from flows.printing import summary
    from pairgen.hub import pull as pull_version
    from pairgen.store import Store

    version, new = pull_version(repo, Store(store))
    if as_json:
        write({**summary(version), "pulled": new})
    else:
        store_printing.pulled(version, repo, new=new)


def card(
    reference: Reference,
    reveal: Annotated[bool, typer.Option("--reveal", help="Do not mask the words of the examples.")] = False,
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Show the data card of a version on the terminal, with examples, and where its page is."""
    from flows import store_printing
    from pairgen.store import Store

    version = Store(store).resolve(reference)
    if as_json:
        write({"reference": version.reference, "page": version.place / "card.html", "stats": version.stats()})
    else:
        store_printing.card(version, reveal=reveal)


def gallery(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder; an earlier gallery in it is replaced.")],
    store: StoreOption = STORE,
    as_json: JsonOption = False,
) -> None:
    """Write a static site over the store: data sets, versions and their trend, and what changed between neighbours."""
    from data_cards.gallery import gallery as write_gallery
    from flows import store_printing
    from pairgen.store import Store

    versions = Store(store).versions()
    pages = write_gallery(versions, out)
    if as_json:
        write({"path": out, "pages": pages, "versions": len(versions)})
    else:
        store_printing.exhibited(out, pages=pages, versions=len(versions))
