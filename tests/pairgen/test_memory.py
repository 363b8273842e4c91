"""Scores are computed once, whoever asks, and a file that cannot serve says so."""

import multiprocessing
import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pytest

from pairgen.errors import StoreError
from pairgen.memory import Memory


class Lengths:
    """Scores a text by its length, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, texts: list[str]) -> np.ndarray:  # type: ignore[type-arg]
        self.asked.append(texts)
        return np.array([np.nan if text == "unscorable" else len(text) / 3 for text in texts], np.float64)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / ".cache" / "scores.sqlite"


def test_a_text_is_computed_once_in_this_build_and_the_next(path: Path) -> None:
    lengths = Lengths()

    first = Memory(path).recall("m", ["damn", "idiot", "damn"], lengths, np.float64)
    second = Memory(path).recall("m", ["idiot", "fool!!", "damn"], lengths, np.float64)

    assert first.tolist() == [4 / 3, 5 / 3, 4 / 3]
    assert second.tolist() == [5 / 3, 6 / 3, 4 / 3]
    assert lengths.asked == [["damn", "idiot"], ["fool!!"]]


def test_two_models_never_mix(path: Path) -> None:
    memory, lengths = Memory(path), Lengths()
    memory.recall("m 1.0", ["damn"], lengths, np.float64)

    other = memory.recall("m 1.1", ["damn"], lambda texts: np.zeros(len(texts)), np.float64)

    assert other.tolist() == [0.0]
    assert memory.recall("m 1.0", ["damn"], lengths, np.float64).tolist() == [4 / 3]
    assert len(lengths.asked) == 1


def test_what_could_not_be_scored_is_asked_again(path: Path) -> None:
    memory, lengths = Memory(path), Lengths()

    for _ in range(2):
        scores = memory.recall("m", ["damn", "unscorable"], lengths, np.float64)
        np.testing.assert_array_equal(scores, [4 / 3, np.nan])

    assert lengths.asked == [["damn", "unscorable"], ["unscorable"]]


def test_vectors_come_back_to_the_bit(path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(3, 7)).astype(np.float32)

    fresh = Memory(path).recall("e", ["a", "b", "c"], lambda texts: vectors, np.float32)
    remembered = Memory(path).recall("e", ["c", "a"], lambda texts: vectors, np.float32)

    assert fresh.dtype == remembered.dtype == np.float32
    np.testing.assert_array_equal(fresh, vectors)
    np.testing.assert_array_equal(remembered, vectors[[2, 0]])


def test_no_texts_have_the_shape_that_the_model_gives(path: Path) -> None:
    assert Memory(path).recall("m", [], Lengths(), np.float64).shape == (0,)
    assert Memory(path).recall("e", [], lambda texts: np.empty((0, 7)), np.float32).shape == (0, 7)


def test_more_texts_than_fit_one_query(path: Path) -> None:
    texts, lengths = [f"damn {number}" for number in range(1_201)], Lengths()
    memory = Memory(path)

    fresh, remembered = (memory.recall("m", texts, lengths, np.float64) for _ in range(2))

    assert fresh.tolist() == remembered.tolist() == [len(text) / 3 for text in texts]
    assert len(lengths.asked) == 1


def test_several_threads_write(path: Path) -> None:
    memory, gate = Memory(path), threading.Barrier(8)

    def work(number: int) -> list[float]:
        gate.wait()
        words = [f"{'damn' * part} {number % 3}" for part in range(20)]
        return [float(memory.recall("m", [word], Lengths(), np.float64)[0]) * 3 - len(word) for word in words]

    with ThreadPoolExecutor(8) as pool:
        errors = [error for found in pool.map(work, range(8)) for error in found]

    assert errors == [0.0] * 160
    lengths = Lengths()
    memory.recall("m", [f"{'damn' * part} {number}" for part in range(20) for number in range(3)], lengths, np.float64)
    assert lengths.asked == []


def _write(path: Path, gate: Barrier, number: int) -> None:
    gate.wait(60)
    memory = Memory(path)  # both make the file at once
    for part in range(40):
        memory.recall("m", [f"shared {part}", f"own {number} {part}"], Lengths(), np.float64)


def test_two_processes_write(path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    gate = spawn.Barrier(2)
    processes = [spawn.Process(target=_write, args=(path, gate, number)) for number in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0, 0]
    lengths = Lengths()
    written = [f"shared {part}" for part in range(40)] + [f"own {n} {part}" for n in range(2) for part in range(40)]
    scores = Memory(path).recall("m", written, lengths, np.float64)
    assert lengths.asked == []
    assert scores.tolist() == [len(text) / 3 for text in written]


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder for somebody who may not write everywhere, as root may: the test runs as them."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        yield Path(folder)
        os.seteuid(user)


def test_a_place_that_cannot_be_written(nobody: Path) -> None:
    with pytest.raises(
        StoreError, match=rf"^{nobody}/.cache/s.sqlite: cannot remember scores there \(Permission denied\)"
    ):
        Memory(nobody / ".cache" / "s.sqlite")
    with pytest.raises(
        StoreError, match=r"s.sqlite: cannot remember scores there \(unable to open database file\); free"
    ):
        Memory(nobody / "s.sqlite")


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("damn")

    with pytest.raises(
        StoreError, match=r"s.sqlite: cannot remember scores there \((?:Not a directory|File exists)\); give a folder"
    ):
        Memory(tmp_path / "file" / "s.sqlite")


def test_a_file_that_became_read_only(path: Path) -> None:
    Memory(path).recall("m", ["damn"], Lengths(), np.float64)
    memory = Memory(path)
    memory._connection().execute("PRAGMA query_only = ON")

    with pytest.raises(StoreError, match=r"cannot remember scores there \(attempt to write a readonly database\)"):
        memory.recall("m", ["idiot"], Lengths(), np.float64)
    assert memory.recall("m", ["damn"], Lengths(), np.float64).tolist() == [4 / 3]


def test_a_file_that_is_no_database(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"damn it" * 1_000)

    with pytest.raises(StoreError, match=rf"^{path}: is damaged \(file is not a database\); delete it"):
        Memory(path)


def test_a_damaged_page_is_told_when_it_is_read(path: Path) -> None:
    memory = Memory(path)
    texts = [f"damn {number}" for number in range(500)]
    memory.recall("m", texts, Lengths(), np.float64)
    memory._connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    memory._connection().close()
    content = path.read_bytes()
    path.write_bytes(content[:8_192] + b"\xff" * (len(content) - 8_192))

    with pytest.raises(
        StoreError, match=rf"^{path}: is damaged \(.*malformed.*\); delete it, and the scores are computed"
    ):
        Memory(path).recall("m", texts, Lengths(), np.float64)


def test_a_damaged_row_is_told(path: Path) -> None:
    memory = Memory(path)
    memory.recall("m", ["damn", "idiot"], Lengths(), np.float64)
    memory._connection().execute("UPDATE scores SET value = x'0102'")

    with pytest.raises(StoreError, match=rf"^{path}: is damaged \(.*\); delete it"):
        Memory(path).recall("m", ["damn", "idiot"], Lengths(), np.float64)


def test_a_file_that_was_cut_short_is_told_and_scores_are_computed_anew_without_it(path: Path) -> None:
    memory = Memory(path)
    texts = [f"damn {number}" for number in range(500)]
    memory.recall("m", texts, Lengths(), np.float64)
    memory._connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    memory._connection().close()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(StoreError, match=rf"^{path}: is damaged \(.*malformed.*\); delete it"):
        Memory(path).recall("m", texts, Lengths(), np.float64)

    path.unlink()
    asked = Lengths()
    assert Memory(path).recall("m", texts, asked, np.float64).tolist() == [len(text) / 3 for text in texts]
    assert asked.asked == [texts]


def test_a_file_of_another_schema_is_told(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE scores (text TEXT, score REAL)")
    other.close()

    with pytest.raises(StoreError, match=rf"^{path}: is damaged \(no such column: key\); delete it"):
        Memory(path).recall("m", ["damn"], Lengths(), np.float64)
