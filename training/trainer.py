"""Training on the pairs of a version: the loop, and the folder that is saved."""

import json
import math
import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import polars as pl
import torch
from torch import Tensor
from torch.utils.data import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PrinterCallback, Trainer, TrainingArguments, set_seed

from pairgen.draft import code_version
from pairgen.errors import TrainingError
from pairgen.extraction import entities
from pairgen.loading import hardware, load_causal_lm, model_fingerprint
from pairgen.models import Parser
from training.batches import Member, plan, refuse_unfit, train_pairs, within_reach
from training.checkpoints import last_checkpoint, work_folder
from training.clean_text import Clean, clean_text
from training.contrast_model import ContrastModel, Losses
from training.encoding import Batch, Span, encode, pad
from training.model_card import model_card
from training.pictures import draw_curves
from training.scaling import Measured, Scaling, scaling_of
from training.settings import TrainSettings

Progress = Callable[[int, int], None]
_LIBRARIES = ("torch", "transformers", "accelerate", "polars")
_HEAD, _MEMORY = "head.pt", "loop.json"  # beside the model in a checkpoint
_LAST = 10  # steps whose mean stands in lineage.json


def train(
    pairs: pl.DataFrame,
    *,
    settings: TrainSettings,
    out: Path,
    lineage: dict[str, Any],
    parser: Parser | None = None,
    progress: Progress | None = None,
) -> Path:
    """Train `settings.model` on the train split of `pairs` and save it in the folder `out`, which is returned.

    `out` loads with `AutoModelForCausalLM.from_pretrained`; beside the model stand `lineage.json` (`lineage`, what the
    caller knows of the version, as it is; with settings, seed, libraries, base model, code and losses),
    `training_log.jsonl` (a line a step; every `tax_every` steps with the norms of the two losses' gradients, unweighed,
    else null), `training_curves.svg` and `.png`, and a model card. `parser` finds the names where the settings pool
    entities. `progress` is called with the steps done and the steps in all. A run that was interrupted goes on from its
    last checkpoint when it is asked for again. `TrainingError` where `out` holds something already, the version has
    nothing to train on or a loss is not finite; then `out` is not touched.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise TrainingError(f"{out}: exists and is not empty; name another folder, or remove it first")
    chosen = train_pairs(pairs)
    if settings.pooling == "entities" and parser is None:
        raise TrainingError(
            "pooling = 'entities' asks a parser for the names; train from a version whose recipe has one"
        )
    text = clean_text(pairs, settings.clean_text)
    set_seed(settings.seed)
    model, tokenizer = trainable(settings.model, max_tokens=settings.max_tokens)
    in_train = chosen.height
    chosen = within_reach(chosen, tokenizer, max_tokens=settings.max_tokens)
    refuse_unfit(chosen, settings)
    model = _with_adapters(model, settings.lora_rank) if settings.lora_rank else model
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
        parser,
    )
    run = {"settings": settings.model_dump(), "lineage": lineage, "code": code_version()}
    with work_folder(out, run) as work:
        clean = Clean(text, tokenizer, settings)
        loop = _Loop(ContrastModel(model, settings), batches, settings, work, clean=clean, progress=progress)
        checkpoint = last_checkpoint(work)
        loop.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        tax = loop.last_tax()
        folder = work / "model"
        merged = cast(Any, model).merge_and_unload() if settings.lora_rank else model
        merged.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        written = "".join(f"{json.dumps(record)}\n" for record in loop.records)
        (folder / "training_log.jsonl").write_text(written, encoding="utf-8")
        draw_curves(loop.records, folder, budget=math.log1p(settings.tax_budget) if settings.scaling == "tax" else None)
        about = (
            lineage
            | _about(settings, chosen, loop.records)
            | {
                "pairs_out_of_reach": in_train - chosen.height,
                "tax": tax,
                "clean_text": text.origin,
            }
        )
        (folder / "README.md").write_text(model_card(about), encoding="utf-8")
        (folder / "lineage.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        folder.rename(out)
    return out


def trainable(spec: str, *, max_tokens: int) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model and tokenizer that `spec` names; `TrainingError` where its window is shorter or it has no EOS."""
    model, tokenizer = load_causal_lm(spec)
    window = getattr(model.config, "max_position_embeddings", None) or max_tokens
    if max_tokens > window:
        raise TrainingError(f"max_tokens is {max_tokens}, but {spec} reads {window} tokens at most")
    if tokenizer.eos_token_id is None:
        raise TrainingError(f"the tokenizer of {spec!r} has no EOS token; set one and save it again")
    if not torch.cuda.is_available():
        model.set_attn_implementation("eager")  # the CPU's fused attention takes three times as long to differentiate
    return model, tokenizer


