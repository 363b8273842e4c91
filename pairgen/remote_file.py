"""A source at a URL that fsspec knows (s3://BUCKET/FILE): copied here once, and again when it changed there."""

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from pairgen.digests import digest
from pairgen.errors import SourceError, StoreError
from pairgen.places import Remote

_copied: dict[str, str] = {}  # what the server said of the file when it was copied, by its URL


def refuse_secret(url: str) -> None:
    """`SourceError` where `url` may hold a secret: it is published with the recipe."""
    protocol, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    user = host.rpartition("@")[0]  # abfs://CONTAINER@ACCOUNT has one that is none
    if ":" in user or (protocol.lower() in ("http", "https") and (user or "?" in rest)):
        bare = f"{host.rpartition('@')[2].partition('?')[0]}/{path.partition('?')[0]}"
        raise SourceError(
            f"{protocol}://{bare}: given with a query or a password, which would be published with the recipe; "
            "give the bare address, and credentials as its protocol takes them"
        )


def copy_of(url: str) -> Path:
    """The file at `url` as it is now, in a folder that goes when the process ends.

    `SourceError` where it is not there, its server or protocol cannot be asked, or it changes while it is copied.
    """
    from fsspec import available_protocols  # not at the top: every command would wait for it

    protocol, _, rest = url.partition("://")
    remote = Remote(f"{protocol.lower()}://{rest}")
    if protocol.lower() not in available_protocols():
        raise SourceError(f"{url}: unknown protocol; give a file, s3://BUCKET/FILE or another URL that fsspec knows")
    with _room_for(url):
        file = _folder() / digest(url) / remote.name
        file.parent.mkdir(exist_ok=True)
        new = file.with_name(".new")
        try:
            stamp = remote.stamp()
            if _copied.get(url) != stamp:
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
        finally:
            new.unlink(missing_ok=True)
    return file


@contextmanager
def _room_for(url: str) -> Iterator[None]:
    """What the disk here refuses is a `SourceError`."""
    try:
        yield
    except OSError as error:
        here = tempfile.gettempdir()
        raise SourceError(
            f"{here}: takes no copy of {url} ({error.strerror}); make room, or set TMPDIR to another folder"
        ) from error


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="contrast-pairs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
