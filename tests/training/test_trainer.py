"""Training a tiny model: what is learnt, what is saved, and what stops it."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from pydantic import ValidationError
from transformers import AutoModelForCausalLM, AutoTokenizer

from pairgen.errors import TrainingError
from training.encoding import encode
from training.generation import log_probs
from training.settings import TrainSettings
from training.trainer import train


def settings(tiny_model: Path, **changed: Any) -> TrainSettings:
    return TrainSettings(**{"model": str(tiny_model), "steps": 6, "batch_pairs": 3, "learning_rate": 1e-2} | changed)


def records(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "training_log.jsonl").read_text().splitlines()]


def log_prob(folder: Path, text: str) -> float:
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    sums, counts = log_probs(model.eval(), tokenizer, [encode(tokenizer, "", text, max_tokens=96)])
    return float(sums[0] / counts[0])


def end_log_prob(folder: Path, text: str) -> float:
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    ids = torch.tensor([encode(tokenizer, "", text, max_tokens=96).ids])
    return model(ids).logits[0, -2].log_softmax(-1)[tokenizer.eos_token_id].item()


@pytest.mark.parametrize("contrast", ["representation", "likelihood", "both"])
def test_the_positive_gets_likelier_than_the_negative(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame, contrast: str
) -> None:
    wanted = settings(tiny_model, contrast=contrast, steps=20)
    positive, negative = pairs["positive"][0], pairs["negative"][0]

    out = train(pairs, settings=wanted, out=tmp_path / "model", lineage={})

    gap = log_prob(out, positive) - log_prob(out, negative)
    assert gap > log_prob(tiny_model, positive) - log_prob(tiny_model, negative)
    assert end_log_prob(out, positive) > end_log_prob(tiny_model, positive) + 1
    first, last = records(out)[0], records(out)[-1]
    assert (last["cross_entropy"] < first["cross_entropy"], last["loss"] < first["loss"]) == (True, True)
    for name in ("representation", "likelihood"):
        assert (first[name] > 0) == (contrast in (name, "both"))


def test_every_step_is_logged_with_weights_that_give_its_loss(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame
) -> None:
    seen: list[tuple[int, int]] = []
    wanted = settings(tiny_model, contrast="both", lambda_=0.7)

    out = train(pairs, settings=wanted, out=tmp_path / "model", lineage={}, progress=lambda *done: seen.append(done))

    assert seen == [(step, 6) for step in range(1, 7)]
    assert [record["step"] for record in records(out)] == [1, 2, 3, 4, 5, 6]
    for record in records(out):
        assert (record["c_ce"], record["lambda"], record["sets"], record["sets_without_anchor"]) == (1.0, 0.7, 2, 0)
        assert record["loss"] == pytest.approx(
            record["cross_entropy"] + 0.7 * (record["representation"] + record["likelihood"]), rel=1e-5
        )


def test_a_bare_single_positive_is_counted_as_without_anchor(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame
) -> None:
    bare = pairs.with_columns(context=pl.lit(""))

    out = train(bare, settings=settings(tiny_model, contrast="representation"), out=tmp_path / "model", lineage={})

    assert {record["sets_without_anchor"] for record in records(out)} == {1}


def test_the_same_seed_gives_the_same_losses_and_weights(tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame) -> None:
    def run(name: str, seed: int) -> Path:
        wanted = settings(tiny_model, contrast="both", seed=seed)
        return train(pairs, settings=wanted, out=tmp_path / name, lineage={})

    first, again, other = run("first", 3), run("again", 3), run("other", 4)

    assert records(first) == records(again)
    assert (first / "model.safetensors").read_bytes() == (again / "model.safetensors").read_bytes()
    assert records(first) != records(other)


def test_the_folder_loads_without_the_head_and_says_where_it_comes_from(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame
) -> None:
    wanted = settings(tiny_model, contrast="both", seed=5)

    out = train(
        pairs, settings=wanted, out=tmp_path / "deep" / "model", lineage={"version": "talk@v3", "digest": "abc"}
    )

    _, info = AutoModelForCausalLM.from_pretrained(out, output_loading_info=True)
    assert (set(info["missing_keys"]), set(info["unexpected_keys"])) == (set(), set())
    assert AutoModelForCausalLM.from_pretrained(out).dtype == torch.float32
    lineage = json.loads((out / "lineage.json").read_text())
    assert {key: lineage[key] for key in ("version", "digest", "seed", "pairs", "sets")} == {
        "version": "talk@v3",
        "digest": "abc",
        "seed": 5,
        "pairs": 3,
        "sets": 2,
    }
    assert TrainSettings(**lineage["settings"]) == wanted
    assert "sha256:" in lineage["base_model"]
    assert lineage["losses"]["first"]["cross_entropy"] == records(out)[0]["cross_entropy"]
    assert {"torch", "transformers"} <= set(lineage["libraries"])
    assert [path.name for path in out.parent.iterdir()] == ["model"]


def test_pairs_of_other_splits_change_nothing(tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame) -> None:
    others = pairs.with_columns(split=pl.lit("test"), pair_id="t" + pl.col("pair_id"), positive=pl.lit("Unseen."))

    alone = train(pairs, settings=settings(tiny_model), out=tmp_path / "alone", lineage={})
    beside = train(pl.concat([others, pairs]), settings=settings(tiny_model), out=tmp_path / "beside", lineage={})

    assert records(alone) == records(beside)


def test_a_loss_that_is_not_finite_stops_and_leaves_nothing(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame
) -> None:
    broken = tmp_path / "broken"
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    with torch.no_grad():
        model.get_input_embeddings().weight.fill_(float("nan"))
    model.save_pretrained(broken)
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(broken)
    out = tmp_path / "runs" / "model"

    with pytest.raises(TrainingError, match="loss is nan at step 1 of 6; lower learning_rate"):
        train(pairs, settings=settings(broken), out=out, lineage={})

    assert list(out.parent.iterdir()) == []


def test_a_folder_that_holds_something_is_left_alone(tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame) -> None:
    (tmp_path / "kept.txt").write_text("mine")

    with pytest.raises(TrainingError, match="exists and is not empty"):
        train(pairs, settings=settings(tiny_model), out=tmp_path, lineage={})
    with pytest.raises(TrainingError, match="exists and is not empty"):
        train(pairs, settings=settings(tiny_model), out=tmp_path / "kept.txt", lineage={})

    (tmp_path / "empty").mkdir()
    assert train(pairs, settings=settings(tiny_model, steps=1), out=tmp_path / "empty", lineage={}).is_dir()
    assert (tmp_path / "kept.txt").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_said(tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame) -> None:
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(TrainingError, match="cannot be written"):
        train(pairs, settings=settings(tiny_model), out=tmp_path / "file" / "model", lineage={})


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"tau": 0}, {"contrast": "cosine"}, {"lamda": 1}])
def test_settings_refuse_what_makes_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TrainSettings(**wrong)