def adapters_of(rank: int) -> Any:
    """The `LoraConfig` of adapters of `rank` at all linear layers; `TrainingError` where peft is not installed."""
    try:
        from peft import LoraConfig
    except ImportError as error:
        raise TrainingError("LoRA needs peft, which is not installed: pip install 'contrast-pairs[lora]'") from error
    return LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")


def _with_adapters(model: PreTrainedModel, rank: int) -> PreTrainedModel:
    adapters = adapters_of(rank)
    from peft import get_peft_model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by a name that is to go
        return cast(PreTrainedModel, get_peft_model(model, adapters))


def gradient_norm(loss: Tensor, parameters: Sequence[Tensor]) -> float:
    """The L2 norm of the gradient of `loss` over all `parameters`; 0 where it depends on none. The graph stays."""
    if not loss.requires_grad:
        return 0.0
    gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    return torch.nn.utils.get_total_norm([each for each in gradients if each is not None]).item()


def _about(settings: TrainSettings, chosen: pl.DataFrame, records: Sequence[dict[str, Any]]) -> dict[str, Any]:
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
        "cut_texts": sum(record["cut"] for record in records),
        "losses": {
            "first": {name: records[0][name] for name in names},
            "last": {name: sum(record[name] for record in last) / len(last) for name in names},
        },
    }


class _Batches(Dataset[dict[str, Tensor]]):
    """A batch an item, tokenised when it is asked for."""

    def __init__(
        self,
        batches: list[list[Member]],
        tokenizer: PreTrainedTokenizerBase,
        settings: TrainSettings,
        parser: Parser | None,
    ) -> None:
        self._batches = batches
        self.tokenizer = tokenizer
        self._settings = settings
        self._parser = parser

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, place: int) -> dict[str, Tensor]:
        members = self._batches[place]
        rows = [
            encode(self.tokenizer, each.context, each.text, max_tokens=self._settings.max_tokens, contrasted=contrasted)
            for each, contrasted in zip(members, self._contrasted(members), strict=True)
        ]
        return {
            **cast(dict[str, Tensor], pad(rows, self.tokenizer)),
            "set_ids": torch.tensor([member.set_id for member in members]),
            "is_positive": torch.tensor([member.is_positive for member in members]),
            "weights": torch.tensor([self._settings.kind_weight(member.kind) for member in members]),
        }

    def _contrasted(self, members: list[Member]) -> list[Sequence[Span]]:
        """The characters of each text that the contrast pools: its names, or what differs from its partners."""
        if self._settings.pooling != "entities" or self._parser is None:
            return [member.changed for member in members]
        docs = self._parser.parse([member.text for member in members])
        return [[(found.start, found.end) for found in entities(doc)] for doc in docs]


