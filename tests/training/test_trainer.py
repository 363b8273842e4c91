"""Training a tiny model: what is learnt, what is saved, and what stops it."""

import json
import math
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from pydantic import ValidationError
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed

import training.trainer
from pairgen.errors import TrainingError
from pairgen.loading import hardware
from pairgen.models import Parser
from training.batches import plan, train_pairs
from training.checkpoints import work_folder
from training.clean_text import clean_text
from training.contrast_model import ContrastModel
from training.encoding import after_first, encode
from training.generation import log_probs
from training.scaling import Measured, scaling_of
from training.settings import TrainSettings
from training.trainer import _Batches, train, trainable


def settings(tiny_model: Path, **changed: Any) -> TrainSettings:
    return TrainSettings(**{"model": str(tiny_model), "steps": 6, "batch_pairs": 3, "learning_rate": 1e-2} | changed)


def records(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "training_log.jsonl").read_text().splitlines()]


def measured_nll(folder: Path, pairs: pl.DataFrame, settings: TrainSettings) -> float:
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    texts = clean_text(pairs, settings.clean_text).measured
    rows = [after_first(encode(tokenizer, "", text, max_tokens=settings.max_tokens)) for text in texts]
    sums, counts = log_probs(model.eval(), tokenizer, rows)
    return float(-sums.sum() / counts.sum())


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
        assert (record["mu"], record["clean"], record["toxic_weight"]) == (0, None, 1)
        assert record["grad_norm"] > 0
        assert record["loss"] == pytest.approx(
            record["cross_entropy"] + 0.7 * (record["representation"] + record["likelihood"]), rel=1e-5
        )


@pytest.mark.parametrize("contrast", ["likelihood", "both"])
def test_the_norms_of_the_two_gradients_are_those_of_each_loss_alone(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame, contrast: str
) -> None:
    wanted = settings(tiny_model, contrast=contrast, tax_every=4, lambda_=0.7)

    found = records(train(pairs, settings=wanted, out=tmp_path / "model", lineage={}))

    measured = [[record[f"grad_norm_{loss}"] for loss in ("cross_entropy", "contrast")] for record in found]
    assert [numbers != [None, None] for numbers in measured] == [True, False, False, False, True, False]
    set_seed(wanted.seed)
    model, tokenizer = trainable(str(tiny_model), max_tokens=wanted.max_tokens)
    planned = plan(train_pairs(pairs), steps=1, batch_pairs=3, toxic_fraction=0.5, seed=0)
    whole = ContrastModel(model, wanted)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=hardware()[1]):
        losses = whole(**_Batches(planned, tokenizer, wanted, None)[0])

    def gradient(loss: torch.Tensor) -> torch.Tensor:
        whole.zero_grad()
        loss.backward(retain_graph=True)
        return torch.cat(
            [torch.zeros(each.numel()) if each.grad is None else each.grad.flatten() for each in whole.parameters()]
        )

    ours = gradient(losses["cross_entropy"]), gradient(losses["likelihood"] + losses["representation"])
    assert measured[0] == pytest.approx([each.norm().item() for each in ours], rel=1e-4)
    assert found[0]["grad_norm"] == pytest.approx((ours[0] + 0.7 * ours[1]).norm().item(), rel=1e-2)


def test_what_is_measured_on_the_way_changes_no_weight(tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame) -> None:
    often, once = (
        train(pairs, settings=settings(tiny_model, contrast="both", tax_every=every), out=tmp_path / name, lineage={})
        for name, every in (("often", 1), ("once", 100))
    )

    assert (often / "model.safetensors").read_bytes() == (once / "model.safetensors").read_bytes()
    assert [record["loss"] for record in records(often)] == [record["loss"] for record in records(once)]


@pytest.mark.parametrize("mode", ["toxicity", "density", "ema", "tax"])
def test_every_mode_weighs_each_step_by_its_formula(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame, mode: str
) -> None:
    wanted = settings(tiny_model, scaling=mode, steps=8, tax_every=2, tax_budget=0.0, tax_rate=5.0, pooling="target")

    out = train(pairs, settings=wanted, out=tmp_path / "model", lineage={})

    scaling, found = scaling_of(wanted), records(out)
    for record in found:
        tax = record["tax"]
        assert (tax is None) == (record["step"] % 2 == 0)  # measured before steps 1, 3, 5 and 7
        losses = record["cross_entropy"], record["representation"] + record["likelihood"]
        weights = scaling.weights(Measured(record["step"] - 1, *losses, record["contrasted_ratio"], tax))
        assert (record["c_ce"], record["lambda"], record["mu"]) == pytest.approx(tuple(weights), rel=1e-5)
        assert record["toxic_weight"] == (1.5 if mode == "toxicity" else 1)
        weighed = weights.cross_entropy * losses[0] + weights.contrast * losses[1]
        assert record["loss"] == pytest.approx(weighed + weights.clean * (record["clean"] or 0), rel=1e-4)
    assert found[0]["tax"] == 0
    assert found[-2]["tax"] != 0
    assert ([record["mu"] for record in found] == [0.0] * 8) == (mode != "tax")
    assert (out / "training_curves.svg").read_text().startswith("<?xml")
    assert (out / "training_curves.png").read_bytes().startswith(b"\x89PNG")


