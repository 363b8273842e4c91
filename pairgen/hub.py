"""Versions on the Hugging Face hub: a data set repository holds the files of one, and has a tag for each (v3)."""

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError is httpx's, or httpx2's
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]
from huggingface_hub.utils.tqdm import disable_progress_bars

from pairgen.errors import StoreError
from pairgen.store import Store, Version
from pairgen.verification import refuse_altered
from pairgen.version import MANIFEST, brief
from pairgen.withdrawn import refuse_withdrawn

_REPO = re.compile(r"([A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})(?:@([A-Za-z0-9][\w.-]{0,63}))?", re.ASCII)
_OWN = ".gitattributes"  # the hub's


def push(version: Version, repo: str) -> bool:
    """Put `version` on the hub, with its tag; False where that tag holds it already. A new repository is private.

    `StoreError` where it was withdrawn or altered, or the repository or its tag holds something else
    or a newer version, which a pull without a tag would no longer get.
    """
    name, which = _parsed(repo)
    if which:
        raise StoreError(f"{repo}: expected ORG/NAME; the tag is that of the version, v{version.number}")
    refuse_withdrawn(version)
    refuse_altered(version)
    tag, own = f"v{version.number}", version.manifest["manifest_digest"]
    with _asked(name) as hub:
        if get_token() is None:
            raise StoreError(f"{name}: no token of the hub; run `hf auth login`, or set HF_TOKEN")
        hub.create_repo(name, repo_type="dataset", private=True, exist_ok=True)
        if tag in {each.name for each in hub.list_repo_refs(name, repo_type="dataset").tags}:
            there = _manifest(hub, name, tag)
            if there.get("manifest_digest") == own:
                return False
            raise StoreError(f"{name}: {tag} is another version there, of {_told(there)}; choose another repository")
        if set(hub.list_repo_files(name, repo_type="dataset")) - {_OWN}:
            there = _manifest(hub, name, "main")
            if there.get("name") != version.name:
                raise StoreError(f"{name}: holds {_told(there)}, not {version.name}; choose another repository")
            if isinstance(there.get("number"), int) and there["number"] > version.number:
                raise StoreError(
                    f"{name}: holds {_told(there)}, which is newer than v{version.number}; push it elsewhere"
                )
        commit = hub.upload_folder(
            repo_id=name,
            repo_type="dataset",
            folder_path=version.path,
            delete_patterns="*",
            commit_message=f"{version.reference}, digest {version.digest[:12]}",
        )
        hub.create_tag(name, repo_type="dataset", tag=tag, revision=commit.oid)
    return True


def pull(repo: str, store: Store) -> tuple[Version, bool]:
    """The version in the repository ORG/NAME, or of its tag ORG/NAME@v3, in `store`; and whether it is new there.

    It is verified before it is a version of the store, and stays what it is: name, number, digest and every byte.
    """
    name, which = _parsed(repo)
    with tempfile.TemporaryDirectory(prefix="contrast-pairs-") as work:
        with _asked(name) as hub:
            commit = hub.dataset_info(name, revision=which).sha
            stated = _manifest(hub, name, commit)
            if not isinstance(stated.get("name"), str) or not isinstance(stated.get("number"), int):
                raise StoreError(f"{repo}: holds no version ({MANIFEST} is missing or names none); name another")
            store.check_name(stated["name"])
            folder = Path(work) / stated["name"] / f"v{stated['number']:04d}"
            hub.snapshot_download(name, repo_type="dataset", revision=commit, local_dir=folder, ignore_patterns=_OWN)
        shutil.rmtree(folder / ".cache")  # what the library remembers of its downloads
        return store.adopt(folder, source=repo)


def _parsed(repo: str) -> tuple[str, str | None]:
    found = _REPO.fullmatch(repo)
    if not found:
        raise StoreError(f"{repo!r}: no repository of the hub; expected ORG/NAME, or ORG/NAME@v3")
    try:
        validate_repo_id(found[1])
    except HFValidationError as error:
        raise StoreError(f"{repo!r}: no repository of the hub ({brief(error)}); expected ORG/NAME") from error
    return found[1], found[2]


def _manifest(hub: HfApi, repo: str, revision: str | None) -> dict[str, Any]:
    """What the manifest there holds; nothing where there is none."""
    try:
        with tempfile.TemporaryDirectory(prefix="contrast-pairs-") as work:
            path = hub.hf_hub_download(repo, MANIFEST, repo_type="dataset", revision=revision, local_dir=work)
            found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (RemoteEntryNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _told(manifest: dict[str, Any]) -> str:
    if not manifest:
        return "files that are no version"
    return f"{manifest.get('name')}@v{manifest.get('number')} (digest {str(manifest.get('digest'))[:12]})"


@contextmanager
def _asked(repo: str) -> Iterator[HfApi]:
    """The hub; what it refuses is a `StoreError` of one line."""
    if not sys.stderr.isatty():
        disable_progress_bars()
    hub = HfApi()
    try:
        yield hub
    except RevisionNotFoundError as error:
        raise StoreError(f"{repo}: has no such tag; look at {hub.endpoint}/datasets/{repo}") from error
    except RepositoryNotFoundError as error:
        raise StoreError(
            f"{repo}: no such data set repository at {hub.endpoint}, or this token may not see it; `hf auth whoami`"
        ) from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        cure = "the token may not do that; `hf auth login` with one that can write" if status in (401, 403) else ""
        raise StoreError(f"{repo}: the hub refused ({status}): {cure or brief(error)}") from error
    except (HTTPError, OSError, RuntimeError) as error:
        raise StoreError(f"{repo}: {hub.endpoint} cannot be reached ({brief(error)}); is there a network?") from error
