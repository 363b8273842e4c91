"""The commands that keep a store: tag."""

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
