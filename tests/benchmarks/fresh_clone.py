"""Seconds of set-up, demo and tests in a fresh clone of this repository, as a stranger would run them.

    python tests/benchmarks/fresh_clone.py [--only setup demo test]

The clone, its virtual environment, Prefect's home and the cache of converted models are all in a temporary folder.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--only", nargs="+", choices=("setup", "demo", "test"), default=("setup", "demo", "test"))
    targets = arguments.parse_args().only
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
        clone = Path(work) / "contrast-pairs"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": str(Path(work) / "cache"),
            "PREFECT_HOME": str(Path(work) / "prefect"),
        }
        environment.pop("VIRTUAL_ENV", None)
        for target in targets:
            started = time.monotonic()
            done = subprocess.run(["make", target], cwd=clone, env=environment, check=False)
            print(f"make {target}: {time.monotonic() - started:.0f} s, exit {done.returncode}", flush=True)
            if done.returncode:
                sys.exit(done.returncode)


if __name__ == "__main__":
    main()