class _Loop(Trainer):
    """transformers' Trainer with our loss: float32 weights, bfloat16 autocast where the hardware has it."""

    def __init__(
        self,
        model: ContrastModel,
        batches: _Batches,
        settings: TrainSettings,
        work: Path,
        *,
        clean: Clean,
        progress: Progress | None,
    ) -> None:
        gpu = torch.cuda.is_available()
        arguments = TrainingArguments(
            output_dir=str(work),
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
            save_strategy="steps",
            save_steps=settings.checkpoint_every,
            save_total_limit=1,
            report_to=[],
            disable_tqdm=True,
            remove_unused_columns=False,
            dataloader_pin_memory=gpu,
        )
        super().__init__(model=model, args=arguments, train_dataset=batches, data_collator=lambda items: items[0])
        self.remove_callback(PrinterCallback)
        self.records: list[dict[str, Any]] = []
        self._settings = settings
        self._scaling: Scaling = scaling_of(settings)
        self._clean = clean
        self._tokenizer = batches.tokenizer
        self._base_nll: float | None = None
        self._progress = progress
        self._step: dict[str, Any] = {}

    def compute_loss(self, model: torch.nn.Module, inputs: dict[str, Tensor], *args: Any, **kwargs: Any) -> Any:
        """c_ce . L_ce + lambda . (representation + likelihood) + mu . L_clean, weighed as the scaling says."""
        step = self.state.global_step
        tax = self._tax() if step % self._settings.tax_every == 0 else None
        with self.accelerator.autocast():  # one for both passes, so that each weight is cast once
            losses: Losses = model(**inputs)
            contrast = losses["representation"] + losses["likelihood"]
            ratio = losses["contrasted_ratio"].item()
            weights = self._scaling.weights(Measured(step, losses["cross_entropy"].item(), contrast.item(), ratio, tax))
            clean = self._clean_nll(self._clean.next()) if weights.clean else None
        loss = weights.cross_entropy * losses["cross_entropy"] + weights.contrast * contrast
        if clean is not None:
            loss = loss + weights.clean * clean
        norms = self._gradient_norms(model, losses["cross_entropy"], contrast) if tax is not None else (None, None)
        broken = [number for number in (loss.item(), tax or 0.0) if not math.isfinite(number)]
        if broken:
            raise TrainingError(
                f"the loss is {broken[0]} at step {step + 1} of {self.args.max_steps}; "
                f"lower learning_rate{self._kept()}"
            )
        named = {name: tensor.item() for name, tensor in cast(dict[str, Tensor], losses).items()}
        self._step = {
            "c_ce": weights.cross_entropy,
            "lambda": weights.contrast,
            "mu": weights.clean,
            "toxic_weight": self._settings.kind_weight("toxic"),
            **named,
            "clean": None if clean is None else clean.item(),
            "tax": tax,
            "loss": loss.item(),
            "grad_norm_cross_entropy": norms[0],
            "grad_norm_contrast": norms[1],
        }
        return loss

    def _gradient_norms(self, model: torch.nn.Module, *losses: Tensor) -> list[float]:
        """The norm of the gradient of each loss by itself, not weighed; its graph stays for the step.

        A backward pass each, so where tax is measured alone. Several processes log what their own batches give.
        """
        trained = [each for each in model.parameters() if each.requires_grad]
        with torch.autocast(self.args.device.type, enabled=False):  # as in the backward pass of a step
            return [gradient_norm(loss, trained) for loss in losses]

    def last_tax(self) -> float:
        """The tax of the model as it is after the last step; `TrainingError` where that step broke it."""
        tax = self._tax()
        if not math.isfinite(tax):
            raise TrainingError(f"the tax is {tax} after the last step; lower learning_rate{self._kept()}")
        return tax

    def _kept(self) -> str:
        last = last_checkpoint(Path(str(self.args.output_dir)))
        return f". The model as it was before stands in {last}" if last else ""

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        if self.state.global_step < self.args.max_steps:  # else the model itself is saved
            super()._save_checkpoint(*args, **kwargs)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        """A checkpoint: a folder that loads like the model, or as its adapter, and what the loop remembers."""
        folder = Path(str(output_dir))
        trained: ContrastModel = self.accelerator.unwrap_model(self.model)
        trained.model.save_pretrained(folder)
        self._tokenizer.save_pretrained(folder)
        if trained.head is not None:
            torch.save(trained.head.state_dict(), folder / _HEAD)
        memory = {"records": self.records, "scaling": vars(self._scaling), "base_nll": self._base_nll}
        (folder / _MEMORY).write_text(json.dumps(memory | {"clean_batches": self._clean.taken}), encoding="utf-8")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: torch.nn.Module | None = None) -> None:
        folder = Path(resume_from_checkpoint)
        trained: ContrastModel = self.accelerator.unwrap_model(self.model)
        if self._settings.lora_rank:
            from peft import load_peft_weights, set_peft_model_state_dict

            set_peft_model_state_dict(trained.model, load_peft_weights(str(folder)))
        else:
            trained.model.load_state_dict(load_causal_lm(str(folder))[0].state_dict())
        if trained.head is not None:
            trained.head.load_state_dict(torch.load(folder / _HEAD, weights_only=True))
        memory = json.loads((folder / _MEMORY).read_text(encoding="utf-8"))
        self.records, self._base_nll = memory["records"], memory["base_nll"]
        vars(self._scaling).update(memory["scaling"])
        self._clean.go_on(memory["clean_batches"])

    def _clean_nll(self, batch: Batch) -> Tensor:
        total, count = self._clean_sums(batch)
        return total / count

    def _clean_sums(self, batch: Batch) -> tuple[Tensor, Tensor]:
        model = self.accelerator.unwrap_model(self.model)
        wanted = {name: batch[name].to(self.args.device) for name in ("input_ids", "attention_mask", "target")}
        found: tuple[Tensor, Tensor] = model.clean_nll(**wanted)
        return found

    def _tax(self) -> float:
        """NLL of the fixed batch of clean text, nats a token, less that before the first step.

        In float32: autocast shows a model that was trained under it 1.3 % of perplexity too little (SmolLM2), more than
        a budget of 1 % leaves.
        """
        model = self.accelerator.unwrap_model(self.model)
        was_training = model.training
        model.eval()
        with torch.no_grad():
            sums = [self._clean_sums(batch) for batch in self._clean.measured]
        model.train(was_training)
        nll = sum(total.item() for total, _ in sums) / sum(count.item() for _, count in sums)
        self._base_nll = nll if self._base_nll is None else self._base_nll
        return nll - self._base_nll

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """One record a step: what `compute_loss` measured, the norm of the gradient and the learning rate."""
        if "grad_norm" not in logs:
            return
        rest = {name: float(logs[name]) for name in ("grad_norm", "learning_rate")}
        self.records.append({"step": self.state.global_step, **self._step, **rest})
        if self._progress is not None:
            self._progress(self.state.global_step, self.args.max_steps)