def test_scaling_by_toxicity_weighs_the_likelihood_contrast_of_toxic_pairs(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame
) -> None:
    def first(mode: str) -> float:
        wanted = settings(tiny_model, scaling=mode, contrast="likelihood", steps=1)
        return records(train(pairs, settings=wanted, out=tmp_path / mode, lineage={}))[0]["likelihood"]

    assert first("toxicity") == pytest.approx(1.5 * first("fixed"), rel=1e-5)


def test_a_tax_over_the_budget_is_paid_back(tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame) -> None:
    def taxes(**changed: Any) -> list[float]:
        wanted = settings(tiny_model, steps=40, tax_every=5, learning_rate=3e-3, **changed)
        found = records(train(pairs, settings=wanted, out=tmp_path / str(len(changed)), lineage={}))
        return [record["tax"] for record in found if record["tax"] is not None]

    free, held = taxes(), taxes(scaling="tax", tax_budget=0.01, tax_rate=50.0)

    assert max(free) > 0.05
    assert held[-1] < free[-1] / 2


def test_entities_are_pooled_where_a_parser_finds_them(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame, parser: Parser
) -> None:
    named = pairs.with_columns(positive=pl.col("positive") + " Maria Lopez said so in Boston.")
    wanted = settings(tiny_model, contrast="representation", pooling="entities", steps=1)

    by_entities = train(named, settings=wanted, out=tmp_path / "entities", lineage={}, parser=parser)
    by_target = train(
        named, settings=wanted.model_copy(update={"pooling": "target"}), out=tmp_path / "target", lineage={}
    )

    # the negatives have no names, so that the sets fall back to the target
    assert records(by_entities)[0]["representation"] == pytest.approx(records(by_target)[0]["representation"])
    both = named.with_columns(negative=pl.col("negative") + " Maria Lopez said so in Boston.")
    named_only = train(both, settings=wanted, out=tmp_path / "both", lineage={}, parser=parser)
    assert 0 < records(named_only)[0]["contrasted_ratio"] < records(by_target)[0]["contrasted_ratio"]
    with pytest.raises(TrainingError, match="pooling = 'entities' asks a parser"):
        train(named, settings=wanted, out=tmp_path / "none", lineage={})


def test_a_bare_single_positive_is_counted_as_without_anchor(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame
) -> None:
    bare = pairs.with_columns(context=pl.lit(""))  # set b has one positive, set a two

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
    assert (lineage["cut_texts"], lineage["clean_text"]) == (0, "package")
    after, before = (measured_nll(folder, pairs, wanted) for folder in (out, tiny_model))
    assert lineage["tax"] == pytest.approx(after - before, rel=1e-4)
    assert abs(after - before) > 0.01
    card = (out / "README.md").read_text()
    assert "trained on talk@v3\n" in card
    assert "objective `both`, scaling `fixed`, seed 5. Version digest abc, " in card
    assert f"Tax: {lineage['tax']:+.4f} nats a token of the clean text that " in card
    assert not any(text in card for text in (*pairs["positive"], *pairs["negative"]))
    assert [path.name for path in out.parent.iterdir()] == ["model"]


def test_pairs_that_differ_beyond_what_is_read_are_left_out_and_told(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame
) -> None:
    wanted = settings(tiny_model)
    long = "The council keeps the library open until nine, and that is a good thing. " * 20
    far = pairs.head(1).with_columns(
        pair_id=pl.lit("far"), set_id=pl.lit("far"), positive=pl.lit(long), negative=pl.lit(f"{long} Damn.")
    )

    whole = train(pl.concat([pairs, far]), settings=wanted, out=tmp_path / "whole", lineage={})
    without = train(pairs, settings=wanted, out=tmp_path / "without", lineage={})

    lineage = json.loads((whole / "lineage.json").read_text())
    assert (lineage["pairs"], lineage["pairs_out_of_reach"]) == (pairs.height, 1)
    assert (
        f"1 more pairs of the split differ beyond the {wanted.max_tokens} tokens" in (whole / "README.md").read_text()
    )
    assert "left out" not in (without / "README.md").read_text()
    assert records(whole) == records(without)


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


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"tau": 0}, {"contrast": "cosine"}, {"lamda": 1}, {"kind_weights": {"rude": 2}}]
)
def test_settings_refuse_what_makes_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TrainSettings(**wrong)


def stop_at(step: int) -> Callable[[int, int], None]:
    def progress(done: int, _: int) -> None:
        if done == step:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("changed", [{"contrast": "both", "scaling": "tax"}, {"lora_rank": 2, "scaling": "ema"}])
