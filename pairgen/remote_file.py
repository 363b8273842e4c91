"""A source at a URL that fsspec knows (s3://BUCKET/FILE): copied here once, and again when it changed there."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from pairgen.digests import digest
from pairgen.errors import SourceError, StoreError
from pairgen.places import Remote

_copied: dict[str, str] = {}  # what the server said of the file when it was copied, by its URL


def refuse_secret(url: str) -> None:
    """`SourceError` where `url` may hold a secret: it is published with the recipe."""
    if "?" in url or "@" in url:
        raise SourceError(
            f"{url.partition('?')[0].rpartition('@')[2]}: given with a query or a password, which would be published "
            "with the recipe; give the bare address, and credentials as its protocol takes them"
        )


def copy_of(url: str) -> Path:
    """The file at `url` as it is now, in a folder that goes when the process ends.

    `SourceError` where it is not there, its server or protocol cannot be asked, or it changes while it is copied.
    """
    from fsspec import available_protocols  # not at the top: every command would wait for it

    remote = Remote(url)
    if url.partition("://")[0] not in available_protocols():
        raise SourceError(f"{url}: unknown protocol; give a file, s3://BUCKET/FILE or another URL that fsspec knows")
    file = _folder() / digest(url) / remote.name
    try:
        stamp = remote.stamp()
        if _copied.get(url) != stamp:
            file.parent.mkdir(exist_ok=True)
            new = file.with_name(".new")
            remote.copy_to(new)
            if remote.stamp() != stamp:
                raise SourceError(f"{url}: changed while it was copied; build again when nobody writes to it")
            new.rename(file)
            _copied[url] = stamp
    except FileNotFoundError as error:
        why = error.__cause__  # over HTTP whatever fails is a file that is not found
        if isinstance(why, OSError) or getattr(why, "status", 404) != 404:
            raise SourceError(f"{url}: cannot be reached ({why}); is the address right?") from error
        raise SourceError(f"{url}: no such file there; is the address right?") from error
    except StoreError as error:
        raise SourceError(str(error)) from error
    return file


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="contrast-pairs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
