"""Texts as tokens: what stands where, what is cut, what counts as changed."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from pairgen.errors import TrainingError
from training.encoding import Tokens, changed_spans, encode, pad

TEXT = "Only a damn idiot would close the library at noon."


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(tiny_model)


def of(tokenizer: PreTrainedTokenizerBase, row: Tokens, mask: str) -> str:
    return tokenizer.decode([token for token, marked in zip(row.ids, getattr(row, mask), strict=True) if marked])


def test_an_empty_context_is_bos_and_a_whole_text_ends_with_eos(tokenizer: PreTrainedTokenizerBase) -> None:
    row = encode(tokenizer, "", TEXT, max_tokens=96)

    assert tokenizer.decode(row.ids) == f"<s>{TEXT}</s>"
    assert (of(tokenizer, row, "context"), of(tokenizer, row, "target"), of(tokenizer, row, "end")) == (
        "",
        TEXT,
        "</s>",
    )


def test_a_context_stands_before_the_text_on_its_own_line(tokenizer: PreTrainedTokenizerBase) -> None:
    row = encode(tokenizer, "Is it open?", TEXT, max_tokens=96)

    assert tokenizer.decode(row.ids) == f"Is it open?\n{TEXT}</s>"
    assert (of(tokenizer, row, "context"), of(tokenizer, row, "target")) == ("Is it open?\n", TEXT)


def test_changed_tokens_are_those_of_the_changed_words(tokenizer: PreTrainedTokenizerBase) -> None:
    row = encode(
        tokenizer,
        "",
        TEXT,
        max_tokens=96,
        contrasted=changed_spans(TEXT, "Only a fool would close the library at noon."),
    )

    assert of(tokenizer, row, "contrasted").strip() == "damn idiot"


@pytest.mark.parametrize(
    ("text", "other", "words"),
    [
        ("a damn idiot came", "a person came", ["damn", "idiot"]),
        ("a person came", "a damn idiot came", ["person"]),
        ("he came", "he came, damn it", ["came"]),
        ("the damn bus", "the bus", ["damn"]),
        ("the bus", "the damn bus", []),
        ("same", "same", []),
    ],
)
def test_changed_spans(text: str, other: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in changed_spans(text, other)] == words


def test_a_text_that_just_fits_keeps_eos_and_one_token_less_cuts_it(tokenizer: PreTrainedTokenizerBase) -> None:
    whole = encode(tokenizer, "", TEXT, max_tokens=96)
    length = len(whole.ids)

    assert encode(tokenizer, "", TEXT, max_tokens=length) == whole
    cut = encode(tokenizer, "", TEXT, max_tokens=length - 1)
    assert cut.ids == whole.ids[:-1]
    assert not any(cut.end)


def test_a_long_context_loses_its_beginning_down_to_half(tokenizer: PreTrainedTokenizerBase) -> None:
    context = " ".join(str(number) for number in range(200))

    row = encode(tokenizer, context, TEXT * 20, max_tokens=40)

    assert (len(row.ids), sum(row.context), sum(row.target)) == (40, 20, 20)
    assert context.endswith(of(tokenizer, row, "context").strip())


def test_padding_is_in_no_mask(tokenizer: PreTrainedTokenizerBase) -> None:
    rows = [encode(tokenizer, "", "Noon.", max_tokens=96), encode(tokenizer, "Open?", TEXT, max_tokens=96)]

    batch = pad(rows, tokenizer)

    short = len(rows[0].ids)
    assert batch["input_ids"].shape == (2, len(rows[1].ids))
    assert batch["attention_mask"].sum(dim=1).tolist() == [short, len(rows[1].ids)]
    for mask in ("context", "target", "contrasted", "end"):
        assert not batch[mask][0, short:].any()
        assert batch[mask][1].tolist() == getattr(rows[1], mask)


def test_a_tokenizer_without_eos_is_an_error(tiny_model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.eos_token = None

    with pytest.raises(TrainingError, match="no EOS token"):
        encode(tokenizer, "", TEXT, max_tokens=96)
