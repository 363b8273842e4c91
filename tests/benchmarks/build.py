"""Seconds, peak memory and pairs of a build on 2,000 real comments, and whether two empty stores get the same digest.

    python tests/benchmarks/build.py [--civil 1200] [--wikipedia 800] [--once]

Reads civil_comments.parquet and wikipedia_talk.parquet from ../shared/data (rows drawn by the digest of their text) and
skips aloud where they are not there. Each build runs in a process of its own, with the embedded recipe.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

from pairgen.digests import digest

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def sample(file: Path, rows: int, to: Path) -> Path:
    """The `rows` texts of `file` with the smallest digests, as a Parquet file of the same name in `to`."""
    table = pl.read_parquet(file)
    keyed = table.with_columns(key=pl.col("text").map_elements(digest, return_dtype=pl.String))
    keyed.sort("key").head(rows).drop("key").write_parquet(to / file.name)
    return to / file.name


def build(sources: list[Path], store: Path, *, recipe: str = "embedded") -> dict[str, Any]:
    """What the command line says of a build of `sources` in the empty `store`, with its seconds."""
    command = [
        sys.executable,
        "-m",
        "flows",
        "build",
        recipe,
        "--name",
        "comments",
        "--store",
        str(store),
        "--json",
    ]
    for source in sources:
        command += ["--source", str(source)]
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return {**json.loads(done.stdout), "seconds": time.monotonic() - started}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--civil", type=int, default=1200)
    arguments.add_argument("--wikipedia", type=int, default=800)
    arguments.add_argument("--once", action="store_true", help="one build only")
    arguments.add_argument("--store", type=Path, help="keep the first build's store here")
    given = arguments.parse_args()
    if not DATA.is_dir():
        sys.exit(f"SKIPPED: {DATA} is not there; this benchmark needs real comments")
    with tempfile.TemporaryDirectory() as work:
        sources = [
            sample(DATA / "civil_comments.parquet", given.civil, Path(work)),
            sample(DATA / "wikipedia_talk.parquet", given.wikipedia, Path(work)),
        ]
        first = build(sources, given.store or Path(work) / "first")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        print(f"comments {given.civil + given.wikipedia}, seconds {first['seconds']:.0f}, peak memory {peak:.2f} GiB")
        print(f"pairs {first['counts']['pairs']}")
        for row in first["funnel"]:
            print(f"  {row['stage']:<15}{row['unit']:<5}{row['entered']:>7}{row['kept']:>7}{row['dropped']:>7}")
        if not given.once:
            second = build(sources, Path(work) / "second")
            same = first["digest"] == second["digest"]
            print(f"same digest in a second empty store: {same} ({second['seconds']:.0f} s)")
            sys.exit(not same)


if __name__ == "__main__":
    main()
