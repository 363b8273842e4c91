"""`contrast-pairs whatif`: what moved thresholds would keep of a version, for people and machines, without a model."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from filters.base import apply_filters
from filters.near_duplicate import NearDuplicate
from flows.recipe import Recipe, read_recipe
from pairgen.schema import PAIRS
from pairgen.store import Store
from tests.contents import contents
from tests.flows.conftest import Said
from tests.flows.test_cli import refused
from tests.pairgen.samples import Fakes

Cli = Callable[..., Said]

ROOT = Path(__file__).parents[2]


def recipe(*kinds: str) -> Recipe:
    """The embedded recipe with its filters of these kinds only."""
    whole = read_recipe("embedded", sources=["street.csv"], name="demo")
    return whole.model_copy(update={"filters": tuple(each for each in whole.filters if each.kind in kinds)})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with `demo@v1`, whose pairs went through six filters; nothing was dropped by them."""
    root = tmp_path_factory.mktemp("whatif")
    made = contents()
    kinds = ("toxicity", "similarity", "length_ratio", "negation_kept", "refusal", "contamination")
    filters = [each for each in recipe(*kinds).filters if each.kind not in ("toxicity", "similarity")]
    whole = made.pairs.collect()
    scored = apply_filters(whole.select(*PAIRS), filters, Fakes()).kept
    others = [name for name in scored.columns if name.startswith("score_")]
    pairs = whole.drop("score_length_ratio").join(scored.select("pair_id", *others), on="pair_id")
    toml = recipe(*kinds).toml()
    Store(root).publish("demo", replace(made, pairs=pairs.lazy(), recipe=toml), documents=lambda _: {})
    assert pairs.height == whole.height
    return root


def test_people_and_machines_are_told_the_same(cli: Cli, store: Path) -> None:
    pairs = Store(store).resolve("demo").pairs()
    kept = pairs.filter(pl.col("score_similarity") >= 0.8).height
    asked = ("whatif", "demo", "--set", "similarity.min=0.8", "--store", store)

    told = json.loads(cli(*asked, "--json").out)
    people = cli(*asked)

    assert (told["reference"], told["digest"]) == ("demo@v1", Store(store).resolve("demo").digest)
    assert told["set"] == [{"filter": "similarity", "key": "min_score", "now": 0.45, "then": 0.8}]
    total = told["pairs"]
    assert total == {
        "judged": pairs.height + 6,
        "kept_now": pairs.height,
        "kept_then": kept,
        "gained": 0,
        "lost": pairs.height - kept,
        "unknown": 0,
    }
    assert 0 < kept < pairs.height
    assert sum(row["kept_then"] for row in told["by_kind"]) == kept
    assert {row["reason"]: row["lost"] for row in told["by_reason"]}["similarity"] == pairs.height - kept
    assert (people.code, people.err) == (0, "")
    words = people.out.split()
    assert words[:5] == ["demo@v1", "similarity.min_score", "0.8", "instead", "of"]
    for row in told["by_kind"]:
        line = [row["positive_kind"], row["negative_kind"], *(f"{row[key]:,}" for key in list(total)[1:])]
        assert " ".join(line) in " ".join(words)
    assert "unknown:" not in people.out


def test_what_no_filter_scored_is_said_to_be_unknown(cli: Cli, store: Path) -> None:
    """The six that `contents` drops have no score but that of similarity."""
    loose = ("whatif", "demo@v1", "--set", "similarity.min_score=0.335", "--store", store)

    told = json.loads(cli(*loose, "--json").out)

    assert (told["pairs"]["gained"], told["pairs"]["unknown"]) == (0, 2)
    assert "unknown: dropped before every filter had scored them" in cli(*loose).out


def test_a_ceiling_is_put_on_and_taken_away(cli: Cli, store: Path) -> None:
    scores = Store(store).resolve("demo").pairs()["score_similarity"]
    ceiling = float(scores.sort()[3])

    told = json.loads(cli("whatif", "demo", "--set", f"similarity.max={ceiling}", "--store", store, "--json").out)
    none = json.loads(cli("whatif", "demo", "--set", "similarity.max=none", "--store", store, "--json").out)

    assert told["set"] == [{"filter": "similarity", "key": "max_score", "now": None, "then": ceiling}]
    assert told["pairs"]["kept_then"] == int((scores <= ceiling).sum()) < scores.len()
    assert none["pairs"]["kept_then"] == none["pairs"]["kept_now"] == scores.len()


def test_several_thresholds_and_none(cli: Cli, store: Path) -> None:
    sets = ("--set", "length_ratio.max_ratio=0.9", "--set", "length_ratio.min=0.5", "--set", "negation_kept.max=none")

    told = json.loads(cli("whatif", "demo", *sets, "--store", store, "--json").out)

    assert [(moved["now"], moved["then"]) for moved in told["set"]] == [(1.8, 0.9), (0.4, 0.5), (None, None)]
    lost = Store(store).resolve("demo").pairs().filter(~pl.col("score_length_ratio").is_between(0.5, 0.9)).height
    assert told["pairs"]["lost"] == lost > 0


