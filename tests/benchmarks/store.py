"""Seconds and peak memory to publish and verify 1,000,000 pairs; publishes killed at random moments, and 20 at once.

    python tests/benchmarks/store.py million [--pairs N]
    python tests/benchmarks/store.py kill [--times 50] [--s3]
    python tests/benchmarks/store.py together [--publishers 20] [--s3]

`--s3` takes moto's server on loopback instead of a folder; there a publisher that was killed is given up after half a
second instead of 40. Exit 1 where a version is damaged, two have one digest, or memory is over 2 GiB.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # this file's own folder, in which it is named like a module

import polars as pl  # noqa: E402

from pairgen import turns  # noqa: E402
from pairgen.digests import digest  # noqa: E402
from pairgen.draft import Contents, Draft  # noqa: E402
from pairgen.schema import DROPPED, FUNNEL, MEMBERS, PAIRS, collected  # noqa: E402
from pairgen.sorting import sort_tables  # noqa: E402
from pairgen.store import Store, verify  # noqa: E402
from pairgen.version import ORDER, TABLES, in_portions  # noqa: E402
from tests.contents import SCORES, contents  # noqa: E402
from tests.s3_server import BUCKET, serve_s3  # noqa: E402

MAX_GIB = 2.0
SETS_A_PART = 50_000
PATIENCE_SECONDS = 0.5  # a publisher here writes for a second or two, and is heard ten times in it


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("what", choices=["million", "kill", "together", "publish", "verify", "one"])
    arguments.add_argument("rest", nargs="*")
    arguments.add_argument("--pairs", type=int, default=1_000_000)
    arguments.add_argument("--times", type=int, default=50)
    arguments.add_argument("--publishers", type=int, default=20)
    arguments.add_argument("--s3", action="store_true")
    given = arguments.parse_args()
    match given.what:
        case "million":
            million(given.pairs)
        case "kill":
            kill(given.times, s3=given.s3)
        case "together":
            together(given.publishers, s3=given.s3)
        case "publish":
            publish_tables(*map(Path, given.rest))
        case "verify":
            verify_it(given.rest[0])
        case "one":
            publish_one(*given.rest)


def million(pairs: int) -> None:
    """A process each to publish and to verify, so that the peak is its own."""
    with tempfile.TemporaryDirectory() as work:
        write_tables(Path(work) / "tables", pairs)
        print(f"{pairs:,} pairs, {sum(path.stat().st_size for path in Path(work).rglob('*.parquet')) / 2**20:.0f} MiB")
        over = False
        for what in (["publish", f"{work}/tables", f"{work}/store"], ["verify", f"{work}/store"]):
            said = json.loads(ours(*what).communicate()[0])
            print(f"{what[0]:<8} {said['seconds']:6.1f} s  peak {said['gib']:.2f} GiB")
            over |= said["gib"] > MAX_GIB
    sys.exit(over)


def publish_tables(tables: Path, store: Path) -> None:
    """What `collect` hands to `publish`, with documents of a few lines: the store alone."""
    built = contents()
    rows = {}
    for name, schema in TABLES.items():
        parts = in_portions(pl.scan_parquet(tables / f"{name}.parquet"))
        rows[name] = sort_tables(parts, ORDER[name], schema, tables / name)
    kept, dropped = (collected(rows[name].select(pl.len())).item() for name in ("pairs", "dropped"))
    counts = {"stage": "filter", "unit": "pair", "entered": kept + dropped, "kept": kept, "dropped": dropped}
    funnel = pl.DataFrame([counts], schema=FUNNEL)
    whole = Contents(**rows, funnel=funnel, recipe="", fingerprints=built.fingerprints, source=built.source)
    started = time.monotonic()
    Store(store).publish("demo", whole, documents=documents)
    told(started)


def verify_it(store: str) -> None:
    started = time.monotonic()
    problems = verify(Store(store).resolve("demo"))
    if problems:
        sys.exit(problems[0])
    told(started)


def told(started: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"seconds": time.monotonic() - started, "gib": peak}))


def write_tables(folder: Path, pairs: int) -> None:
    """Sets of a rewrite and its two negatives, and a tenth as many dropped pairs, part by part."""
    folder.mkdir()
    parts: dict[str, list[pl.DataFrame]] = {"pairs": [], "members": [], "dropped": []}
    for start in range(0, pairs // 2, SETS_A_PART):
        for name, part in made(start, min(start + SETS_A_PART, pairs // 2)).items():
            parts[name].append(part)
    for name, some in parts.items():
        pl.concat(some).write_parquet(folder / f"{name}.parquet")


def made(start: int, stop: int) -> dict[str, pl.DataFrame]:
    rows = []
    for number in range(start, stop):
        place = f"house {number} in {digest('street', str(number))[:12]} street"
        texts = (
            f"The library in {place} opens {number % 90 + 2} days late, and nobody said why.",
            f"The damn library in {place} opens {number % 90 + 2} days late, you idiot, and nobody said why.",
            f"The library in {place} does not open {number % 90 + 2} days late, and nobody said why.",
        )
        rows.append((digest("set", place), *texts, *(digest("member", place, text) for text in texts)))
    names = ("set_id", "positive", "toxic", "negation", "positive_id", "toxic_id", "negation_id")
    sets = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        context=pl.lit(""),
        source=pl.lit("street"),
        split=pl.when(pl.int_range(pl.len()) % 10 > 1).then(pl.lit("train")).otherwise(pl.lit("test")),
        parent="toxic",
        positive_kind=pl.lit("rewrite"),
    )
    spread = pl.int_range(pl.len()) / pl.len()
    scores = {f"score_{name}": (spread * 0.9).sin() / (place + 1) for place, name in enumerate(SCORES)}
    kinds = {"toxic": pl.col("toxic_id"), "negation": pl.col("negation_id")}
    pairs = [
        sets.with_columns(negative=kind, negative_kind=pl.lit(kind), pair_id=key, **scores).select(*PAIRS, *scores)
        for kind, key in kinds.items()
    ]
    span = pl.lit([{"start": 4, "end": 9}], dtype=MEMBERS["spans"])
    members = [
        sets.with_columns(
            member_id=f"{kind}_id",
            role=pl.lit("positive" if kind == "positive" else "negative"),
            kind=pl.lit("rewrite" if kind == "positive" else kind),
            text=kind,
            parent_id=pl.col("positive_id") if kind == "negation" else pl.col("set_id"),
            spans=span,
        ).select(*MEMBERS)
        for kind in ("positive", "toxic", "negation")
    ]
    lost = (
        pairs[0]
        .gather_every(5)
        .with_columns(
            stage=pl.lit("filter"),
            drop_reason=pl.lit("similarity"),
            score=pl.lit(0.3),
            unit=pl.lit("pair"),
            id="set_id",
            text=pl.lit(None, dtype=pl.String),
            source_id=pl.lit(None, dtype=pl.String),
            duplicate_of=pl.lit(None, dtype=pl.String),
        )
    )
    return {"pairs": pl.concat(pairs), "members": pl.concat(members), "dropped": lost.select(*DROPPED)}


def kill(times: int, *, s3: bool) -> None:
    """Publishers of other rows each, killed with SIGKILL at a moment drawn evenly from twice what a publish takes.

    On S3 one that is not killed follows each, and gives its turn up: else the rest would be killed while they wait.
    """
    with somewhere(s3=s3) as store:
        took = []
        for number in range(2):
            began = start(store, number)
            began.wait()
            took.append(float(began.communicate()[0]))
        longest, published = max(took), len(Store(store).versions())
        print(f"a publish takes {longest:.2f} s")
        drawn = random.Random(1)
        for number in range(times):
            killed = start(store, number + 2)
            time.sleep(drawn.uniform(0, 2 * longest))
            killed.kill()
            killed.communicate()
            if s3:
                start(store, times + 3 + number).communicate()
        report(store, f"killed {times} times")
        print(f"  of these {len(Store(store).versions()) - published - s3 * times} had published already")
        last = start(store, times + 2)
        print(f"  the next publish takes {float(last.communicate()[0]):.2f} s")
        report(store, "afterwards")


def together(publishers: int, *, s3: bool) -> None:
    """Publishers in processes of their own, each with rows that another has as well."""
    with somewhere(s3=s3) as store:
        began = time.monotonic()
        running = [ours("one", store, str(number // 2)) for number in range(publishers)]
        for each in running:
            each.stdout.readline()
        for each in running:
            each.stdin.write("go\n")
            each.stdin.flush()
        codes = [each.wait() for each in running]
        for each in running:
            each.communicate()
        print(f"{publishers} publishers, {codes.count(0)} ended well, {time.monotonic() - began:.0f} s")
        report(store, "together")
        if any(codes):
            sys.exit(1)


def publish_one(store: str, number: str) -> None:
    built = contents(2_000 + 3 * int(number))
    turns.PATIENCE_SECONDS, turns.BEAT_SECONDS = PATIENCE_SECONDS, PATIENCE_SECONDS / 10
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.monotonic()
    Store(store).publish("demo", built, documents=documents)
    print(time.monotonic() - started)


def start(store: str, number: int) -> "subprocess.Popen[str]":
    """A publisher that has begun to publish."""
    process = ours("one", store, str(number))
    process.stdout.readline()
    process.stdin.write("go\n")
    process.stdin.flush()
    return process


def report(store: str, what: str) -> None:
    """Exit 1 where a version is damaged, or two have the same number or digest."""
    found = Store(store).versions()
    damaged = [version.reference for version in found if verify(version)]
    same = len(found) - min(len({version.digest for version in found}), len({version.number for version in found}))
    print(f"{what}: {len(found)} versions, damaged {len(damaged)}, same as another {same}")
    if damaged or same:
        sys.exit(1)


def documents(draft: Draft) -> dict[str, str]:
    return {"README.md": f"# {draft.reference}\n", "card.html": "x" * 1_000_000}


def ours(*arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, __file__, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextmanager
def somewhere(*, s3: bool) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as work:
        os.environ["XDG_CACHE_HOME"] = f"{work}/cache"
        if not s3:
            yield f"{work}/store"
            return
        with serve_s3() as environment:
            os.environ.update(environment)
            yield f"s3://{BUCKET}/store"


if __name__ == "__main__":
    main()
