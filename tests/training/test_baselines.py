"""The baselines through TRL: the same pairs in the same order, and what they learn from them."""

import json
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from pairgen.errors import TrainingError
from tests.training.test_trainer import log_prob, settings
from training.baselines import _LEARNING_RATES, BASELINES, _rows, train_baseline
from training.batches import plan_pairs, train_pairs

pytest.importorskip("trl")


def test_the_rows_are_the_planned_pairs_and_a_bare_one_begins_with_bos(tiny_model: Path, pairs: pl.DataFrame) -> None:
    wanted, tokenizer = settings(tiny_model, steps=4), AutoTokenizer.from_pretrained(tiny_model)

    rows = _rows(train_pairs(pairs), wanted, tokenizer)

    planned = plan_pairs(train_pairs(pairs), steps=4, batch_pairs=3, toxic_fraction=0.5, seed=0)
    assert rows.rows() == [
        (f"{pair.context}\n" if pair.context else "<s>", pair.positive, pair.negative)
        for batch in planned
        for pair in batch
    ]
    assert {"<s>", "Was the bicycle too dear?\n"} == set(rows["prompt"])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of TRL and the libraries below it
@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_learns_and_says_where_it_comes_from(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame, name: str
) -> None:
    wanted, seen = settings(tiny_model, steps=12), []

    out = train_baseline(
        name,
        pairs,
        settings=wanted,
        out=tmp_path / "model",
        lineage={"version": "talk@v3"},
        progress=lambda *done: seen.append(done),
    )

    positive, negative = pairs["positive"][0], pairs["negative"][0]
    assert seen == [(step, 12) for step in range(1, 13)]
    before, after = (log_prob(folder, positive) for folder in (tiny_model, out))
    if name == "dpo":
        assert after - log_prob(out, negative) > before - log_prob(tiny_model, negative)
    else:
        assert after > before + 0.5
    assert AutoModelForCausalLM.from_pretrained(out).num_parameters() > 0
    lineage = json.loads((out / "lineage.json").read_text())
    assert (lineage["version"], lineage["baseline"], lineage["seed"]) == ("talk@v3", name, 0)
    assert lineage["learning_rate"] == (1e-5 if name == "dpo" else 1e-2)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", BASELINES)
def test_adapters_of_a_baseline_are_merged(tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame, name: str) -> None:
    out = train_baseline(
        name, pairs, settings=settings(tiny_model, steps=2, lora_rank=2), out=tmp_path / "model", lineage={}
    )

    assert not (out / "adapter_config.json").exists()
    before, after = (AutoModelForCausalLM.from_pretrained(folder).state_dict() for folder in (tiny_model, out))
    assert before.keys() == after.keys()
    moved = {weight for weight in before if not torch.equal(before[weight], after[weight])}
    assert moved == {weight for weight in before if weight.endswith("_proj.weight")}
    for weight in moved:
        assert torch.linalg.matrix_rank(after[weight] - before[weight], rtol=1e-3) <= 2
    assert json.loads((out / "lineage.json").read_text())["settings"]["lora_rank"] == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_what_stops_a_baseline_is_said_with_its_file_and_a_disk_that_fills_as_one(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame
) -> None:
    out, gone, wanted = tmp_path / "model", tmp_path / "gone", settings(tiny_model, steps=1)

    def trained(progress: Callable[[int, int], None] | None = None) -> str:
        with pytest.raises(TrainingError) as refused:
            train_baseline("sft", pairs, settings=wanted, out=out, lineage={}, progress=progress)
        return str(refused.value).removeprefix(str(tmp_path))

    def fails(*_: int) -> None:
        gone.read_text()

    told = f"/model: its training stopped ([Errno 2] No such file or directory: '{gone}'); mend that and give "
    assert trained(fails).startswith(told)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        assert trained().startswith("/model: cannot be written (")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_whose_loss_breaks_is_no_model(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_LEARNING_RATES, name, 1e30)

    with pytest.raises(TrainingError, match=r"^the loss is (nan|inf) at step \d of 6; lower learning_rate$"):
        train_baseline(name, pairs, settings=settings(tiny_model), out=tmp_path / "model", lineage={})

    assert list(tmp_path.iterdir()) == []


def test_a_model_that_cannot_be_trained_is_told_by_a_baseline_too(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame
) -> None:
    shutil.copytree(tiny_model, tmp_path / "endless")
    AutoTokenizer.from_pretrained(tiny_model, eos_token=None).save_pretrained(tmp_path / "endless")

    for changed, told in (
        ({"max_tokens": 4096}, "max_tokens is 4096, but .* reads 2048 tokens at most"),
        ({"model": str(tmp_path / "endless")}, "the tokenizer of '.*/endless' has no EOS token; set one"),
    ):
        wanted = settings(tiny_model).model_copy(update=changed)
        with pytest.raises(TrainingError, match=told):
            train_baseline("sft", pairs, settings=wanted, out=tmp_path / "model", lineage={})


def test_what_is_no_baseline_and_what_is_there_already(tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame) -> None:
    with pytest.raises(TrainingError, match="'ppo' is no baseline; there are: sft, dpo, orpo"):
        train_baseline("ppo", pairs, settings=settings(tiny_model), out=tmp_path / "model", lineage={})
    (tmp_path / "mine").write_text("x")
    with pytest.raises(TrainingError, match="exists and is not empty"):
        train_baseline("sft", pairs, settings=settings(tiny_model), out=tmp_path, lineage={})
