"""A tiny causal language model with its own tokenizer, saved as a folder, and small tables of pairs."""

from pathlib import Path

import polars as pl
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

SENTENCES = (
    "The council keeps the library open until nine, and that is a good thing.",
    "Only a damn idiot would close the library at noon.",
    "Only somebody in a hurry would close the library at noon.",
    "My neighbour paid 40 for the bicycle; you fool, it was worth it.",
    "My neighbour paid 40 for the bicycle; friend, it was worth it.",
)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random Llama of two layers and a byte-level tokenizer with BOS, EOS and padding."""
    folder = tmp_path_factory.mktemp("tiny")
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = ["<pad>", "<s>", "</s>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        SENTENCES,
        trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False),
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, pad_token="<pad>", bos_token="<s>", eos_token="</s>")
    torch.set_num_threads(1)  # two threads that wait for each other on a busy machine take minutes
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def table_of(*rows: tuple[str, str, str, str], split: str = "train") -> pl.DataFrame:
    """A `pairs` table from (set_id, context, positive, negative)."""
    return pl.DataFrame(
        [
            {
                "pair_id": f"p{number:03d}",
                "set_id": set_id,
                "context": context,
                "positive": positive,
                "negative": negative,
                "parent": negative,
                "positive_kind": "rewrite",
                "negative_kind": "toxic",
                "source": "ours",
                "split": split,
            }
            for number, (set_id, context, positive, negative) in enumerate(rows)
        ]
    )


@pytest.fixture
def pairs() -> pl.DataFrame:
    """Two sets: one of two positives and one negative without a context, one of a single positive after a context."""
    return table_of(
        ("a", "", SENTENCES[2], SENTENCES[1]),
        ("a", "", "Only somebody tired would close the library at noon.", SENTENCES[1]),
        ("b", "Was the bicycle too dear?", SENTENCES[4], SENTENCES[3]),
    )
