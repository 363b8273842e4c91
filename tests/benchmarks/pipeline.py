"""What a build costs besides its models, again, and at size.

    python -m tests.benchmarks.pipeline --only overhead|limit|plain|rebuild|rows|peer|dask|cost [--rows 1000]
                                        [--data DIR]

    overhead  wall time over the sum of the models' forward passes, one worker (at most 1.15)
    limit     how far a build is off what its models' arithmetic takes at the peak rate of this CPU
    plain     ours beside the same models asked text by text, as the examples of their libraries do (at least 5 times as
              fast, though the start counts as ours alone), and for how many comments the same pairs are kept
    rebuild   an unchanged build, one with 1 % new, and one that was killed at 60 %, beside a full one; same digests
    rows      stages without a model on synthetic rows: rows a second and the peak memory of each (Linux)
    peer      near duplicates of synthetic rows by ours and by datatrove, in the Python that --peer names
    dask      one Dask worker and two, one torch thread each
    cost      seconds a comment at a quarter of the rows, at the rows, and at four times the rows

Real comments are rows of civil_comments.parquet in DIR, drawn by the digest of their text; without it nothing is run.
Each figure is of one run on this machine: compare those of one run with each other.
"""

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import torch
from torch.utils.flop_counter import FlopCounterMode

from flows.recipe import Recipe, read_recipe
from pairgen.corpus import read_source, read_texts
from pairgen.digests import digest, fraction, pick
from pairgen.loading import load_causal_lm, model_folder
from pairgen.models import ModelSpecs
from pairgen.store import Draft, Store, verify
from tests.benchmarks.build import DATA, sample


def comments(given: argparse.Namespace, work: Path, rows: int) -> Path:
    """A Parquet file of `rows` real comments."""
    file = given.data / "civil_comments.parquet"
    if not file.is_file():
        sys.exit(f"SKIPPED: {file} is not there; this figure needs real comments")
    folder = work / f"rows{rows}"
    folder.mkdir(exist_ok=True)
    return sample(file, rows, folder)


def recipe_file(given: argparse.Namespace, work: Path, source: Path, **run: object) -> Path:
    """The recipe for `source`, with these keys of `[run]`."""
    recipe = read_recipe(given.recipe, sources=[str(source)], name="comments")
    changed = recipe.model_copy(update={"run": recipe.run.model_copy(update=run)})
    file = work / f"{source.parent.name}-{digest(str(sorted(run.items())))[:6]}.toml"
    file.write_text(changed.toml(), encoding="utf-8")
    return file


def build(recipe: Path, store: Path, *, stop_after: float | None = None, threads: int | None = None) -> dict[str, Any]:
    """What the command line says of a build, with its seconds; killed -9 after `stop_after` seconds."""
    command = [sys.executable, "-m", "flows", "build", str(recipe), "--store", str(store), "--json"]
    environment = os.environ | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
    started = time.monotonic()
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        out, err = running.communicate(timeout=stop_after)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()  # not for the end of what it says: Prefect's temporary server lives on and holds the pipes open
        return {}
    if running.returncode:
        sys.exit(err)
    return {**json.loads(out), "seconds": time.monotonic() - started}


