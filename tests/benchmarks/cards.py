"""Size of the page, seconds to write it and to its first picture, for a version of 20,000 pairs.

    python tests/benchmarks/cards.py [--pairs 20000]

Made-up texts (`tests/contents.py`) with a sentence more to be as long as a comment; the browser is Debian's chromium,
with an empty profile. At most 3 MB are asked for.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])

import polars as pl  # noqa: E402

from data_cards.card import documents  # noqa: E402
from pairgen.draft import Contents  # noqa: E402
from pairgen.store import Store  # noqa: E402
from tests.browser import CHROMIUM, opened  # noqa: E402
from tests.contents import contents  # noqa: E402

_MOST = 3_000_000
_MORE = " It was said at the meeting on Tuesday, where two dozen people had come to hear of nothing else for an hour."


def made(pairs: int) -> Contents:
    """A build of `pairs` pairs; of three sets two have one pair and one has three."""
    built = contents(pairs * 3 // 5)
    longer = (pl.col("positive") + _MORE).alias("positive"), (pl.col("negative") + _MORE).alias("negative")
    return replace(
        built,
        pairs=built.pairs.with_columns(*longer),
        members=built.members.with_columns(text=pl.col("text") + _MORE),
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--pairs", type=int, default=20_000)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        built = made(given.pairs)
        started = time.monotonic()
        version, _ = Store(Path(folder) / "store").publish("demo", built, documents=documents)
        print(f"pairs {built.pairs.height:,}, published with its documents in {time.monotonic() - started:.1f} s")
        for name in ("card.html", "README.md", "stats.json", "croissant.json"):
            print(f"  {name:<15}{(version.path / name).stat().st_size:>10,} bytes")
        size = (version.path / "card.html").stat().st_size
        if CHROMIUM is None:
            print("SKIPPED: seconds to the first picture; chromium is not installed")
        else:
            with opened(version.path / "card.html", Path(folder) / "profile") as tab:
                first, deadline = None, time.monotonic() + 30
                while first is None and time.monotonic() < deadline:
                    first = tab.run("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
                if first is None:
                    sys.exit("the browser painted nothing in 30 s")
                drawn = tab.run("document.querySelector('svg.picture').getBoundingClientRect().height > 50")
                loaded = tab.run("performance.getEntriesByType('navigation')[0].loadEventEnd")
            seconds = f"first contentful paint {first / 1000:.2f} s, loaded {loaded / 1000:.2f} s"
            print(f"{seconds}, a picture is drawn: {drawn}")
        print(f"at most {_MOST:,} bytes: {size <= _MOST}")
        sys.exit(size > _MOST)


if __name__ == "__main__":
    main()
