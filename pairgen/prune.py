"""Removing old versions and leftovers: what may go, why the rest stays, and the tombstones (STORE/NAME/pruned.json)."""

import json
import secrets
import shutil
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pairgen.candidates import is_candidate
from pairgen.errors import StoreError
from pairgen.places import Place, Remote, local_folder
from pairgen.records import PREFIX, read_record, signed, write_record
from pairgen.tags import tags_of
from pairgen.version import MANIFEST, Version, brief
from pairgen.withdrawn import withdrawal_of

_FILE = "pruned.json"
_REMOVED = ".pruned-"
_OLD = 24 * 3600  # seconds after which what an unfinished build or publish left is taken for abandoned


class Verdict(NamedTuple):
    """A version and why it stays; no reason means that it may go."""

    version: Version
    reasons: tuple[str, ...]


def judge(versions: Sequence[Version], *, keep: int, models: Path, store: Sequence[Version]) -> list[Verdict]:
    """What stays of `versions`, all of one data set, and why.

    The latest and the newest `keep` that are not withdrawn stay, what has a tag, what a model in a folder under
    `models` was trained from, what another version of the `store` was held against, and the version before each of
    these, which its manifest names as parent.
    """
    held = _held_against(store)
    live = [version.number for version in versions if not withdrawal_of(version)]
    latest = [version.number for version in versions if version.number in live and not is_candidate(version)][-1:]
    trained = _trained(models)
    own: dict[int, list[str]] = {}
    of: dict[str | None, list[str]] = {}
    for version in versions:
        reasons = [f"tag {tag}" for tag in tags_of(version)]
        if version.number in live[-keep:]:
            reasons.append("newest")
        elif version.number in latest:
            reasons.append("latest")
        for lineage, named in trained:
            if named["digest"] == version.digest or named["version"] == version.reference:
                reasons.append(f"model {lineage.parent}")
        own[version.number] = reasons + held.get(version.reference, [])
    for version in versions:
        if own[version.number]:
            of.setdefault(version.manifest["parent"], []).append(f"parent of {version.reference}")
    return [Verdict(version, (*own[version.number], *of.get(version.reference, ()))) for version in versions]


def leftovers(root: Place, name: str) -> list[Place]:
    """What builds, publishers and prunes that were stopped left, of this store and of its data set `name`."""
    home, here = root / name, local_folder(root)
    aged = [*here.glob(".build-*"), *here.glob(f"{PREFIX}*")]
    if isinstance(home, Path):
        aged += home.glob(f"{PREFIX}*")
    old = sorted(path for path in aged if time.time() - _touched(path) > _OLD)
    if isinstance(home, Path):
        return list[Place](sorted([*old, *home.glob(f"{_REMOVED}*")]))
    found = home.sizes()
    ended = {each.partition("/")[0] for each, size in found.items() if each.endswith(f"/{MANIFEST}") and not size}
    return [*old, *(home / each for each in sorted(found) if each.partition("/")[0] in ended and found[each])]


def remove(version: Version) -> None:
    """Remove `version` and leave a tombstone; the caller holds `records.changing(version.place.parent)`."""
    home = version.place.parent
    record = read_record(home / _FILE, "pruned")
    record["pruned"][str(version.number)] = signed(
        digest=version.digest, created=version.manifest["created"], parent=version.manifest["parent"]
    )
    write_record(home / _FILE, record)
    try:
        if isinstance(version.place, Remote):
            (version.place / MANIFEST).write(b"")  # from here on it is no version: there is never half a one
            for name in version.place.sizes().keys() - {MANIFEST}:
                (version.place / name).unlink()
        elif isinstance(home, Path):
            gone = home / f"{_REMOVED}{secrets.token_hex(8)}"
            version.place.rename(gone)
            shutil.rmtree(gone)
    except OSError as error:
        raise StoreError(f"{version.place}: cannot be removed ({brief(error)}); mend that and prune again") from error


def sweep(path: Place) -> None:
    """Remove a leftover."""
    try:
        if isinstance(path, Path) and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StoreError(f"{path}: cannot be removed ({brief(error)}); mend that and prune again") from error


def read_pruned(home: Place) -> dict[int, dict[str, Any]]:
    """Number and tombstone (digest, created, parent, when, who) of what was pruned from the folder `home`."""
    stones = read_record(home / _FILE, "pruned")["pruned"]
    for number, stone in stones.items():
        if not number.isdecimal() or not isinstance(stone, dict) or not isinstance(stone.get("when"), str):
            raise StoreError(f"{home / _FILE}: damaged record of pruned (version {number!r}); restore it")
    return {int(number): stone for number, stone in stones.items()}


def _held_against(versions: Sequence[Version]) -> dict[str, list[str]]:
    """By the references that `near_duplicate` names in their recipes (NAME@v3@DIGEST), which of `versions` do."""
    held: dict[str, list[str]] = {}
    for version in versions:
        recipe = tomllib.loads((version.place / "recipe.toml").read_text(encoding="utf-8"))
        gates = [each for each in recipe.get("filters", []) if each["kind"] == "near_duplicate"]
        for named in (named for gate in gates for named in gate.get("against", [])):
            held.setdefault(named.rpartition("@")[0], []).append(f"held against by {version.reference}")
    return held


def _trained(models: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Each lineage.json under `models` and what it holds; one that cannot be read might name any version."""
    found = []
    for path in sorted(models.rglob("lineage.json")) if models.is_dir() else []:
        try:
            lineage = json.loads(path.read_text(encoding="utf-8"))
            found.append((path, {key: lineage[key] for key in ("version", "digest")}))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StoreError(
                f"{path}: does not say which version it was trained from ({brief(error)}), so nothing is removed; "
                "restore it, or move that model elsewhere"
            ) from error
    return found


def _touched(path: Path) -> float:
    """When anything in `path` was last changed, in seconds since 1970."""
    try:
        return max(each.lstat().st_mtime for each in (path, *path.rglob("*")))
    except OSError:  # a build that runs removes its own files
        return time.time()
