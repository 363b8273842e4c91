"""Where versions live (STORE/NAME/v0003/...): `Store` publishes them and finds them by reference."""

import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import polars as pl

from pairgen import prune, tags, withdrawn
from pairgen.candidates import is_candidate
from pairgen.draft import Contents, Draft, code_version, finish, hashed, sync, write_documents, write_tables
from pairgen.errors import SchemaError, StoreError
from pairgen.places import Place, Remote, local_folder, place_of
from pairgen.records import PREFIX, changing
from pairgen.schema import FUNNEL, check, collected
from pairgen.turns import taken, turn
from pairgen.verification import verify, wrong_tables
from pairgen.version import (
    MANIFEST,
    TABLES,
    Version,
    brief,
    content_digest,
    in_order,
    read_version,
)

__all__ = ["Contents", "Draft", "Store", "Version", "verify"]

Review: TypeAlias = Callable[[Contents, Version], Sequence[str]]  # a version to be, the latest: what is against it

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FOLDER = re.compile(r"v(\d{4}|[1-9]\d{4,})")
_MANIFEST = re.compile(rf"{_FOLDER.pattern}/{re.escape(MANIFEST)}")
_NUMBERS = ".numbers"  # the highest number ever given, so that none is reused after a version's folder was removed
_QUEUE = "publish"  # the turns of a remote store that are its version numbers


class _Ready(NamedTuple):
    """What is published once it has a number: its tables are written to `work`, `files` has their sizes and sha256."""

    name: str
    digest: str
    contents: Contents
    created: str
    files: dict[str, dict[str, Any]]
    documents: Callable[[Draft], dict[str, str]]
    review: Review | None
    work: Path


