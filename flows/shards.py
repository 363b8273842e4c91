"""Shards: how a table goes from stage to stage on disk, so that memory follows the shard and not the corpus.

A shard is a folder; a stage reads the tables it needs there and leaves what it kept (STAGE.parquet), what it dropped
(STAGE.dropped.parquet) and, last, its row of the funnel (STAGE.json): a stage that has left that is not run again. So a
build that was killed goes on, in the folder that `workplace` gives it.
"""

import fcntl
import json
import math
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import polars as pl

from flows.progress import console
from pairgen.clock import model_seconds
from pairgen.corpus import RAW, SourceFacts, SourceSettings, read_in_batches, source_sha256
from pairgen.digests import digest
from pairgen.errors import SourceError, StoreError
from pairgen.references import drop_references
from pairgen.schema import DROPPED, FUNNEL, TEXTS, Outcome, check_sums, drop, empty, stack
from pairgen.sorting import by_ranges, parquet, write_run

Count = Callable[[pl.DataFrame], int]
_LISTED = "shards.json"  # the folders of the shards; it stands once all have their raw.parquet
_ROWS_AT_ONCE = 50_000
_SET_ASIDE = ".set_aside"


class Shards(NamedTuple):
    """The folders of the shards, each with its raw.parquet, and what is known of the sources."""

    folders: list[Path]
    facts: list[SourceFacts]


@contextmanager
def workplace(here: Path, name: str, *parts: str) -> Iterator[Path]:
    """The folder of the build of data set `name` that `parts` decide, for nobody else until this ends.

    What a build of the same `parts` left when it was stopped is still there; what others left is removed. It goes when
    the build ends well, or ended before it had shards. Another build of `name` that works here is waited for.
    """
    home = here.resolve() / f".build-{name}"
    work = home / digest(*parts)
    with ExitStack() as held:
        try:
            held.enter_context(_locked(here / ".cache" / f"{name}.building", name))
            for other in set(home.glob("*")) - {work}:
                shutil.rmtree(other)
            work.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{home}: cannot work there ({error.strerror}); make room or choose another --store"
            ) from error
        try:
            yield work
        except BaseException:
            if not (work / _LISTED).exists():  # no shard to go on with: its source could not be read
                shutil.rmtree(home, ignore_errors=True)
            raise
        shutil.rmtree(home, ignore_errors=True)


def _locked(file: Path, name: str) -> IO[str]:
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = file.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        console.print(f"{name}: another build of it is at work; this one begins when that ends", markup=False)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def write_shards(work: Path, settings: SourceSettings, *, rows_per_shard: int) -> Shards:
    """Every source, cut into shards by the digests of its texts: where a text goes does not depend on the row order.

    Shards of the same sources that stand in `work` whole are left as they are. Where one was set aside all begin anew:
    what was found across them was found without it, and what was scored is remembered.
    """
    listed = work / _LISTED
    if listed.exists():
        held = json.loads(listed.read_text(encoding="utf-8"))
        whole = Shards([work / each for each in held["folders"]], [SourceFacts(**each) for each in held["facts"]])
        unchanged = all(source_sha256(each.path) in (None, each.sha256) for each in whole.facts)
        complete = not any(work.glob(f"*{_SET_ASIDE}"))
        if unchanged and complete and all(is_table(folder / "raw.parquet") for folder in whole.folders):
            return whole
    for unfinished in work.glob("*"):
        shutil.rmtree(unfinished) if unfinished.is_dir() else unfinished.unlink()
    hashes = [source_sha256(path) for path in settings.paths]
    (work / "runs").mkdir(parents=True)
    runs: list[Path] = []

    def take(rows: pl.DataFrame) -> None:
        runs.append(write_run(rows.sort("text_id", maintain_order=True), work / "runs" / f"{len(runs)}.parquet"))

    facts = []
    for path, before in zip(settings.paths, hashes, strict=True):
        facts.append(read_in_batches(path, settings, take))
        if before not in (None, facts[-1].sha256):
            raise SourceError(f"{path}: changed while it was read; build again when nobody writes to it")
    folders = _cut(runs, work, sum(each.rows for each in facts), rows_per_shard)
    shutil.rmtree(work / "runs")
    content = {"folders": [folder.name for folder in folders], "facts": [each.as_dict() for each in facts]}
    _place(listed, json.dumps(content).encode())
    return Shards(folders, facts)


