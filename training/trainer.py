"""Training on the pairs of a version: the loop, and the folder that is saved."""

import json
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import polars as pl
import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers import PreTrainedTokenizerBase, PrinterCallback, Trainer, TrainingArguments, set_seed

from pairgen.draft import code_version
from pairgen.errors import TrainingError
from pairgen.loading import hardware, load_causal_lm, model_fingerprint
from training.batches import Member, plan, train_pairs
from training.contrast_model import ContrastModel, Losses
from training.encoding import encode, pad
from training.scaling import Fixed, Measured, Scaling
from training.settings import TrainSettings

Progress = Callable[[int, int], None]
_LIBRARIES = ("torch", "transformers", "accelerate", "polars")
_LAST = 10  # steps whose mean stands in lineage.json


def train(
    pairs: pl.DataFrame,
    *,
    settings: TrainSettings,
    out: Path,
    lineage: dict[str, Any],
    progress: Progress | None = None,
) -> Path:
    """Train `settings.model` on the train split of `pairs` and save it in the folder `out`, which is returned.

    `out` loads with `AutoModelForCausalLM.from_pretrained`; beside the model stand `lineage.json` (`lineage`, what the
    caller knows of the version, as it is; with settings, seed, libraries, base model, code and losses) and
    `training_log.jsonl` (a line a step). `progress` is called with the steps done and the steps in all. `TrainingError`
    where `out` holds something already, the train split is empty or a loss is not finite; then `out` is not touched.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise TrainingError(f"{out}: exists and is not empty; name another folder, or remove it first")
    chosen = train_pairs(pairs)
    set_seed(settings.seed)
    model, tokenizer = load_causal_lm(settings.model)
    if not torch.cuda.is_available():
        model.set_attn_implementation("eager")  # the CPU's fused attention takes three times as long to differentiate
    contrast_model = ContrastModel(model, settings)
    batches = _Batches(
        plan(
            chosen,
            steps=settings.steps,
            batch_pairs=settings.batch_pairs,
            toxic_fraction=settings.toxic_fraction,
            seed=settings.seed,
        ),
        tokenizer,
        settings,
    )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-", ignore_cleanup_errors=True) as work:
            loop = _Loop(
                contrast_model, batches, settings, Path(work), scaling=Fixed(settings.lambda_), progress=progress
            )
            loop.train()
            folder = Path(work) / "model"
            model.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            written = "".join(f"{json.dumps(record)}\n" for record in loop.records)
            (folder / "training_log.jsonl").write_text(written, encoding="utf-8")
            about = lineage | _about(settings, chosen, loop.records)
            (folder / "lineage.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
            folder.rename(out)
    except OSError as error:
        raise TrainingError(
            f"{out}: cannot be written ({error.strerror or error}); name a folder with room for it"
        ) from error
    return out


def _about(settings: TrainSettings, chosen: pl.DataFrame, records: Sequence[dict[str, float]]) -> dict[str, Any]:
    """What training adds to the lineage that the caller knows."""
    last = records[-_LAST:]
    names = ("cross_entropy", "representation", "likelihood")
    return {
        "settings": settings.model_dump(),
        "seed": settings.seed,
        "pairs": chosen.height,
        "sets": chosen["set_id"].n_unique(),
        "base_model": model_fingerprint(settings.model, dtype="float32"),
        "libraries": {name: version(name) for name in _LIBRARIES},
        "code": code_version(),
        "losses": {
            "first": {name: records[0][name] for name in names},
            "last": {name: sum(record[name] for record in last) / len(last) for name in names},
        },
    }


class _Batches(Dataset[dict[str, Tensor]]):
    """A batch an item, tokenised when it is asked for."""

    def __init__(
        self, batches: list[list[Member]], tokenizer: PreTrainedTokenizerBase, settings: TrainSettings
    ) -> None:
        self._batches = batches
        self._tokenizer = tokenizer
        self._max_tokens = settings.max_tokens

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, place: int) -> dict[str, Tensor]:
        members = self._batches[place]
        rows = [
            encode(self._tokenizer, m.context, m.text, max_tokens=self._max_tokens, changed=m.changed) for m in members
        ]
        return {
            **cast(dict[str, Tensor], pad(rows, self._tokenizer)),
            "set_ids": torch.tensor([member.set_id for member in members]),
            "is_positive": torch.tensor([member.is_positive for member in members]),
        }


class _Loop(Trainer):
    """transformers' Trainer with our loss: float32 weights, bfloat16 autocast where the hardware has it."""

    def __init__(
        self,
        model: ContrastModel,
        batches: _Batches,
        settings: TrainSettings,
        work: Path,
        *,
        scaling: Scaling,
        progress: Progress | None,
    ) -> None:
        gpu = torch.cuda.is_available()
        arguments = TrainingArguments(
            output_dir=str(work / "trainer"),
            max_steps=settings.steps,
            per_device_train_batch_size=1,  # an item is a batch
            train_sampling_strategy="sequential",
            learning_rate=settings.learning_rate,
            warmup_steps=max(1, settings.steps // 10),
            weight_decay=0.0,
            bf16=hardware()[1],
            use_cpu=not gpu,
            seed=settings.seed,
            logging_steps=1,
            logging_nan_inf_filter=False,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            remove_unused_columns=False,
            dataloader_pin_memory=gpu,
        )
        super().__init__(model=model, args=arguments, train_dataset=batches, data_collator=lambda items: items[0])
        self.remove_callback(PrinterCallback)
        self.records: list[dict[str, float]] = []
        self._scaling = scaling
        self._progress = progress
        self._step: dict[str, float] = {}

    def compute_loss(self, model: torch.nn.Module, inputs: dict[str, Tensor], *args: Any, **kwargs: Any) -> Any:
        """c_ce . L_ce + lambda . (representation + likelihood), weighed as the scaling says for this step."""
        losses: Losses = model(**inputs)
        contrast = losses["representation"] + losses["likelihood"]
        step = self.state.global_step
        weights = self._scaling.weights(Measured(step, losses["cross_entropy"].item(), contrast.item()))
        loss = weights.cross_entropy * losses["cross_entropy"] + weights.contrast * contrast
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss.item()} at step {step + 1} of {self.args.max_steps}; lower learning_rate"
            )
        named = {name: tensor.item() for name, tensor in cast(dict[str, Tensor], losses).items()}
        self._step = {"c_ce": weights.cross_entropy, "lambda": weights.contrast, **named, "loss": loss.item()}
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """One record a step: what `compute_loss` measured, the norm of the gradient and the learning rate."""
        if "grad_norm" not in logs:
            return
        rest = {name: float(logs[name]) for name in ("grad_norm", "learning_rate")}
        self.records.append({"step": self.state.global_step, **self._step, **rest})
        if self._progress is not None:
            self._progress(self.state.global_step, self.args.max_steps)
