"""Near duplicates of a Parquet file's texts as datatrove finds them: `python datatrove_dedup.py FOLDER WORK`.

Run by `pipeline.py --only peer` in the Python of an environment that has datatrove, which the project has not. MinHash
over words, as is its way, with the bands of ours (32 of 4), one worker. Prints the seconds and the rows that it keeps.
"""

import json
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
from datatrove.executor import LocalPipelineExecutor  # type: ignore[import-not-found]
from datatrove.pipeline.dedup import (  # type: ignore[import-not-found]
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig  # type: ignore[import-not-found]
from datatrove.pipeline.readers import ParquetReader  # type: ignore[import-not-found]
from datatrove.pipeline.writers import ParquetWriter  # type: ignore[import-not-found]


def main(folder: str, work: str) -> None:
    config = MinhashConfig(num_buckets=32, hashes_per_bucket=4)
    read = ParquetReader(folder, text_key="text")
    stages = (
        (1, [read, MinhashDedupSignature(f"{work}/signatures", config=config)]),
        (32, [MinhashDedupBuckets(f"{work}/signatures", f"{work}/buckets", config=config)]),
        (1, [MinhashDedupCluster(f"{work}/buckets", f"{work}/removed", config=config)]),
        (1, [read, MinhashDedupFilter(f"{work}/removed"), ParquetWriter(f"{work}/kept")]),
    )
    started = time.perf_counter()
    for number, (tasks, steps) in enumerate(stages):
        LocalPipelineExecutor(steps, tasks=tasks, workers=1, logging_dir=f"{work}/logs{number}").run()
    seconds = time.perf_counter() - started
    kept = sum(pq.read_metadata(file).num_rows for file in Path(work, "kept").rglob("*.parquet"))
    print(json.dumps({"seconds": seconds, "kept": kept}))


if __name__ == "__main__":
    main(*sys.argv[1:])
