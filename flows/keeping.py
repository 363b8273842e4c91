"""The commands that keep a store: tag and withdraw."""

from typing import Annotated

import typer

from flows.options import STORE, JsonOption, StoreOption, write

Reference = Annotated[
    str, typer.Argument(metavar="REF", help="NAME, NAME@v3, NAME@latest, NAME@TAG, NAME@DIGESTPREFIX.")
]


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
