"""What our training is compared with, at the same version, steps, seed and order of pairs: TRL's `sft`, `dpo`, `orpo`.

And a prompt that asks the base to behave (self-debiasing), which trains nothing.
"""

import json
import math
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
import torch
from transformers import PreTrainedTokenizerBase, PrinterCallback, TrainerCallback, set_seed

from pairgen.draft import code_version
from pairgen.errors import TrainingError
from pairgen.loading import hardware, model_fingerprint
from training.batches import plan_pairs, train_pairs, within_reach
from training.checkpoints import work_folder
from training.formats import trl_rows
from training.settings import TrainSettings
from training.trainer import adapters_of, trainable

Progress = Callable[[int, int], None]
BASELINES = ("sft", "dpo", "orpo")
# Peak learning rates. At a tenth of ours DPO raised the perplexity of clean text to two and a half times the base's
# already (SmolLM2, 100 steps of 16 pairs); beta is the usual.
_LEARNING_RATES = {"sft": None, "dpo": 1e-5, "orpo": None}  # None: that of the settings
_BETA = 0.1
DEBIASING_PROMPT = "The following text is polite, and it insults nobody:\n"


def train_baseline(
    name: str,
    pairs: pl.DataFrame,
    *,
    settings: TrainSettings,
    out: Path,
    lineage: dict[str, Any],
    progress: Progress | None = None,
) -> Path:
    """Train the base of `settings` by the baseline `name` on the pairs that our own training sees, in the same order.

    TRL's batches are full and ours hold up to `batch_pairs`, for a set is not torn: a step of TRL's stands further in
    that order, which begins again where it ends. Model, steps, pairs a batch, seed, tokens, adapters (merged at the
    end) and the course of the learning rate are those of `settings`. `sft` learns the positives alone. `out` is a
    folder like the one that `trainer.train` writes: model, tokenizer, `lineage.json`.
    `TrainingError` where `name` is no baseline, TRL is not installed, `out` holds something already, or the system
    stops what is done there.
    """
    if name not in BASELINES:
        raise TrainingError(f"{name!r} is no baseline; there are: {', '.join(BASELINES)}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise TrainingError(f"{out}: exists and is not empty; name another folder, or remove it first")
    chosen = train_pairs(pairs)
    set_seed(settings.seed)
    model, tokenizer = trainable(settings.model, max_tokens=settings.max_tokens)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    chosen = within_reach(chosen, tokenizer, max_tokens=settings.max_tokens)
    rows = _rows(chosen, settings, tokenizer)
    run = {"baseline": name, "settings": settings.model_dump(), "lineage": lineage, "code": code_version()}
    with work_folder(out, run) as work:
        loop = _trainer(name, model, tokenizer, rows, settings, work)
        loop.remove_callback(PrinterCallback)
        loop.add_callback(_Told(progress))
        loop.train()
        folder = work / "model"
        trained = loop.accelerator.unwrap_model(loop.model)
        (trained.merge_and_unload() if settings.lora_rank else trained).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        about = {
            "baseline": name,
            "learning_rate": _learning_rate(name, settings),
            "settings": settings.model_dump(),
            "seed": settings.seed,
            "pairs": chosen.height,
            "base_model": model_fingerprint(settings.model, dtype="float32"),
            "libraries": {each: version(each) for each in ("torch", "transformers", "trl")},
            "code": code_version(),
        }
        (folder / "lineage.json").write_text(json.dumps(lineage | about, indent=2) + "\n", encoding="utf-8")
        folder.rename(out)
    return out


def _rows(pairs: pl.DataFrame, settings: TrainSettings, tokenizer: PreTrainedTokenizerBase) -> pl.DataFrame:
    """prompt, chosen, rejected: the pairs of all our steps in order; an empty prompt is BOS."""
    planned = plan_pairs(
        pairs,
        steps=settings.steps,
        batch_pairs=settings.batch_pairs,
        toxic_fraction=settings.toxic_fraction,
        seed=settings.seed,
    )
    seen = pl.DataFrame({"pair_id": [pair.pair_id for batch in planned for pair in batch]})
    rows = trl_rows(seen.join(pairs, on="pair_id", how="left", maintain_order="left"))
    start = tokenizer.bos_token or tokenizer.eos_token
    return rows.with_columns(prompt=pl.when(pl.col("prompt") == "").then(pl.lit(start)).otherwise("prompt"))


def _trainer(
    name: str, model: Any, tokenizer: PreTrainedTokenizerBase, rows: pl.DataFrame, settings: TrainSettings, work: Path
) -> Any:
    try:
        from datasets import Dataset, disable_progress_bars

        trl: Any = import_module("trl")
        orpo: Any = import_module("trl.experimental.orpo")
    except ImportError as error:
        raise TrainingError(
            "baselines need TRL, which is not installed: pip install 'contrast-pairs[baselines]'"
        ) from error
    disable_progress_bars()
    gpu = torch.cuda.is_available()
    common = {
        "output_dir": str(work),
        "max_steps": settings.steps,
        "per_device_train_batch_size": settings.batch_pairs,
        "train_sampling_strategy": "sequential",  # the plan shuffled already
        "learning_rate": _learning_rate(name, settings),
        "warmup_steps": max(1, settings.steps // 10),
        "weight_decay": 0.0,
        "bf16": hardware()[1],
        "use_cpu": not gpu,
        "seed": settings.seed,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
        "dataloader_pin_memory": gpu,
        "gradient_checkpointing": False,
        "max_length": settings.max_tokens,
    }
    if name == "sft":
        arguments, trainer = trl.SFTConfig(**common), trl.SFTTrainer
        rows = rows.select("prompt", completion="chosen")
    elif name == "dpo":
        arguments, trainer = trl.DPOConfig(**common, beta=_BETA), trl.DPOTrainer
    else:
        arguments, trainer = orpo.ORPOConfig(**common, beta=_BETA, remove_unused_columns=False), orpo.ORPOTrainer
    return trainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(rows.to_dicts()),
        processing_class=tokenizer,
        peft_config=adapters_of(settings.lora_rank) if settings.lora_rank else None,
    )


def _learning_rate(name: str, settings: TrainSettings) -> float:
    return _LEARNING_RATES[name] or settings.learning_rate


class _Told(TrainerCallback):
    """Reports the steps done; `TrainingError` where a loss is not finite."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Steps done, and steps in all."""
        if self._progress is not None:
            self._progress(state.global_step, state.max_steps)

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Its own loss alone: what else TRL logs may well be no number."""
        loss = kwargs["logs"].get("loss", 0.0)
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss} at step {state.global_step} of {state.max_steps}; lower learning_rate"
            )
