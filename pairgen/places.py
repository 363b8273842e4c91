"""Where a store may live: a folder, or a URL that fsspec knows (s3://bucket/x, memory://x), used like a `Path`.

A server has no rename and no lock. What stands in for them is `Remote.create`, which one of many at once can do.
"""

import atexit
import errno
import functools
import hashlib
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from pairgen.errors import StoreError

_EXCLUSIVE = ("memory", "s3", "s3a")  # where `create` was tested to let one of many through
_CHANGING = (
    "size",
    "etag",
    "lastmodified",
    "mtime",
    "modify",
    "modified",
    "created",
    "updated",
    "generation",
    "versionid",
)
_OF_A_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_one_at_a_time = threading.Lock()  # fsspec's memory looks first and writes then


@dataclass(frozen=True)
class Remote:
    """A place under the address `url`; what its server does not do is a `StoreError` of one line."""

    url: str

    def __truediv__(self, name: str) -> "Remote":
        return Remote(f"{self.url}/{name}")

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]

    @property
    def parent(self) -> "Remote":
        return Remote(self.url.rpartition("/")[0])

    def resolve(self) -> "Remote":
        """The place itself: a URL is whole already."""
        return self

    def is_file(self) -> bool:
        with self._asked() as (files, path):
            return bool(files.isfile(path))

    def read_bytes(self) -> bytes:
        """What the file holds; `FileNotFoundError` where there is none."""
        with self._asked() as (files, path):
            return bytes(files.cat_file(path))

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)

    def sizes(self) -> dict[str, int]:
        """Every file under this place, by its name from here, and how many bytes it has."""
        with self._asked() as (files, path):
            files.invalidate_cache()
            found = files.find(path, detail=True)
            return {each.removeprefix(f"{path}/"): int(info["size"]) for each, info in found.items() if each != path}

    def stamp(self) -> str:
        """What the server says of the file that changes with it: its size, ETag and time, as far as it does."""
        with self._asked() as (files, path):
            said = files.info(path)
            if said["type"] != "file":
                raise FileNotFoundError(path)
            return str(sorted((key, str(said[key])) for key in said if re.sub("[-_]", "", key.lower()) in _CHANGING))

    def copy_to(self, file: Path) -> None:
        with self._asked() as (files, path):
            files.get_file(path, str(file))

    def write(self, content: bytes) -> None:
        """The file whole, instead of what was there."""
        with self._asked() as (files, path):
            files.pipe_file(path, content)

    def create(self, content: bytes) -> bool:
        """Write the file unless it is there; False where it was. Of many who try at once, one gets True.

        Where an answer can be lost, contents tell whose file it is: they are each writer's own, or empty.
        """
        protocol = self.url.partition("://")[0]
        if protocol not in _EXCLUSIVE:
            raise StoreError(
                f"{self.url}: two publishers could overwrite each other on {protocol}://, where no file can be created "
                "exclusively; publish to a folder or to s3://"
            )
        with self._asked() as (files, path):
            try:
                with _one_at_a_time:
                    files.pipe_file(path, content, mode="create")
            except OSError as error:
                if not isinstance(error, FileExistsError) and _status(error) not in (409, 412):
                    raise
                # Another was there or is just being created, or an own try landed whose answer was lost.
                return bool(content) and bool(files.isfile(path)) and files.cat_file(path) == content
        return True

    def unlink(self) -> None:
        with self._asked() as (files, path):
            files.rm_file(path)

    def upload(self, folder: Path, *, besides: str) -> None:
        """Every file in the folder, but the one named `besides`."""
        with self._asked() as (files, path):
            for each in sorted(file for file in folder.rglob("*") if file.is_file()):
                name = each.relative_to(folder).as_posix()
                if name != besides:
                    files.put_file(str(each), f"{path}/{name}")

    def fetch(self, folder: Path) -> None:
        """Every file under this place into the folder."""
        names = self.sizes()
        with self._asked() as (files, path):
            for name in names:
                if ".." in PurePosixPath(name).parts or name.startswith("/"):
                    raise StoreError(f"{self.url}: holds {name!r}, which would leave the folder; remove it there")
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                files.get_file(f"{path}/{name}", str(folder / name))

    @contextmanager
    def _asked(self) -> Iterator[tuple[Any, str]]:
        """The file system and the path in it; an error of a server or of its library is told in a line."""
        files, path = _opened(self.url)
        try:
            yield files, path
        except StoreError:
            raise
        except FileNotFoundError as error:
            if "bucket" in str(error).replace(path, "").lower():
                raise StoreError(f"{self.url}: there is no such bucket; make it, or choose another") from error
            raise
        except PermissionError as error:
            raise StoreError(
                f"{self.url}: may not be read or written with these credentials ({_said(error)}); mend them"
            ) from error
        except OSError as error:
            if error.errno in _OF_A_DISK or (error.errno is not None and error.filename is not None):  # a file here
                raise
            raise StoreError(f"{self.url}: cannot be reached ({_said(error)}); is the address right?") from error
        except Exception as error:  # botocore's and others' are no OSError
            cure = "set them (for s3://, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
            missing = "credentials" in str(error).lower()
            raise StoreError(
                f"{self.url}: cannot be reached ({_said(error)}); {cure if missing else 'is the address right?'}"
            ) from error


Place: TypeAlias = Path | Remote


def place_of(store: str | Path | Remote) -> Place:
    """The folder or the remote place that `--store` names; file:// is a folder."""
    found = _URL.fullmatch(store) if isinstance(store, str) else None
    if found is None:
        return Path(store) if isinstance(store, str) else store
    protocol, rest = found[1].lower(), found[2]
    if protocol in ("file", "local"):
        return Path(rest)
    place = Remote(f"{protocol}://{rest.rstrip('/')}")
    if not rest.strip("/"):
        raise StoreError(f"{store}: names no place; expected {protocol}://BUCKET/FOLDER")
    if {".", ".."} & set(rest.split("/")) or not rest.isprintable():
        raise StoreError(f"{store!r}: expected an address without '.', '..' and characters that cannot be printed")
    _opened(place.url)
    return place


def local_folder(store: Place) -> Path:
    """Where scores are remembered and builds work: in the store, or for one at a URL a folder in the user's cache."""
    if isinstance(store, Path):
        return store
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "contrast-pairs" / "stores"
    slug = re.sub(r"[^A-Za-z0-9]+", "-", store.url).strip("-")[:60]
    return caches / f"{slug}-{hashlib.sha256(store.url.encode()).hexdigest()[:12]}"


def copied(place: Remote) -> Path:
    """A folder with every file of the place as it is now; it goes when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="contrast-pairs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    place.fetch(folder)
    return folder


@functools.cache
def _opened(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs  # not at the top: every command would wait for it

    try:
        files, path = url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        raise StoreError(f"{url}: {_said(error)}; for s3://, pip install 'contrast-pairs[s3]'") from error
    except (ValueError, TypeError) as error:
        from fsspec import available_protocols

        if url.partition("://")[0] not in available_protocols():
            raise StoreError(f"{url}: unknown protocol; give a folder, s3://BUCKET/FOLDER or memory://NAME") from error
        raise StoreError(f"{url}: no address of a store ({_said(error)})") from error
    except OSError as error:  # of what connects at once: ftp://, hdfs://
        raise StoreError(f"{url}: cannot be reached ({_said(error)}); is the address right?") from error
    return files, str(path).rstrip("/")


def _status(error: BaseException | None) -> int | None:
    """The HTTP status that botocore's error under `error` tells, if one does."""
    while error is not None:
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            status: int | None = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            return status
        error = error.__cause__
    return None


def _said(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:200]}..."