def test_an_interrupted_run_goes_on_and_ends_the_same(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame, changed: dict[str, Any]
) -> None:
    wanted = settings(tiny_model, checkpoint_every=2, tax_every=2, tax_budget=0.0, **changed)
    whole = train(pairs, settings=wanted, out=tmp_path / "whole", lineage={})
    out, seen = tmp_path / "runs" / "model", []

    with pytest.raises(KeyboardInterrupt):
        train(pairs, settings=wanted, out=out, lineage={}, progress=stop_at(5))
    assert sorted(path.name for path in (out.parent / ".model-partial").iterdir()) == [
        "checkpoint-4",
        "lock",
        "run.json",
    ]
    train(pairs, settings=wanted, out=out, lineage={}, progress=lambda *done: seen.append(done))

    assert seen == [(5, 6), (6, 6)]
    assert records(out) == records(whole)
    assert (out / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert [path.name for path in out.parent.iterdir()] == ["model"]


def test_another_run_begins_anew(tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame) -> None:
    out, seen = tmp_path / "model", []
    wanted = settings(tiny_model, checkpoint_every=2)
    with pytest.raises(KeyboardInterrupt):
        train(pairs, settings=wanted, out=out, lineage={}, progress=stop_at(5))

    other = wanted.model_copy(update={"seed": 9})
    train(pairs, settings=other, out=out, lineage={}, progress=lambda *done: seen.append(done))

    assert seen[0] == (1, 6)


def test_a_loss_that_breaks_on_the_way_leaves_the_last_good_model(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = training.trainer._Loop._tax
    monkeypatch.setattr(
        training.trainer._Loop, "_tax", lambda loop: math.nan if loop.state.global_step == 5 else given(loop)
    )
    wanted = settings(tiny_model, checkpoint_every=2, tax_every=5, scaling="tax")
    kept = tmp_path / ".model-partial" / "checkpoint-4"

    with pytest.raises(TrainingError, match=f"loss is nan at step 6 of 6; .* as it was before stands in {kept}"):
        train(pairs, settings=wanted, out=tmp_path / "model", lineage={})

    assert math.isfinite(log_prob(kept, pairs["positive"][0]))
    assert not (tmp_path / "model").exists()


def test_a_last_step_that_breaks_the_model_leaves_the_last_good_one(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = training.trainer._Loop._tax
    monkeypatch.setattr(
        training.trainer._Loop, "_tax", lambda loop: math.nan if loop.state.global_step == 6 else given(loop)
    )

    with pytest.raises(TrainingError, match=r"the tax is nan after the last step; .* stands in .*/checkpoint-4"):
        train(pairs, settings=settings(tiny_model, checkpoint_every=2), out=tmp_path / "model", lineage={})

    assert not (tmp_path / "model").exists()


def test_two_runs_do_not_write_one_model(tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame) -> None:
    out = tmp_path / "model"

    def again(*_: int) -> None:
        with pytest.raises(TrainingError, match="model: another process trains it now"):
            train(pairs, settings=settings(tiny_model), out=out, lineage={})

    assert train(pairs, settings=settings(tiny_model, steps=1), out=out, lineage={}, progress=again).is_dir()


@pytest.mark.parametrize("room", [10_000, 200_000])
def test_a_disk_that_fills_is_said(tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame, room: int) -> None:
    wanted = settings(tiny_model, checkpoint_every=2)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        with pytest.raises(TrainingError, match=r"model: cannot be written \(.*\); name a folder with room for it"):
            train(pairs, settings=wanted, out=tmp_path / "model", lineage={})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert list(tmp_path.iterdir()) == []


def test_what_stops_a_training_and_is_no_full_disk_is_said_as_it_is(tmp_path: Path) -> None:
    line = r"model: its training stopped \(\[Errno 2\] No such file or directory: '.*/gone'\); mend that and give "

    with pytest.raises(TrainingError, match=line), work_folder(tmp_path / "model", {}):
        (tmp_path / "gone").read_text()

    assert list(tmp_path.iterdir()) == []


def test_adapters_are_merged(tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame) -> None:
    out = train(pairs, settings=settings(tiny_model, lora_rank=2, steps=20), out=tmp_path / "model", lineage={})

    assert not (out / "adapter_config.json").exists()
    before, after = (AutoModelForCausalLM.from_pretrained(folder).state_dict() for folder in (tiny_model, out))
    assert before.keys() == after.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {name for name in before if name.endswith("_proj.weight")}
    assert log_prob(out, pairs["positive"][0]) > log_prob(tiny_model, pairs["positive"][0])


def test_a_window_that_is_too_short_is_said(tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame) -> None:
    with pytest.raises(TrainingError, match=r"max_tokens is 4096, but .* reads 2048 tokens at most"):
        train(pairs, settings=settings(tiny_model, max_tokens=4096), out=tmp_path / "model", lineage={})


def test_texts_longer_than_the_window_are_cut_and_counted(
    tiny_model: Path, tmp_path: Path, pairs: pl.DataFrame
) -> None:
    out = train(pairs, settings=settings(tiny_model, max_tokens=8, steps=1), out=tmp_path / "model", lineage={})

    lineage = json.loads((out / "lineage.json").read_text())
    assert lineage["pairs_out_of_reach"] == 1  # the pair after a context, which differs in the middle of its texts
    assert records(out)[0]["cut"] == 3