class Store:
    """Versions in a folder or at a URL, `root`; one that is absent or empty holds none."""

    def __init__(self, root: str | Place) -> None:
        self.root = place_of(root)

    def publish(
        self,
        name: str,
        contents: Contents,
        *,
        documents: Callable[[Draft], dict[str, str]],
        review: Review | None = None,
    ) -> tuple[Version, bool]:
        """The version of `name` with these pairs and members, and whether it is new: the same ones are published once.

        `documents` gives the text of each further file (README.md, card.html, stats.json). Everything is written to a
        folder of its own and renamed at the end, so that there is never half a version; the files are read-only then.
        To a remote store they are copied, the manifest last and exclusively. What `review` says against it beside the
        latest version makes it a candidate; so does a latest version whose tables are too damaged to tell.
        `StoreError` where the manifest of the newest is damaged: what it holds is not known then.
        """
        self.check_name(name)
        contents = _checked(name, contents)
        digest = content_digest(contents.pairs, contents.members)
        if standing := self.holding(name, digest):
            return standing, False
        home = self.root / name
        with self._working(home) as work:
            write_tables(work, contents)
            created = datetime.now(UTC).isoformat(timespec="seconds")
            ready = _Ready(name, digest, contents, created, hashed(work), documents, review, work)
            return self._settle(home, ready) if isinstance(home, Path) else self._settle_remote(home, ready)

    def adopt(self, folder: Path, *, source: str) -> tuple[Version, bool]:
        """The version in a folder NAME/vNNNN elsewhere, as it is, in this store; and whether it is new here.

        One that holds the same pairs and members is here already, whatever its number. `StoreError` where it was
        altered on the way from `source`, was withdrawn here, or its number was given here before.
        """
        version = read_version(folder)
        problems = verify(version)
        if problems:
            more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
            raise StoreError(f"{source}: is not what was published ({problems[0]}{more}); nothing was pulled")
        self._refuse_withdrawn(version.name, version.digest)
        here = [each for each in self.versions(version.name) if each.digest == version.digest]
        if here:
            return here[-1], False
        home, taken_before = (
            self.root / version.name,
            StoreError(
                f"{source}: is {version.reference}, and {self.root} has given that number or a later one; "
                "pull it into another --store"
            ),
        )
        if version.number <= self._highest(version.name):
            raise taken_before
        with self._working(home) as work:
            shutil.copytree(folder, work, dirs_exist_ok=True)
            for path in sorted(work.rglob("*"), reverse=True):
                finish(path) if path.is_file() else sync(path)
            if isinstance(home, Path):
                landed = self._renamed(work, home / folder.name)
            else:
                landed = self._landed(home, version.number, work)
        if not landed:
            raise taken_before
        return self.resolve(version.reference), True

    @staticmethod
    def check_name(name: str) -> None:
        """`StoreError` unless `name` can be that of a data set."""
        if not _NAME.fullmatch(name):
            raise StoreError(f"{name!r}: no name of a data set; expected at most 64 of a-z, 0-9, '.', '_' and '-'")

    def names(self) -> list[str]:
        """The data sets that have a version, sorted."""
        if self.root.is_file():
            raise StoreError(f"{self.root}: is a file, a store is a folder; choose another --store")
        if isinstance(self.root, Remote):
            found = (each.partition("/") for each, size in self.root.sizes().items() if size)
            return sorted({name for name, _, rest in found if _NAME.fullmatch(name) and _MANIFEST.fullmatch(rest)})
        try:
            folders = sorted(self.root.iterdir()) if self.root.exists() else []
            return [folder.name for folder in folders if _NAME.fullmatch(folder.name) and self._numbers(folder.name)]
        except OSError as error:
            raise StoreError(f"{self.root}: cannot be read ({error.strerror}); choose another --store") from error

    def versions(self, name: str | None = None) -> list[Version]:
        """All versions, or those of `name`, by name and number; an unknown name has none."""
        if name is not None:
            self.check_name(name)
        names = self.names()
        chosen = names if name is None else [name] if name in names else []
        return [read_version(self._folder(each, number)) for each in chosen for number in self._numbers(each)]

    def resolve(self, reference: str) -> Version:
        """The version that NAME, NAME@latest, NAME@v3, NAME@TAG or NAME@DIGESTPREFIX (6 or more characters) means.

        The latest is the newest that is neither withdrawn nor a candidate; the others are found whatever they are.
        """
        name, at, which = reference.partition("@")
        self.check_name(name)
        names = self.names()
        if name not in names:
            known = f"there are: {', '.join(names)}" if names else "it is empty; `contrast-pairs build RECIPE` fills it"
            raise StoreError(f"{reference}: no data set {name!r} in {self.root}; {known}")
        numbers = self._numbers(name)
        found = self._latest(name) if which == "latest" or not at else self._named(name, which)
        if len(found) > 1:
            fitting = ", ".join(f"{name}@v{number}" for number in found)
            raise StoreError(f"{reference}: fits {fitting}; give more characters of the digest")
        if not found and (which == "latest" or not at):
            fate = "a candidate or withdrawn" if self._live(name) else "withdrawn"
            raise StoreError(f"{reference}: every version of {name} is {fate}; `contrast-pairs versions {name}`")
        if not found or found[0] not in numbers:
            known = ", ".join(f"{name}@v{number}" for number in numbers[-12:])
            stone = prune.read_pruned(self.root / name).get(found[0]) if found else None
            said = f"pruned on {stone['when'][:10]}" if stone else f"no such version in {self.root}"
            raise StoreError(f"{reference}: {said}; there are: {known}")
        return read_version(self._folder(name, found[0]))

    def tag(self, reference: str, tag: str) -> dict[str, Any]:
        """Give `tag` to the version that `reference` means, and say how it moved: tag, from, to, when, who."""
        tags.check_tag(tag)
        version = self.resolve(reference)
        with changing(version.place.parent):
            self.resolve(version.reference)  # it may have been pruned meanwhile
            withdrawn.refuse_withdrawn(version)
            return tags.move_tag(version.place.parent, tag, version.number)

    def withdraw(self, reference: str, reason: str) -> Version:
        """Withdraw the version that `reference` means: it stays as it is, but nothing is trained from it any more."""
        version = self.resolve(reference)
        with changing(version.place.parent):
            self.resolve(version.reference)
            withdrawn.withdraw(version, reason)
        return version

    def prune(self, name: str, *, keep: int, models: Path, remove: bool) -> tuple[list[prune.Verdict], list[Place]]:
        """What of `name` may go (`prune.judge`) and which leftovers; both are gone afterwards if `remove` says so."""
        home = self.root / name
        if not self.versions(name):
            self.resolve(name)  # says what there is
        if not remove:
            verdicts = prune.judge(self.versions(name), keep=keep, models=models, store=self.versions())
            return verdicts, prune.leftovers(self.root, name)
        with changing(home):
            verdicts = prune.judge(self.versions(name), keep=keep, models=models, store=self.versions())
            old = prune.leftovers(self.root, name)
            try:
                self._record(name, self._highest(name))
            except OSError as error:
                raise StoreError(f"{home}: cannot be written ({brief(error)}); nothing was removed") from error
            for verdict in verdicts:
                if not verdict.reasons:
                    prune.remove(verdict.version)
            for path in old:
                prune.sweep(path)
        return verdicts, old

    def _named(self, name: str, which: str) -> list[int]:
        """Numbers that a number, a tag or the beginning of a digest stands for."""
        if re.fullmatch(r"v\d{1,9}", which):
            return [int(which[1:])]
        tagged = tags.read_tags(self.root / name)
        found = [tagged[which]] if which in tagged else []
        if not found and re.fullmatch(r"[0-9a-f]{6,64}", which):
            found = [version.number for version in self.versions(name) if version.digest.startswith(which)]
        return found

    def _folder(self, name: str, number: int) -> Place:
        return self.root / name / _folder(number)

    def _taken(self, name: str) -> list[int]:
        home = self.root / name
        if isinstance(home, Remote):
            sizes = home.sizes()
            found = [match[1] for each in sizes if (match := _FOLDER.fullmatch(each.partition("/")[0]))]
            return sorted({*map(int, found), *taken(sizes, _QUEUE)})
        folders = home.iterdir() if home.is_dir() else iter(())
        return sorted(int(match[1]) for folder in folders if (match := _FOLDER.fullmatch(folder.name)))

    def _numbers(self, name: str) -> list[int]:
        """Numbers of the versions that exist, ascending: those whose manifest does (remote, an empty one is none)."""
        home = self.root / name
        if isinstance(home, Remote):
            found = (_MANIFEST.fullmatch(each) for each, size in home.sizes().items() if size)
            return sorted(int(match[1]) for match in found if match)
        return [number for number in self._taken(name) if (self._folder(name, number) / MANIFEST).is_file()]

    def _live(self, name: str) -> list[int]:
        """Numbers of the versions that are not withdrawn, ascending."""
        stones = withdrawn.read_withdrawn(self.root / name)
        return [number for number in self._numbers(name) if number not in stones]

    def _latest(self, name: str) -> list[int]:
        """The number of the newest version that is neither withdrawn nor a candidate, if there is one."""
        numbers = reversed(self._live(name))
        return next(([each] for each in numbers if not is_candidate(read_version(self._folder(name, each)))), [])

    def _highest(self, name: str) -> int:
        record = self.root / name / _NUMBERS
        recorded = record.read_text(encoding="ascii").strip() if record.is_file() else "0"
        if not recorded.isdecimal():
            raise StoreError(f"{record}: holds {recorded[:20]!r}, expected the highest version number ever given")
        return max([int(recorded), *self._taken(name), *prune.read_pruned(self.root / name)])

    def holding(self, name: str, digest: str) -> Version | None:
        """The newest version of `name` with this digest that is not withdrawn, if there is one.

        `StoreError` where a withdrawn one has it, or the newest cannot be read.
        """
        numbers = self._live(name) if name in self.names() else []
        self._refuse_withdrawn(name, digest)
        for number in reversed(numbers):
            try:
                version = read_version(self._folder(name, number))
            except StoreError:
                if number == numbers[-1]:
                    raise
                continue
            if version.digest == digest:
                return version
        return None

    def _refuse_withdrawn(self, name: str, digest: str) -> None:
        for number, stone in withdrawn.read_withdrawn(self.root / name).items():
            if stone["digest"] == digest:
                raise StoreError(
                    f"{name}: these are the pairs of {name}@v{number}, which was withdrawn on {stone['when'][:10]} "
                    f"({stone['reason']}); nothing was published. Change the source or the recipe"
                )

    @contextmanager
    def _working(self, home: Place) -> Iterator[Path]:
        """A folder that nobody else uses and that is gone afterwards; a disk that refuses is a `StoreError`."""
        work = (home if isinstance(home, Path) else local_folder(self.root)) / f"{PREFIX}{secrets.token_hex(8)}"
        try:
            work.mkdir(parents=True)
            yield work
        except OSError as error:
            raise StoreError(
                f"{home}: cannot publish ({brief(error)}); nothing was published. Make room or choose another --store"
            ) from error
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _documented(self, number: int, ready: _Ready) -> None:
        """Write the documents and the manifest of version `number` beside its tables."""
        existing = self._numbers(ready.name)
        parent = f"{ready.name}@v{existing[-1]}" if existing else None
        before = read_version(self._folder(ready.name, existing[-1])) if existing else None
        against = tuple(self._reviewed(ready.name, ready.contents, ready.review)) if ready.review else ()
        draft = Draft(
            ready.name,
            number,
            ready.digest,
            ready.contents,
            parent,
            ready.created,
            code_version(),
            before,
            ready.files,
            against,
        )
        write_documents(ready.work, draft, ready.documents(draft))

    def _reviewed(self, name: str, contents: Contents, review: Review) -> Sequence[str]:
        """What is said against `contents` beside the latest version; nothing where there is none."""
        latest = self._latest(name)
        try:
            return review(contents, read_version(self._folder(name, latest[0]))) if latest else ()
        except StoreError as error:
            return (f"{name}@v{latest[0]} cannot be compared with: {error}",)

    def _settle(self, home: Path, ready: _Ready) -> tuple[Version, bool]:
        """Documents and manifest for the next number, then the rename; once more if another publisher was faster."""
        while True:
            self._record(ready.name, self._highest(ready.name))
            number = self._highest(ready.name) + 1
            # Asked after the number was chosen: whoever takes that meanwhile makes the rename fail.
            if standing := self.holding(ready.name, ready.digest):
                return standing, False
            self._documented(number, ready)
            folder = home / _folder(number)
            if self._renamed(ready.work, folder):
                return read_version(folder), True

    def _settle_remote(self, home: Remote, ready: _Ready) -> tuple[Version, bool]:
        """The next number is a turn; its mark, the manifest, comes last. Once more if the turn was given up for it."""
        while True:
            with turn(home, _QUEUE, _mark, first=self._highest(ready.name) + 1) as number:
                if standing := self.holding(ready.name, ready.digest):
                    return standing, False
                self._documented(number, ready)
                folder = home / _folder(number)
                if _uploaded(ready.work, folder):
                    return read_version(folder), True

    def _renamed(self, work: Path, folder: Path) -> bool:
        """Whether the folder of a finished version could have its name: False where another was faster."""
        try:
            work.rename(folder)
        except OSError:
            if not folder.exists():
                raise
            return False
        with suppress(OSError):  # it is published: a disk that is full now changes nothing about that
            sync(folder.parent)
            self._record(folder.parent.name, int(folder.name[1:]))
        return True

    def _landed(self, home: Remote, number: int, work: Path) -> bool:
        with turn(home, _QUEUE, _mark, first=number) as own:
            return own == number and _uploaded(work, home / _folder(number))

    def _record(self, name: str, number: int) -> None:
        record = self.root / name / _NUMBERS
        if isinstance(record, Remote):  # there, turns are the record
            return
        if record.is_file() and int(record.read_text(encoding="ascii")) >= number:
            return
        new = record.with_name(f"{PREFIX}{secrets.token_hex(8)}")
        try:
            new.write_text(f"{number}\n", encoding="ascii")
            new.rename(record)
        finally:
            new.unlink(missing_ok=True)