def watched(
    given: argparse.Namespace, work: Path, around: Callable[[str], AbstractContextManager[object]]
) -> tuple[float, dict[str, float]]:
    """Seconds of a build with one worker, and of each model's forward passes, each of them within `around` its name."""
    from flows.build import build as build_here
    from pairgen.loading import load_models
    from pairgen.memory import Memory

    recipe = read_recipe(str(recipe_file(given, work, comments(given, work, given.rows), workers=1)))
    models = load_models(recipe.models, (work / "store").resolve() / ".cache" / "scores.sqlite")
    passes = {"parser": 0.0}
    recall, parse = Memory.recall, models.parser.parse

    def timed(name: str, compute: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                with around(name):
                    return compute(*args, **kwargs)
            finally:
                passes[name] = passes.get(name, 0.0) + time.perf_counter() - started

        return call

    def recalled(self: Memory, model: str, texts: Any, compute: Any, dtype: Any) -> Any:
        return recall(self, model, texts, timed(model.split()[0], compute), dtype)

    Memory.recall = recalled  # type: ignore[method-assign]
    models.parser.parse = timed("parser", parse)  # type: ignore[method-assign]
    models.toxicity, models.judge, models.embedder  # noqa: B018  (made before the clock starts)
    started = time.perf_counter()
    build_here(recipe, work / "store")
    return time.perf_counter() - started, passes


def overhead(given: argparse.Namespace, work: Path) -> None:
    wall, passes = watched(given, work, lambda _: nullcontext())
    inside = sum(passes.values())
    for name, seconds in sorted(passes.items(), key=lambda each: -each[1]):
        print(f"  {name:<40}{seconds:>8.1f} s")
    print(f"comments {given.rows}, wall {wall:.1f} s, forward passes {inside:.1f} s, ratio {wall / inside:.2f}")


def limit(given: argparse.Namespace, work: Path) -> None:
    from pairgen.loading import hardware

    flops: dict[str, int] = defaultdict(int)

    @contextmanager
    def counted(name: str) -> Iterator[None]:
        with FlopCounterMode(display=False) as counter:
            yield
        flops[name] += counter.get_total_flops()

    peak = peak_rate(torch.bfloat16 if hardware()[1] else torch.float32)
    wall, timed = watched(given, work, lambda _: nullcontext())
    passes = dict(timed)
    (work / "counted").mkdir()
    watched(given, work / "counted", counted)  # once more, since counting takes longer than the models
    others = sum(seconds for name, seconds in passes.items() if not flops[name])
    least = sum(flops.values()) / peak
    print(f"peak {peak / 1e12:.2f} TFLOP/s; comments {given.rows}, wall {wall:.1f} s")
    for name in sorted(passes, key=lambda each: -passes[each]):
        at_peak = f"{flops[name] / 1e12:>8.2f} TFLOP {flops[name] / peak:>6.1f} s at the peak" if flops[name] else ""
        print(f"  {name:<12}{passes[name]:>8.1f} s{at_peak}")
    print(f"torch's models {least:.1f} s at the peak, the others as they are {others:.1f} s:")
    print(f"{wall / (least + others):.1f} times the limit")


def peak_rate(dtype: torch.dtype) -> float:
    """Operations a second of the fastest of some products of the shapes that our models multiply."""
    rates = []
    for rows, inner, columns in ((2048, 384, 1536), (2048, 576, 1536), (2048, 1536, 576), (2048, 2048, 2048)):
        left, right = torch.randn(rows, inner, dtype=dtype), torch.randn(inner, columns, dtype=dtype)
        for _ in range(20):
            started = time.perf_counter()
            left @ right
            rates.append(2 * rows * inner * columns / (time.perf_counter() - started))
    return max(rates)


class Plain:
    """The models of the embedded recipe as the examples of their libraries use them: text by text, without a memory."""

    nli = filler = translator = None

    def __init__(self, specs: ModelSpecs) -> None:
        import spacy
        import torch
        from better_profanity import profanity
        from profanity_check import predict_prob
        from sentence_transformers import SentenceTransformer

        encoder, nlp = (
            SentenceTransformer(str(model_folder(specs.embedder))),
            spacy.load(specs.parser.partition(":")[2]),
        )
        causal, tokenizer = load_causal_lm(specs.language)

        def nll(text: str) -> float:
            ids = tokenizer((tokenizer.bos_token or "") + text, return_tensors="pt")["input_ids"]
            with torch.no_grad():
                return float(causal(ids, labels=ids).loss)

        profanity.load_censor_words()
        self.toxicity = SimpleNamespace(toxicity=one_by_one(lambda text: predict_prob([text])[0]))
        self.judge = SimpleNamespace(toxicity=one_by_one(lambda text: float(profanity.contains_profanity(text))))
        self.embedder = SimpleNamespace(embed=one_by_one(lambda text: encoder.encode(text, normalize_embeddings=True)))
        self.language = SimpleNamespace(nll=one_by_one(nll))
        self.parser = SimpleNamespace(parse=lambda texts: [nlp(text) for text in texts])


def one_by_one(score: Callable[[str], Any]) -> Callable[[Sequence[str]], Any]:
    return lambda texts: np.array([score(text) for text in texts])


def kept_of(row: pl.DataFrame, recipe: Recipe, models: Any) -> tuple[str, set[str]]:
    """The text of one comment, and the ids of its pairs that every gate keeps."""
    from filters.base import apply_filters
    from pairgen.corpus import clean
    from pairgen.mining import mine_texts
    from pairgen.references import clean_references
    from pairgen.sets import make_pairs, make_sets, rewrite_seeds
    from pairgen.splits import find_leaks

    texts = clean(row, settings=recipe.source, split=recipe.split).kept
    leaks = find_leaks([texts], max_similarity=recipe.split.max_similarity)
    texts = clean_references(texts, settings=recipe.source, leaks=leaks).kept
    seeds = mine_texts(texts, settings=recipe.mine, models=models).kept
    seeds = rewrite_seeds(seeds, settings=recipe.rewrite, models=models).kept
    if not seeds.height:
        return "".join(texts["text"]), set()
    settings = recipe.negatives
    sets = make_sets(seeds, settings=settings, min_toxicity=recipe.mine.min_toxicity, models=models).kept
    pairs = make_pairs(sets, seeds, settings=settings, models=models).kept
    gates = [each for each in recipe.filters if not each.across_sets]
    return texts["text"][0], set(apply_filters(pairs, gates, models).kept["pair_id"] if pairs.height else [])


def plain(given: argparse.Namespace, work: Path) -> None:
    source = comments(given, work, given.rows)
    file = recipe_file(given, work, source)
    ours = build(file, work / "store")
    version = Store(work / "store").resolve("comments@v1")
    dropped = version.dropped().filter(pl.col("stage").is_in(["near_duplicate", "disjoint"]))  # after the gates
    found: dict[str, set[str]] = defaultdict(set)
    for parent, pair in [
        *version.pairs().select("parent", "pair_id").iter_rows(),
        *dropped.select("parent", "id").iter_rows(),
    ]:
        found[parent].add(pair)
    leaked = set(version.dropped().filter(pl.col("stage") == "split")["text"])
    recipe = read_recipe(str(file)).settled(work / "store")
    models = Plain(recipe.models)
    raw, _ = read_source(str(source), recipe.source)
    started = time.perf_counter()
    kept = dict(kept_of(row, recipe, models) for row in raw.iter_slices(1))
    seconds = time.perf_counter() - started
    asked = kept.keys() - leaked - {""}
    same = sum(kept[text] == found[text] for text in asked)
    print(f"text by text {seconds:.1f} s, ours {ours['seconds']:.1f} s, {seconds / ours['seconds']:.1f} times as fast")
    print(
        f"the same pairs kept of {same} of {len(asked)} comments ({same / len(asked):.1%}), "
        f"of which {sum(map(bool, kept.values()))} have some"
    )
    sys.exit(seconds < 5 * ours["seconds"] or same < 0.99 * len(asked))


def rebuild(given: argparse.Namespace, work: Path) -> None:
    more = given.rows + max(1, given.rows // 100)
    before = recipe_file(given, work, comments(given, work, given.rows), rows_per_shard=max(1, given.rows // 8))
    after = recipe_file(given, work, comments(given, work, more), rows_per_shard=max(1, given.rows // 8))
    full = build(before, work / "full")
    whole = full["seconds"]
    print(f"full {whole:.1f} s, {full['counts']['pairs']} pairs")
    again = build(before, work / "full")
    print(f"unchanged {again['seconds']:.1f} s ({again['seconds'] / whole:.0%}), published {again['published']}")
    grown, anew = build(after, work / "full"), build(after, work / "anew")
    same = grown["digest"] == anew["digest"]
    print(f"1 % new {grown['seconds']:.1f} s ({grown['seconds'] / whole:.0%}), digest of a build from nothing: {same}")
    build(before, work / "killed", stop_after=0.6 * whole)
    resumed = build(before, work / "killed")
    alike = resumed["digest"] == full["digest"]
    print(f"killed at 60 %, then {resumed['seconds']:.1f} s ({resumed['seconds'] / whole:.0%}), same digest: {alike}")
    sys.exit(not (same and alike and not again["published"]))


def synthetic(file: Path, rows: int) -> Path:
    """`rows` texts of 8 to 30 words of our sample corpus, of which one in ten is nearly the text before it."""
    demo = read_texts("package:demo")["text"].to_list()
    words = sorted({word for text in demo for word in text.split() if word.isalpha()})
    texts = [" ".join(pick(words, str(row), str(word)) for word in range(8 + row % 23)) for row in range(rows)]
    for row in range(9, rows, 10):
        texts[row] = f"{texts[row - 1]} {pick(words, str(row))}"
    pl.DataFrame({"text": texts}).write_parquet(file)
    return file


def rows(given: argparse.Namespace, work: Path) -> None:
    """In a process of its own after the rows are made, so that its memory is theirs."""
    if not given.source:
        source = synthetic(work / "synthetic.parquet", given.rows)
        command = [sys.executable, "-m", "tests.benchmarks.pipeline", "--only", "rows", "--source", str(source)]
        sys.exit(subprocess.run(command, check=False).returncode)
    from data_cards.card import documents
    from filters.base import keep_pairs
    from filters.near_duplicate import NearDuplicate
    from filters.similarity import Similarity
    from filters.what_if import curves
    from flows.shards import advance, dropped_of, funnel, scans, write_shards, write_whole
    from pairgen import corpus
    from pairgen.corpus import SourceSettings
    from pairgen.draft import Contents
    from pairgen.schema import MEMBERS, PAIRS, collected
    from pairgen.sets import members_of
    from pairgen.sorting import sort_tables
    from pairgen.splits import SplitSettings, drop_leaks, drop_shared, find_leaks, find_shared
    from pairgen.version import ORDER, TABLES

    clock, height = time.perf_counter(), 0

    def told(stage: str) -> None:
        nonlocal clock
        now = time.perf_counter()
        (said,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        peak = int(said.split()[1]) / 2**20
        print(
            f"  {stage:<16}{now - clock:>8.1f} s {height / (now - clock):>10.0f} rows/s   peak {peak:.2f} GiB",
            flush=True,
        )
        Path("/proc/self/clear_refs").write_text("5")  # the next stage has a peak of its own
        clock = time.perf_counter()

    settings, split = SourceSettings(paths=(str(given.source),)), SplitSettings()
    told("imports")
    raw = write_shards(work, settings, rows_per_shard=1_000)
    shards = raw.folders
    height = raw.facts[0].rows
    told("read and shard")
    told_language, identified = corpus.is_in, 0.0

    def timed(text: str, language: str) -> bool:
        nonlocal identified
        started = time.perf_counter()
        found = told_language(text, language)
        identified += time.perf_counter() - started
        return found

    corpus.is_in = timed  # type: ignore[attr-defined]
    for shard in shards:
        advance(shard, "read", lambda raw: corpus.clean(raw, settings=settings, split=split), reads=["raw"])
    told("normalise")
    print(f"    {identified:.1f} s of it a model's: which language a text is in")
    leaks = find_leaks(scans(shards, "read"), max_similarity=split.max_similarity)
    told("find leaks")
    for shard in shards:
        advance(shard, "split", lambda read: drop_leaks(read, leaks=leaks), reads=["read"])
        made = pl.read_parquet(shard / "split.parquet")
        pairs = made.select(
            pair_id="text_id", set_id="text_id", context="context", positive="text", parent="text", source="source",
            negative=pl.col("text") + " damn", positive_kind=pl.lit("original"), negative_kind=pl.lit("negation"),
            split="split",
            score_similarity=pl.col("text_id").map_elements(lambda each: fraction(each), return_dtype=pl.Float64),
        )  # fmt: skip
        write_whole(shard / "pair.parquet", pairs.select(*PAIRS, "score_similarity"))
        sides = [
            pairs.select(
                "set_id", "context", "source", "split", member_id=pl.col("set_id") + role[0], role=pl.lit(role),
                kind=f"{role}_kind", text=role, parent_id=pl.col("set_id") + (parent[:1]),
                spans=pl.lit([], MEMBERS["spans"]),
            ).select(*MEMBERS)
            for role, parent in (("positive", ""), ("negative", "positive"))
        ]  # fmt: skip
        write_whole(shard / "negatives.parquet", pl.concat(sides))
        gate = [Similarity(min_score=0.2)]
        advance(
            shard,
            "filter",
            lambda scored, gate=gate: keep_pairs(scored, gate, stage="filter"),
            reads=["pair"],
            unit="pair",
        )
    told("split and filter")
    near = NearDuplicate()
    for shard, nearest in zip(shards, near.nearest(scans(shards, "filter")), strict=True):
        function = functools.partial(near.drop, nearest=nearest)
        advance(shard, "near_duplicate", function, reads=["filter"], unit="pair")
    told("near duplicates")
    shared = find_shared(scans(shards, "near_duplicate"))
    for shard in shards:
        advance(shard, "disjoint", lambda near: drop_shared(near, shared=shared), reads=["near_duplicate"], unit="pair")
    told("disjoint")
    tables = {
        "pairs": map(collected, scans(shards, "disjoint")),
        "members": map(members_of, *(map(collected, scans(shards, stage)) for stage in ("negatives", "disjoint"))),
        "dropped": map(collected, dropped_of(shards)),
    }
    contents = Contents(
        **{name: sort_tables(parts, ORDER[name], TABLES[name], work / name) for name, parts in tables.items()},
        funnel=funnel(shards, ["read", "split", "filter", "near_duplicate", "disjoint"]),
        recipe='[publish]\nname = "rows"\n',
        fingerprints={},
        source=[facts.as_dict() for facts in raw.facts],
    )
    told("collect")

    def written(draft: Draft) -> dict[str, str]:
        return documents(draft, curves(draft.contents.pairs, draft.contents.dropped, [*gate, near]))

    version, _ = Store(work / "store").publish("rows", contents, documents=written)
    told("publish")
    problems = verify(version)
    told("verify")
    dropped = {row["stage"]: row["dropped"] for row in version.manifest["funnel"]}
    print(f"rows {height}, pairs {version.manifest['counts']['pairs']}, dropped {dropped}, wrong {problems}")
    sys.exit(bool(problems) or not (dropped["split"] and dropped["near_duplicate"]))


def peer(given: argparse.Namespace, work: Path) -> None:
    """Near duplicates of the same rows by ours and by datatrove, one process each."""
    from pairgen.near_duplicates import nearest_before

    if given.peer is None:
        sys.exit(
            "SKIPPED: name a Python that has datatrove: python -m venv X, "
            "X/bin/pip install 'datatrove[io,processing]' spacy, then --peer X/bin/python"
        )
    (work / "rows").mkdir()
    source = synthetic(work / "rows" / "synthetic.parquet", given.rows)
    command = [given.peer, str(Path(__file__).with_name("datatrove_dedup.py")), str(source.parent), str(work / "peer")]
    theirs = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])
    started = time.perf_counter()
    table = pl.read_parquet(source)
    table.filter(nearest_before(table["text"])["similarity"] <= 0.8).write_parquet(work / "kept.parquet")
    seconds = time.perf_counter() - started
    ours = given.rows - pl.read_parquet(work / "kept.parquet").height
    print(f"ours {seconds:.1f} s, {ours} near duplicates of {given.rows} rows")
    print(
        f"datatrove {theirs['seconds']:.1f} s, {given.rows - theirs['kept']}; {theirs['seconds'] / seconds:.2f} of ours"
    )


def dask(given: argparse.Namespace, work: Path) -> None:
    source = comments(given, work, given.rows)
    seconds = []
    for workers in (1, 2):
        run = {"engine": "dask", "workers": workers, "rows_per_shard": max(1, given.rows // 16)}
        made = build(recipe_file(given, work, source, **run), work / f"dask{workers}", threads=1)
        seconds.append(made["seconds"])
        print(f"{workers} workers {made['seconds']:.1f} s, digest {made['digest'][:12]}")
    print(f"speed-up {seconds[0] / seconds[1]:.2f}")


def cost(given: argparse.Namespace, work: Path) -> None:
    counts = (given.rows // 4, given.rows, given.rows * 4)
    found = []
    for count in counts:
        made = build(recipe_file(given, work, comments(given, work, count)), work / f"cost{count}")
        found.append(made["seconds"] / count)
        print(f"comments {count}, {made['seconds']:.1f} s, {found[-1]:.4f} s a comment")
    print(f"slope over the last two {np.diff(found)[-1]:+.4f} s a comment")


def main() -> None:
    figures = {
        "overhead": overhead,
        "limit": limit,
        "plain": plain,
        "rebuild": rebuild,
        "rows": rows,
        "peer": peer,
        "dask": dask,
        "cost": cost,
    }
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--only", choices=figures, required=True)
    arguments.add_argument("--rows", type=int, default=1_000)
    arguments.add_argument("--data", type=Path, default=DATA)
    arguments.add_argument("--recipe", default="embedded")
    arguments.add_argument("--peer", help="a Python with datatrove")
    arguments.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as work:
        figures[given.only](given, Path(work))


if __name__ == "__main__":
    main()