@pytest.mark.parametrize(
    ("moved", "line"),
    [
        ("similarity=0.7", "'similarity=0.7': expected FILTER.KEY=VALUE, such as similarity.min_score=0.7"),
        ("similarity.min_score", "'similarity.min_score': expected FILTER.KEY=VALUE, "),
        ("similarity.min_score=", "'similarity.min_score=': expected FILTER.KEY=VALUE, "),
        ("similarty.min_score=1", "'similarty.min_score=1': 'similarty' is no filter; did you mean similarity?"),
        ("zzz.min_score=1", "'zzz.min_score=1': 'zzz' is no filter; there are: toxicity, similarity, negation_kept, "),
        ("judge.max_score=1", "'judge.max_score=1': demo@v1 has no scores of judge; it has those of: toxicity, sim"),
        (
            "similarity.ceil=1",
            "'similarity.ceil=1': similarity has no threshold 'ceil'; there are: min_score, max_score",
        ),
        ("similarity.max=0.4", "'similarity.max_score=0.4': min_score 0.45 is over max_score 0.4"),
        (
            "contamination.ag=a.csv",
            "'contamination.ag=a.csv': contamination has no threshold 'ag'; there are: max_score",
        ),
        (
            "similarity.kind=copy",
            "'similarity.kind=copy': similarity has no threshold 'kind'; there are: min_score, max_score",
        ),
        ("length_ratio.m=1", "'length_ratio.m=1': length_ratio has no threshold 'm'; there are: min_ratio, max_ratio"),
        ("refusal.max_score=1", "'refusal.max_score=1': refusal has no threshold; it keeps what scores 0"),
        ("similarity.min_score=2", "'similarity.min_score=2': input should be less than or equal to 1"),
        ("similarity.min_score=high", "'similarity.min_score=high': input should be a valid number"),
        ("similarity.min_score=none", "'similarity.min_score=none': input should be a valid number"),
        ("toxicity.max_score=nan", "'toxicity.max_score=nan': input should be "),
        ("length_ratio.max_ratio=inf", "'length_ratio.max_ratio=inf': input should be a finite number"),
        ("length_ratio.min_ratio=3", "'length_ratio.min_ratio=3': min_ratio 3.0 is over max_ratio 1.8"),
        ("negation_kept.max_changed=-1", "'negation_kept.max_changed=-1': input should be greater than or equal to 0"),
    ],
)
def test_a_threshold_that_cannot_be_is_one_line(cli: Cli, store: Path, moved: str, line: str) -> None:
    assert refused(cli("whatif", "demo", "--set", moved, "--store", store)).startswith(f"--set {line}")


def test_near_duplicates_of_another_version_are_told_again(cli: Cli, tmp_path: Path) -> None:
    store = Store(tmp_path)
    other, _ = store.publish("other", contents(6), documents=lambda _: {})
    held = NearDuplicate(against=("other",)).settled(tmp_path)
    made = contents()
    whole = recipe("near_duplicate").model_copy(update={"filters": (held,)})
    kept = made.pairs.filter(~pl.col("set_id").is_in(other.pairs()["set_id"].implode())).collect()
    pairs = kept.with_columns(score_near_duplicate=held.score(kept, Fakes()))
    members = made.members.filter(pl.col("set_id").is_in(kept["set_id"].implode()))
    built = replace(made, pairs=pairs.lazy(), members=members, recipe=whole.toml())
    store.publish("demo", built, documents=lambda _: {})
    over = pairs.filter(pl.col("score_near_duplicate") > 0.61).height
    asked = ("whatif", "demo", "--set", "near_duplicate.max=0.61", "--store", tmp_path, "--json")

    told = json.loads(cli(*asked).out)

    assert told["pairs"]["lost"] == over > pairs.filter(NearDuplicate().score(pairs, Fakes()) > 0.61).height
    assert refused(cli("whatif", "demo", "--set", "near_duplicate.against=x", "--store", tmp_path)).endswith(
        "near_duplicate has no threshold 'against'; there are: max_score"
    )
    shutil.rmtree(other.path)
    assert refused(cli(*asked)).startswith("other@v1: ")


def test_other_mistakes(cli: Cli, store: Path, tmp_path: Path) -> None:
    one = ("--set", "similarity.min=0.5")

    assert refused(cli("whatif", "demo", *one, "--set", "similarity.min_score=1", "--store", store)) == (
        "--set: similarity.min_score is moved twice; move it once"
    )
    assert refused(cli("whatif", "demo@v2", *one, "--store", store)).startswith("demo@v2: no such version in ")
    assert cli("whatif", "demo", "--store", store).code == 2
    Store(tmp_path).publish("demo", replace(contents(), recipe=recipe("copy").toml()), documents=lambda _: {})
    assert refused(cli("whatif", "demo", "--set", "copy.min=2", "--store", tmp_path)) == (
        "demo@v1: has no scores of copy, though its recipe names it"
    )


def test_no_model_is_loaded(store: Path) -> None:
    code = "import sys; from flows.cli import app; app(standalone_mode=False); print(*sys.modules)"
    command = [sys.executable, "-c", code, "whatif", "demo", "--set", "similarity.min=0.5", "--store", str(store)]

    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)

    assert not {"prefect", "pairgen.loading"} & set(said.stdout.splitlines()[-1].split())