def _folder(number: int) -> str:
    return f"v{number:04d}"


def _mark(number: int) -> str:
    return f"{_folder(number)}/{MANIFEST}"


def _uploaded(work: Path, folder: Remote) -> bool:
    """Whether the files of a finished version are a version there: False where its turn was given up meanwhile."""
    folder.upload(work, besides=MANIFEST)
    return (folder / MANIFEST).create((work / MANIFEST).read_bytes())


def _checked(name: str, contents: Contents) -> Contents:
    """`contents` in stored order; what `verify` would refuse is refused here."""
    if not collected(contents.pairs.select(pl.len())).item():
        raise StoreError(f"{name}: nothing to publish, no pair was kept; the funnel says where they were dropped")
    tables = {"pairs": contents.pairs, "members": contents.members, "dropped": contents.dropped}
    rows = {table: check(tables[table], schema, stage=f"publish: {table}") for table, schema in TABLES.items()}
    check(contents.funnel, FUNNEL, stage="publish: funnel")
    problems = wrong_tables(rows, contents.funnel.to_dicts())
    if problems:
        raise SchemaError(f"publish {name}: {problems[0]}")
    return replace(
        contents,
        pairs=in_order("pairs", rows["pairs"]),
        members=in_order("members", rows["members"]),
        dropped=in_order("dropped", rows["dropped"]),
    )
