"""Which clean text a training is held to."""

import json
from pathlib import Path

import polars as pl
import pytest

from pairgen.errors import TrainingError
from training.clean_text import clean_text, endlessly
from training.evaluation_data import load_clean_text


def originals(count: int, **changed: str) -> pl.DataFrame:
    texts = pl.DataFrame({"positive": [f"The bridge has {number} arches." for number in range(count)]})
    return texts.with_columns(
        **{
            name: pl.lit(word)
            for name, word in ({"positive_kind": "original", "split": "validation"} | changed).items()
        }
    )


def test_originals_of_the_validation_split_and_no_text_is_both_measured_and_trained_on() -> None:
    pairs = pl.concat(
        [originals(3_000), originals(200), originals(9, split="train"), originals(9, positive_kind="human")]
    )

    found = clean_text(pairs, "validation")

    assert found == clean_text(pairs.reverse(), "validation")
    assert (len(found.measured), len(found.trained), found.origin) == (16, 2_032, "validation")
    assert len({*found.measured, *found.trained} & {*originals(3_000)["positive"]}) == 2_048


def test_with_too_few_originals_ours_that_never_report() -> None:
    assert clean_text(originals(32), "validation").origin == "validation"
    found = clean_text(originals(31), "validation")

    assert found.origin == "package"
    assert found == clean_text(originals(200), "package")
    control = load_clean_text().filter(pl.col("part") == "control")["text"]
    assert sorted([*found.measured, *found.trained]) == sorted(control)


def clean_file(folder: Path, count: int) -> Path:
    """`count` texts whose part is "control", and as many others."""
    path = folder / "clean.jsonl"
    rows = [{"id": str(n), "text": f"Text {n}.", "part": ("control", "report")[n % 2]} for n in range(2 * count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_file_of_clean_text(tmp_path: Path) -> None:
    path = clean_file(tmp_path, 17)

    found = clean_text(originals(200), str(path))

    assert found.origin == str(path)
    assert {*found.measured, *found.trained} == {f"Text {n}." for n in range(0, 34, 2)}
    assert (len(found.measured), len(found.trained)) == (16, 1)


@pytest.mark.parametrize("count", [1, 16])
def test_a_file_that_leaves_no_text_to_train_on_is_refused(tmp_path: Path, count: int) -> None:
    path = clean_file(tmp_path, count)

    with pytest.raises(TrainingError, match=rf"clean\.jsonl: holds {count} different texts .* expected 17 or more"):
        clean_text(originals(200), str(path))


def test_batches_go_round_and_go_on_where_a_run_was_interrupted() -> None:
    texts = [f"{number}" for number in range(6)]
    batches = endlessly(texts, start=0)

    found = [next(batches) for _ in range(4)]

    assert found == [["0", "1", "2", "3"], ["4", "5", "0", "1"], ["2", "3", "4", "5"], ["0", "1", "2", "3"]]
    assert next(endlessly(texts, start=2)) == found[2]
    assert next(endlessly(texts[:2], start=0)) == ["0", "1"]