def _cut(runs: list[Path], work: Path, rows: int, rows_per_shard: int) -> list[Path]:
    """The folders of the shards in `work`, cut from the files `runs`, each sorted by text_id, that hold `rows` in all.

    In memory is a range of ids at a time, of about `_ROWS_AT_ONCE`.
    """
    bits = min(16, max(0, math.ceil(math.log2(rows / rows_per_shard))))
    width = 2 ** (16 - bits)
    bucket = pl.col("text_id").str.head(4).str.to_integer(base=16) // width
    step = width * max(1, _ROWS_AT_ONCE * 2**bits // rows)
    folders, kept = [], 0
    for some in by_ranges(runs, ["text_id"], [f"{start:04x}" for start in range(step, 2**16, step)]):
        for (number,), part in some.group_by(bucket, maintain_order=True):
            folder = work / f"shard-{number:05d}"
            folder.mkdir()
            write_whole(folder / "raw.parquet", part)
            folders.append(folder)
            kept += part.height
    check_sums("shard", entered=rows, kept=kept, dropped=0)
    return folders


def advance(
    shard: Path,
    stage: str,
    function: Callable[..., Outcome],
    *,
    reads: Sequence[str],
    unit: str = "text",
    entered: Count = len,
    kept: Count = len,
) -> Path:
    """Run `function` on the tables of `shard` that earlier stages named `reads` left, and leave its outcome there.

    An outcome that stands there whole is left as it is. Nothing vanishes: raises `SchemaError` unless `entered` of the
    first table = `kept` of what was kept + rows dropped.
    """
    if is_done(shard, stage):
        return shard
    tables = [pl.read_parquet(shard / f"{name}.parquet") for name in reads]
    with model_seconds() as models:
        outcome = function(*tables)
    counts = {"entered": entered(tables[0]), "kept": kept(outcome.kept), "dropped": outcome.dropped.height}
    check_sums(stage, **counts)
    _leave(shard, {"stage": stage, "unit": unit, **counts, "models": models}, outcome)
    return shard


def set_aside(shard: Path, stage: str) -> Path:
    """The shard that stands for `shard`, which failed at `stage`: all its texts and references are dropped.

    Their reason is "failed_STAGE"; every later stage has nothing to do, in the columns that it had.
    """
    done = sorted(file.stem for file in shard.glob("*.json"))
    made = shard.with_name(f".{secrets.token_hex(8)}")
    made.mkdir()
    empty(RAW).write_parquet(made / "raw.parquet")
    rows = pl.read_parquet(shard / ("read.parquet" if "read" in done else "raw.parquet"))
    failed = drop(rows, stage="read", reason=f"failed_{stage}", unit="text")
    for each in done:
        counts = json.loads((shard / f"{each}.json").read_text(encoding="utf-8"))
        kept, dropped = (pl.read_parquet(shard / f"{each}{end}").head(0) for end in (".parquet", ".dropped.parquet"))
        _leave(made, {**counts, "entered": 0, "kept": 0, "dropped": 0}, Outcome(kept, dropped))
    earlier = [pl.read_parquet(shard / "read.dropped.parquet")] if "read" in done else []
    written = drop_references(pl.read_parquet(shard / "raw.parquet"), reason=f"failed_{stage}")
    for name, unit, dropped in (
        ("read", "text", stack([*earlier, failed], DROPPED)),
        ("references", "reference", written),
    ):
        counts = {"entered": dropped.height, "kept": 0, "dropped": dropped.height}
        _leave(made, {"stage": name, "unit": unit, **counts, "models": {}}, Outcome(empty(TEXTS), dropped))
    return made.rename(shard.with_name(f"{shard.name}{_SET_ASIDE}"))


def set_aside_of(shards: Sequence[Path]) -> list[Path]:
    """Those of `shards` that stand for others, which failed."""
    return [shard for shard in shards if shard.suffix == _SET_ASIDE]


def _leave(shard: Path, counts: dict[str, Any], outcome: Outcome) -> None:
    stage = counts["stage"]
    files = {f"{stage}.parquet": parquet(outcome.kept), f"{stage}.dropped.parquet": parquet(outcome.dropped)}
    for name, content in files.items():
        _place(shard / name, content)
    _place(
        shard / f"{stage}.json", json.dumps({**counts, "bytes": {name: len(files[name]) for name in files}}).encode()
    )


def write_whole(file: Path, table: pl.DataFrame) -> None:
    """`table` as a Parquet file, whole or not at all."""
    _place(file, parquet(table))


def rows_of(shard: Path, file: Path) -> pl.DataFrame:
    """The rows of `file`, a table sorted by text_id, that are of the texts of `shard`: no others are read."""
    ids = pl.col("text_id")
    first, last = pl.scan_parquet(shard / "raw.parquet").select(ids.min(), last=ids.max()).collect().row(0)
    return pl.scan_parquet(file, glob=False).filter(ids.is_between(pl.lit(first), pl.lit(last))).collect()


def is_table(file: Path) -> bool:
    """Whether a Parquet file is there and not cut short: what says how to read it stands at its end."""
    try:
        pl.read_parquet_schema(file)
    except (pl.exceptions.PolarsError, OSError):
        return False
    return True


def _place(file: Path, content: bytes) -> None:
    """`content` at `file`, whole or not at all."""
    new = file.with_name(f".{secrets.token_hex(8)}")
    try:
        new.write_bytes(content)
        new.rename(file)
    finally:
        new.unlink(missing_ok=True)


def is_done(shard: Path, stage: str) -> bool:
    """Whether `stage` left its outcome in `shard`: its row is there, and the files have the lengths that it says."""
    try:
        said = json.loads((shard / f"{stage}.json").read_text(encoding="utf-8"))["bytes"]
        return all((shard / name).stat().st_size == length for name, length in said.items())
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False


def scans(shards: Sequence[Path], stage: str) -> list[pl.LazyFrame]:
    """What `stage` kept in each of `shards`, read when it is asked for."""
    return [pl.scan_parquet(shard / f"{stage}.parquet", glob=False) for shard in shards]


def dropped_of(shards: Sequence[Path]) -> list[pl.LazyFrame]:
    """What each stage dropped in each of `shards`, read when it is asked for."""
    return [pl.scan_parquet(file, glob=False) for shard in shards for file in sorted(shard.glob("*.dropped.parquet"))]


def seconds_of_models(shards: Sequence[Path]) -> Counter[str]:
    """The seconds that each model worked on `shards`, by its spec; what a stopped build spent on them counts too."""
    seconds: Counter[str] = Counter()
    for file in (file for shard in shards for file in shard.glob("*.json")):
        seconds.update(json.loads(file.read_text())["models"])
    return seconds


def funnel(shards: Sequence[Path], stages: Sequence[str]) -> pl.DataFrame:
    """A row a stage, summed over the `shards` that went through it, in the order of `stages`.

    A source without references has no row of them.
    """
    files = [shard / f"{stage}.json" for stage in stages for shard in shards]
    rows = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists()]
    counted = pl.DataFrame([{name: row[name] for name in FUNNEL} for row in rows], schema=FUNNEL)
    summed = counted.group_by("stage", "unit", maintain_order=True).agg(pl.col("entered", "kept", "dropped").sum())
    return summed.filter((pl.col("unit") != "reference") | (pl.col("entered") > 0))
