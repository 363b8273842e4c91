"""Every format, every bad file and every faulty row, on real files."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import datasets
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pairgen.corpus import (
    RAW,
    SourceFacts,
    SourceSettings,
    clean,
    read_in_batches,
    read_source,
    read_texts,
    source_sha256,
)
from pairgen.digests import digest, normalise
from pairgen.errors import SourceError
from pairgen.schema import DROPPED, TEXTS, Outcome, check
from pairgen.splits import SplitSettings
from tests.pairgen.samples import raw

ROWS = [
    {"comment_id": "a1", "text": "What a damn shame, the bakery closed.", "parent_text": "Is it open?"},
    {"comment_id": "a2", "text": "Only an idiot parks there; really.", "parent_text": ""},
    {"comment_id": None, "text": "It opens at nine – “sharp”.", "parent_text": None},
]
EXPECTED = [
    ("What a damn shame, the bakery closed.", "Is it open?", "a1"),
    ("Only an idiot parks there; really.", "", "a2"),
    ("It opens at nine – “sharp”.", "", None),
]
SETTINGS = SourceSettings(licence="CC0-1.0")


def read(path: str | Path, **settings: str) -> pl.DataFrame:
    return read_source(str(path), SourceSettings(**settings))[0]  # type: ignore[arg-type]


def cleaned(table: pl.DataFrame, **settings: object) -> Outcome:
    outcome = clean(table, settings=SourceSettings(**settings), split=SplitSettings())  # type: ignore[arg-type]
    assert outcome.kept.height + outcome.dropped.height == table.height
    check(outcome.kept, TEXTS, stage="read")
    check(outcome.dropped, DROPPED, stage="read")
    return outcome


def reasons(*rows: str | tuple[str | None, str] | None, **settings: object) -> list[tuple[str, str]]:
    """(text, reason) of what is dropped."""
    return sorted(cleaned(raw(*rows), **settings).dropped.select("text", "drop_reason").rows())


# Formats --------------------------------------------------------------------------------------------------------------


def write_csv(folder: Path) -> Path:
    pl.DataFrame(ROWS).write_csv(folder / "street.csv")
    return folder / "street.csv"


def write_tsv(folder: Path) -> Path:
    pl.DataFrame(ROWS).write_csv(folder / "street.TSV", separator="\t", quote_style="never")
    return folder / "street.TSV"


def write_jsonl(folder: Path) -> Path:
    lines = [json.dumps(row) for row in ROWS]
    (folder / "street.jsonl").write_text("\n".join([lines[0], "", *lines[1:]]), encoding="utf-8")
    return folder / "street.jsonl"


def write_ndjson(folder: Path) -> Path:
    pl.DataFrame(ROWS).write_ndjson(folder / "street.ndjson")
    return folder / "street.ndjson"


def write_parquet(folder: Path) -> Path:
    pl.DataFrame(ROWS).with_columns(pl.col("parent_text").cast(pl.Categorical)).write_parquet(folder / "street.parquet")
    return folder / "street.parquet"


def write_data_set(folder: Path) -> Path:
    datasets.Dataset.from_list(ROWS).save_to_disk(str(folder / "street"))
    return folder / "street"


def write_data_sets(folder: Path) -> Path:
    parts = {"train": datasets.Dataset.from_list(ROWS[:2]), "test": datasets.Dataset.from_list(ROWS[2:])}
    datasets.DatasetDict(parts).save_to_disk(str(folder / "street"))
    return folder / "street"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.mark.parametrize(
    "write", [write_csv, write_tsv, write_jsonl, write_ndjson, write_parquet, write_data_set, write_data_sets]
)
def test_every_format_gives_the_same_rows(write: Callable[[Path], Path], tmp_path: Path) -> None:
    file = write(tmp_path)

    table, facts = read_source(str(file), SETTINGS)

    assert table.schema == RAW
    assert table.select("text", "context", "source_id").rows() == EXPECTED
    assert table["text_id"].to_list() == [digest(normalise(text), normalise(context)) for text, context, _ in EXPECTED]
    assert set(table.select("source", "licence").rows()) == {("street", "CC0-1.0")}
    assert facts == SourceFacts("street", str(file), 3, facts.sha256, "CC0-1.0")
    assert len(facts.sha256) == 64


def write_text(folder: Path) -> Path:
    (folder / "street.txt").write_text("damn it\r\n\nwell, \x0b fine\rno", encoding="utf-8-sig", newline="")
    return folder / "street.txt"


def write_types_that_change(folder: Path) -> Path:
    lines = [
        '{"id": 1, "text": "damn"}',
        " ",
        '{"id": "b", "toxic": "no"}',
        '{"text": "fine", "x": ["y"], "toxic": null}',
    ]
    (folder / "street.jsonl").write_text("\n".join(lines), encoding="utf-8-sig")
    return folder / "street.jsonl"


def write_hub(folder: Path) -> str:
    return f"hf:{write_data_sets(folder)}"  # to be read as if it came from there


EVERY_FORMAT = [
    write_csv, write_tsv, write_jsonl, write_ndjson, write_parquet, write_data_set, write_data_sets, write_text,
    write_types_that_change, write_hub,
]  # fmt: skip


@pytest.mark.parametrize("write", EVERY_FORMAT)
def test_batches_are_what_is_read_at_once(
    write: Callable[[Path], Path | str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = str(write(tmp_path))
    monkeypatch.setattr("datasets.load_dataset", lambda path, **_: datasets.load_from_disk(path))
    table, facts = read_source(file, SETTINGS)
    monkeypatch.setattr("pairgen.corpus._ROWS_A_BATCH", 1)
    batches: list[pl.DataFrame] = []

    assert read_in_batches(file, SETTINGS, batches.append) == facts

    assert [batch.height for batch in batches] == [1] * table.height
    assert_frame_equal(pl.concat(batches), table)


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("a.csv", b"caf\xe9", r"is not UTF-8 \(byte 100008\)"),
        ("a.txt", b"caf\xe9", r"is not UTF-8 \(byte 100008\)"),
        ("a.csv", b"a,b,c", "cannot be read as csv: found more fields"),
        ("a.jsonl", b'{"text": "fine"', "line 20002 is no JSON"),
        ("a.jsonl", b'{"text": "\xe9"}', r"is not UTF-8 \(byte 340027\)"),
    ],
)
def test_a_fault_far_down_is_told_with_its_place(
    name: str, line: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pairgen.corpus._ROWS_A_BATCH", 1_000)
    sound = b'{"text": "damn"}\n' if name == "a.jsonl" else b"text\n"
    (tmp_path / name).write_bytes(sound * 20_001 + line + b"\n")

    with pytest.raises(SourceError, match=f"^{tmp_path / name}: {message}"):
        read(tmp_path / name)


@pytest.mark.parametrize("write", [write_csv, write_tsv, write_jsonl, write_parquet, write_data_set])
def test_ids_and_texts_alone_are_every_row_as_it_stands(write: Callable[[Path], Path], tmp_path: Path) -> None:
    assert read_texts(str(write(tmp_path))).rows() == [(row["comment_id"], row["text"]) for row in ROWS]


def test_ids_keep_their_type_and_a_null_text_stays_null(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pl.DataFrame({"likes": [9, 9], "words": [None, " damn "], "ID": [7, 7]}).write_parquet(file)

    read = read_texts(str(file), text_column="words")

    assert read.rows() == [(7, None), (7, " damn ")]
    assert read.columns == ["id", "text"]
    assert read_texts(str(file), text_column="likes")["text"].to_list() == ["9", "9"]
    with pytest.raises(SourceError, match=r"no column holds the texts; name it with --text-column; there are: 'likes'"):
        read_texts(str(write_numbers(tmp_path)))


def write_numbers(folder: Path) -> Path:
    pl.DataFrame({"likes": [9], "words": [1]}).write_parquet(folder / "numbers.parquet")
    return folder / "numbers.parquet"


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_a_text_file_holds_a_text_a_line(start: str, end: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text(f"{start}damn it\r\n\nwell, \x0b fine{end}", encoding="utf-8", newline="")

    table = read(tmp_path / "notes.txt")

    assert table["text"].to_list() == ["damn it", "", "well, \x0b fine"]
    assert table["context"].to_list() == ["", "", ""]
    assert table["source_id"].null_count() == 3


def test_the_demo_is_a_source() -> None:
    table, facts = read_source("package:demo", SourceSettings())

    assert (facts.name, facts.path, facts.rows) == ("demo", "package:demo", table.height)
    assert table.height >= 400
    assert table["source_id"][0] == "demo-0001"
    assert table.filter(pl.col("context") != "").height > 100
    outcome = cleaned(table)
    assert outcome.dropped.height == 0
    assert set(outcome.kept["split"]) == {"train", "validation", "test"}


def test_the_sha256_is_of_the_bytes(tmp_path: Path) -> None:
    one, other = tmp_path / "one.txt", tmp_path / "other.txt"
    one.write_text("damn\n")
    other.write_text("damn")

    sums = [read_source(str(file), SETTINGS)[1].sha256 for file in (one, one, other)]

    assert sums[0] == sums[1] != sums[2]


# Columns --------------------------------------------------------------------------------------------------------------


def test_columns_named_in_the_recipe_come_before_those_recognised(tmp_path: Path) -> None:
    rows = {"text": ["no"], "words": ["yes"], "context": ["no"], "asked": ["yes"], "id": ["no"], "key": [7]}
    pl.DataFrame(rows).write_parquet(tmp_path / "a.parquet")

    named = read(tmp_path / "a.parquet", text="words", context="asked", id="key")
    recognised = read(tmp_path / "a.parquet")

    assert named.select("text", "context", "source_id").row(0) == ("yes", "yes", "7")
    assert recognised.select("text", "context", "source_id").row(0) == ("no", "no", "no")


def test_a_column_is_recognised_by_name_in_any_case_and_by_what_it_holds(tmp_path: Path) -> None:
    # numbers are no texts: `text` is passed over for `Comment`, and `parent` names another comment
    rows = {"text": [1], "Comment": ["damn"], "parent": [41], "ID": [42]}
    pl.DataFrame(rows).write_parquet(tmp_path / "a.parquet")

    assert read(tmp_path / "a.parquet").select("text", "context", "source_id").row(0) == ("damn", "", "42")


def test_ids_of_several_types_are_texts(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": 1, "text": "damn"}\n{"id": "b", "text": "fine"}\n{"text": "well"}\n')

    assert read(tmp_path / "a.jsonl")["source_id"].to_list() == ["1", "b", None]


@pytest.mark.parametrize("column", ["text", "context", "id"])
def test_a_named_column_that_is_not_there(column: str, tmp_path: Path) -> None:
    file = write_csv(tmp_path)

    with pytest.raises(SourceError, match=rf"no column 'words' for source.{column}; there are: 'comment_id', 'text', "):
        read(file, **{column: "words"})


def test_a_named_column_that_holds_no_texts(tmp_path: Path) -> None:
    pl.DataFrame({"text": ["fine"], "labels": [["a", "b"]]}).write_parquet(tmp_path / "a.parquet")

    with pytest.raises(SourceError, match=r"column 'labels' holds List\(String\), source.context expects texts"):
        read(tmp_path / "a.parquet", context="labels")


WRITTEN = [["It closed.", "", None], [], None, ["Fine by me."]]
TOXIC = ["It damn well closed.", "You idiot.", "What a fool.", "Damn fine."]


def write_lists(folder: Path) -> Path:
    pl.DataFrame({"toxic": TOXIC, "neutral": WRITTEN}).write_parquet(folder / "street.parquet")
    return folder / "street.parquet"


def write_arrays(folder: Path) -> Path:
    column = pl.Series([["It closed.", "", None], None], dtype=pl.Array(pl.Categorical, 3))
    pl.DataFrame({"toxic": TOXIC[:2], "neutral": column}).write_parquet(folder / "street.parquet")
    return folder / "street.parquet"


def write_lines(folder: Path) -> Path:
    rows = [{"toxic": text, "neutral": some} for text, some in zip(TOXIC, WRITTEN, strict=True)]
    (folder / "street.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return folder / "street.jsonl"


def write_strings(folder: Path) -> Path:
    rows = {"toxic": TOXIC, "neutral": [some[0] if some else None for some in WRITTEN]}
    pl.DataFrame(rows).write_csv(folder / "street.csv")
    return folder / "street.csv"


def write_no_references(folder: Path) -> Path:
    pl.DataFrame({"toxic": TOXIC, "neutral": [None] * 4}).write_parquet(folder / "street.parquet")
    return folder / "street.parquet"


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (write_lists, [["It closed.", "", ""], [], [], ["Fine by me."]]),
        (write_arrays, [["It closed.", "", ""], []]),
        (write_lines, [["It closed.", "", ""], [], [], ["Fine by me."]]),
        (write_strings, [["It closed."], [], [], ["Fine by me."]]),
        (write_no_references, [[], [], [], []]),
    ],
)
def test_references_are_lists_whatever_the_column_holds(
    write: Callable[[Path], Path], expected: list[list[str]], tmp_path: Path
) -> None:
    file = write(tmp_path)

    table = read(file, references="neutral")

    assert table.schema == RAW
    assert table["references"].to_list() == expected
    assert table["text"].to_list() == TOXIC[: len(expected)]
    bare = read(file)
    assert bare["references"].to_list() == [[]] * len(expected)
    assert_frame_equal(bare.drop("references"), table.drop("references"))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["fine"], r"no column 'neutral' for source.references; there are: 'toxic', 'other'"),
        ([1], r"column 'neutral' holds Int64, source.references expects texts or lists of texts"),
        ([[1.5]], r"column 'neutral' holds List\(Float64\), source.references expects texts or lists of texts"),
        ([[["fine"]]], r"column 'neutral' holds List\(List\(String\)\), source.references expects texts or"),
        (
            ["['fine' \n 'well']"],
            "column 'neutral' holds lists written out as strings, .*; give a jsonl or parquet file",
        ),
        (['["fine"]'], "column 'neutral' holds lists written out as strings"),
    ],
)
def test_a_column_that_holds_no_references(column: list[object], message: str, tmp_path: Path) -> None:
    name = "other" if message.startswith("no column") else "neutral"
    pl.DataFrame({"toxic": ["damn"], name: column}).write_parquet(tmp_path / "a.parquet")

    with pytest.raises(SourceError, match=f"^{tmp_path / 'a.parquet'}: {message}"):
        read(tmp_path / "a.parquet", references="neutral")


# Bad input ------------------------------------------------------------------------------------------------------------

SECRET = "you damn idiot"
BAD = {
    "street.docx": (b"damn", ".docx is no known format; there are: .csv, .tsv, .jsonl"),
    "street": (b"damn", "no suffix is no known format; there are: .csv"),
    "empty.csv": (b"", "is empty; a corpus of at least one text is expected"),
    "empty.jsonl": (b"", "is empty"),
    "empty.parquet": (b"", "is empty"),
    "head.csv": (b"id,text\n", "holds no rows; a corpus of at least one text is expected"),
    "blank.csv": (b"\n", "cannot be read as csv: empty CSV"),
    "latin.csv": (b"text\ncaf\xe9\n", r"is not UTF-8 \(byte 8\); convert it: iconv -f WINDOWS-1252 -t UTF-8 latin.csv"),
    "latin.tsv": (b"text\ncaf\xe9\n", r"is not UTF-8 \(byte 8\); convert it: iconv .* > utf8.tsv"),
    "latin.txt": (b"caf\xe9\n", r"is not UTF-8 \(byte 3\)"),
    "latin.jsonl": (b'{"text": "caf\xe9"}\n', r"is not UTF-8 \(byte 13\)"),
    "utf16.txt": ("damn".encode("utf-16"), r"is not UTF-8 \(byte 0\)"),
    "nothing.csv": (
        b"id,score\n1,2\n",
        "no column holds the texts; name it in the recipe as source.text; there are: 'id'",
    ),
    "numbers.jsonl": (b'{"text": 1}\n', "no column holds the texts"),
    "broken.jsonl": (
        b'{"text": "fine"}\n\n{"text": "you damn idiot"\n',
        "line 3 is no JSON .*; a JSON object a line is",
    ),
    "list.jsonl": (
        b'{"text": "fine"}\n["you damn idiot"]\n',
        "line 2 is no JSON object; a JSON object a line is expected",
    ),
    "nan.jsonl": (b'{"text": "you damn idiot", "score": NaN}\n', r"line 1 is no JSON \(NaN is no JSON number\)"),
    "broken.parquet": (b"PAR1 you damn idiot PAR1", "cannot be read as parquet: "),
    "quote.csv": (b'text\n"you damn idiot\nfine\n', "cannot be read as csv: .*; is a quote left open"),
    "ragged.csv": (b"text,id\nyou damn idiot,1,2,3\n", "cannot be read as csv: found more fields"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_line_that_says_where_and_what(name: str, tmp_path: Path) -> None:
    content, message = BAD[name]
    (tmp_path / name).write_bytes(content)

    with pytest.raises(SourceError, match=f"^{tmp_path / name}: {message}") as raised:
        read(tmp_path / name)

    assert "\n" not in str(raised.value)
    assert SECRET not in str(raised.value)


def test_a_missing_file_and_a_folder_that_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"gone.csv: no such file; give a .csv, .tsv, .*, a folder of a data set, or hf:"
    ):
        read(tmp_path / "gone.csv")
    with pytest.raises(SourceError, match=f"^{tmp_path}: is no data set that `datasets` can load: "):
        read(tmp_path)


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder for somebody who may not read everything, as root may: the test runs as them."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        user = os.geteuid()
        yield Path(folder)
        os.seteuid(user)


@pytest.mark.parametrize("name", ["street.csv", "street.tsv", "street.jsonl", "street.parquet", "street.txt"])
def test_an_unreadable_file(name: str, nobody: Path) -> None:
    (nobody / name).write_text("damn")
    (nobody / name).chmod(0)
    (nobody / "closed").mkdir(mode=0)
    if os.geteuid() == 0:
        os.seteuid(65534)

    for file in (nobody / name, nobody / "closed" / name):
        with pytest.raises(SourceError, match=f"^{file}: may not be read; check its permissions$"):
            read(file)


# Rows -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (None, "empty"),
        (" \n\t\u00a0\u2003", "empty"),
        ("damn\x00 it", "control_characters"),
        ("damn\x1b[31m it", "control_characters"),
        ("damn \x9b it", "control_characters"),
        ("the end \u202eti nmad\u202c of it", "bidirectional_controls"),
        ("the end \u2066of\u2069 it", "bidirectional_controls"),
        ("damn " * 20_000, "too_long"),
        ("🙂🙂 👍🏽 ❤️", "no_letters"),
        ("1984 !!! :-)", "no_letters"),
        ("Je ne comprends pas pourquoi la mairie a fermé la bibliothèque cette semaine.", "other_language"),
        ("Tu es vraiment un idiot et personne ne veut te parler ici.", "other_language"),  # no accent
        ("Собрание начнётся завтра в девять часов утра.", "other_language"),
        ("Привет, как дела?", "other_language"),
        ("会议明天早上九点在大厅开始。", "other_language"),
        ("你好", "other_language"),
        ("La reunión empieza mañana a las nueve en la sala grande de la biblioteca.", "other_language"),
    ],
)
def test_a_faulty_row_is_dropped_with_its_reason(text: str | None, reason: str) -> None:
    outcome = cleaned(raw("What a damn shame.", text, ids=["a", "b"]))

    assert outcome.kept["text"].to_list() == ["What a damn shame."]
    assert outcome.dropped.select("stage", "drop_reason", "unit", "text", "source_id").rows() == [
        ("read", reason, "text", text or "", "b")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "lol",
        "Ok.",
        "wtf 🤬",
        "I’m fine 😀",
        "“No way” – José said",
        "crème brûlée",
        "naïve café owner",
        "damn damn damn",
        "NO!!! STOOOOP",
        "s t u p i d",
        "b\u0430dly sp\u0435lt",  # a Cyrillic letter or two stand in English words
        "你好 means hello, as every idiot knows",
        "line one\nline two\r\n\ttabbed",
        "a \u200f mark of direction, and \u200b nothing",
    ],
)
def test_english_stays_however_short(text: str) -> None:
    assert cleaned(raw(text)).kept["text"].to_list() == [text]


def test_length_counts_characters_and_its_limit_is_inclusive() -> None:
    assert reasons("é" * 9 + " a", max_characters=11) == []
    assert reasons("é" * 9 + " ab", max_characters=11) == [("é" * 9 + " ab", "too_long")]


def test_another_language_than_english_can_be_asked_for() -> None:
    french, english = (
        "Il faut que tu arrives avant midi, sinon le train part.",
        "You must be there before noon, or else.",
    )

    assert reasons(french, english, language="fr") == [(english, "other_language")]
    with pytest.raises(SourceError, match=r"^source.language: 'xx' cannot be told from others; there are: .*en, .*fr"):
        cleaned(raw(english), language="xx")


def test_white_space_around_and_control_characters_of_a_context_go() -> None:
    kept = cleaned(raw(("  damn it \n", " why\x00 not?\x07 "))).kept

    assert kept.select("text", "context").rows() == [("damn it", "why not?")]


def test_of_equal_texts_one_stays() -> None:
    table = raw("Damn it!", "damn  IT!", "Damn it!", ("Damn it!", "Why?"), ids=["b", "a", None, "d"])

    outcome = cleaned(table)

    assert sorted(outcome.kept.select("text", "context", "source_id").rows()) == [
        ("Damn it!", "Why?", "d"),
        ("damn  IT!", "", "a"),
    ]
    assert set(outcome.dropped["drop_reason"]) == {"duplicate"}
    assert set(outcome.dropped["source_id"]) == {"b", None}


def test_a_text_that_stays_has_the_references_of_all_its_copies() -> None:
    references = pl.Series([["Not good! "], [], ["Bad."], ["Not good."], ["Fine."], []])
    table = raw("Damn it!", "damn  IT!", "Damn it!", "Damn it!", "", "Well.").with_columns(references=references)

    outcomes = [cleaned(table.sample(fraction=1, shuffle=True, seed=seed)) for seed in range(10)]

    assert sorted(outcomes[0].kept.select("text", "references").rows()) == [
        ("Damn it!", ["Bad.", "Not good!", "Not good."]),
        ("Well.", []),
    ]
    for outcome in outcomes[1:]:
        assert_frame_equal(outcome.kept, outcomes[0].kept)


def test_ids_of_the_source_may_be_null_or_stand_twice() -> None:
    outcome = cleaned(raw("Damn it.", "Fine.", "Well, well.", ids=["a", "a", None]))

    assert sorted(outcome.kept.select("text", "source_id").rows()) == [
        ("Damn it.", "a"),
        ("Fine.", "a"),
        ("Well, well.", None),
    ]


@pytest.mark.parametrize("faulty", ["damn\x1fit", "damn" + " " * 6_000 + "it"])
def test_a_faulty_text_takes_no_sound_one_of_the_same_id_with_it(faulty: str) -> None:
    table = raw(faulty, "damn it")
    assert table["text_id"].n_unique() == 1

    outcome = cleaned(table)

    assert outcome.kept["text"].to_list() == ["damn it"]
    assert outcome.dropped["text"].to_list() == [faulty]


def test_the_result_does_not_depend_on_the_order_of_the_rows() -> None:
    demo = read("package:demo").head(60)
    faults = raw("", "你好", ("Damn it!", "Why?"), ("damn it!", "why?"), ("Damn it!", "WHY?"), ("damn IT!", "why?"))
    table = pl.concat([demo, faults, demo.head(20)])

    outcomes = [cleaned(table.sample(fraction=1, shuffle=True, seed=seed)) for seed in range(10)]

    for outcome in outcomes[1:]:
        assert_frame_equal(outcome.kept, outcomes[0].kept)
        assert_frame_equal(outcome.dropped, outcomes[0].dropped)


def test_an_empty_table_and_one_of_faults_alone() -> None:
    assert cleaned(raw()).kept.schema == TEXTS
    assert cleaned(raw("", "🙂")).kept.schema == TEXTS
    assert cleaned(raw("fine")).dropped.schema == DROPPED


def test_a_missing_header_is_told_without_the_text_that_stands_there(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("you are an idiot and everyone knows it,1\nso are you,2\n", encoding="utf-8")

    with pytest.raises(SourceError, match=r"2 columns, unnamed \(is the header line missing\?\)") as told:
        read_source(str(file), SourceSettings())

    assert "idiot" not in str(told.value)


def test_the_sha256_of_a_folder_tells_of_a_file_that_has_another_name(tmp_path: Path) -> None:
    for file in ("a.csv", "b.csv"):
        (tmp_path / file).write_text(f"text\n{file}\n")
    both = source_sha256(str(tmp_path))

    (tmp_path / "b.csv").rename(tmp_path / "b.csv.off")
    assert source_sha256(str(tmp_path)) != both
    (tmp_path / "b.csv.off").rename(tmp_path / "b.csv")
    assert source_sha256(str(tmp_path)) == both
