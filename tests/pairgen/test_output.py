"""A table where a user asked for it, in every format, whole or not at all."""

import json
import os
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pairgen.errors import OutputError
from pairgen.output import check_cells, check_output, write_table

TABLE = pl.DataFrame(
    {
        "id": ["007", None, "", "d", "e"],
        "text": [" damn  it\u2028", None, "", 'a "quote", a comma', "🙂 é"],
        "spans": [[{"start": 1, "end": 5}], [], None, None, [{"start": 0, "end": 1}, {"start": 2, "end": 3}]],
        "score": [0.1, None, 1.0, 2e-17, 0.30000000000000004],
    }
)
NESTED = ['[{"start": 1, "end": 5}]', "[]", None, None, '[{"start": 0, "end": 1}, {"start": 2, "end": 3}]']
ODD = pl.DataFrame({"text": ["line one\nline two\r\n\ttabbed", "a\rb", "nul \0 it", '"', "\\n", ""]})


@pytest.mark.parametrize("name", ["out.jsonl", "out.ndjson", "out.parquet", "out.PARQUET"])
def test_what_is_nested_stays_so(name: str, tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / name)

    read = pl.read_ndjson if "json" in name else pl.read_parquet
    assert read(tmp_path / name).rows() == TABLE.rows()
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_csv_and_tsv_hold_json_where_a_cell_is_nested(tmp_path: Path) -> None:
    for name in ("out.csv", "out.tsv"):
        write_table(TABLE, tmp_path / name)
    csv = pl.read_csv(tmp_path / "out.csv", infer_schema=False)
    tsv = pl.read_csv(tmp_path / "out.tsv", infer_schema=False, separator="\t", quote_char=None)

    assert csv.select("id", "text").rows() == TABLE.select("id", "text").rows()
    assert tsv.fill_null("").select("id", "text").rows() == TABLE.fill_null("").select("id", "text").rows()
    for read in (csv, tsv):
        assert read["spans"].to_list() == NESTED
        assert json.loads(read["spans"][0]) == TABLE["spans"][0].to_list()
        assert read["score"].cast(pl.Float64).to_list() == TABLE["score"].to_list()


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_any_text_comes_back_as_it_was(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    write_table(ODD, file)

    read = {"csv": lambda: pl.read_csv(file, infer_schema=False), "jsonl": lambda: pl.read_ndjson(file)}
    assert read.get(name[4:], lambda: pl.read_parquet(file))().rows() == ODD.rows()


def test_tsv_refuses_what_it_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(
        OutputError, match=r"out.tsv: text of row 1 holds a tab or a line break, which tsv cannot; name"
    ):
        check_cells(tmp_path / "out.tsv", ODD)
    check_cells(tmp_path / "out.tsv", TABLE)
    check_cells(tmp_path / "out.csv", ODD)


@pytest.mark.parametrize("cells", [[b"a"], [{"inner": [b"a"]}]])
def test_bytes_need_parquet(cells: list[object]) -> None:
    table = pl.DataFrame({"id": [1], "blob": cells})

    check_cells(Path("out.parquet"), table)
    for name in ("out.csv", "out.tsv", "out.jsonl"):
        with pytest.raises(
            OutputError, match=rf"^{name}: blob holds .*Binary.*, which \w+ cannot; name a .parquet file$"
        ):
            check_cells(Path(name), table)


def test_a_date_in_a_nested_cell_is_written_out(tmp_path: Path) -> None:
    write_table(pl.DataFrame({"meta": [{"day": date(2020, 2, 1)}]}), tmp_path / "out.csv")

    assert pl.read_csv(tmp_path / "out.csv")["meta"].to_list() == ['{"day": "2020-02-01"}']


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    out, link = tmp_path / "out.csv", tmp_path / "link.csv"
    out.write_text("before")
    link.symlink_to(out)

    write_table(TABLE.select("id"), link)
    assert link.is_symlink()
    assert out.read_text().startswith("id\n007\n")

    unwritable = pl.DataFrame({"object": [object()]})
    with pytest.raises(pl.exceptions.PolarsError):
        write_table(unwritable, out)
    assert out.read_text().startswith("id\n007\n")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["link.csv", "out.csv"]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("out.txt", r"\.txt is no format that holds a table; name a \.csv, \.tsv, \.jsonl, \.ndjson or \.parquet file"),
        ("out.xlsx", r"\.xlsx is no format"),
        ("out", "no suffix is no format"),
        ("folder.csv", r"is a folder; name a \.csv"),
        ("no/where/out.csv", "there is no folder .*/no/where; make it first: mkdir -p .*/no/where"),
        ("in.csv/out.csv", "there is no folder"),
        ("in.csv", "is the file that is read; name another one"),
        ("same.csv", "is the file that is read; name another one"),
        ("x" * 300 + ".csv", r"cannot be written \(File name too long\)"),
    ],
)
def test_a_place_where_no_table_can_be(name: str, fault: str, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("text\ndamn\n")
    (tmp_path / "same.csv").symlink_to(source)
    (tmp_path / "folder.csv").mkdir()
    before = sorted(tmp_path.iterdir())

    with pytest.raises(OutputError, match=f"{name}: {fault}") as told:
        check_output(tmp_path / name, source=str(source))

    assert "\n" not in str(told.value)
    assert sorted(tmp_path.iterdir()) == before
    check_output(tmp_path / "out.csv", source=str(source))
    assert sorted(tmp_path.iterdir()) == before


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder of somebody else, as seen by one who is not root."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        yield Path(folder)
        os.seteuid(user)


def test_a_folder_that_is_read_only(nobody: Path) -> None:
    with pytest.raises(OutputError, match=r"out.csv: cannot be written \(Permission denied\); name a file in another"):
        check_output(nobody / "out.csv", source="in.csv")
    with pytest.raises(OutputError, match=r"out.parquet: cannot be written "):
        write_table(TABLE, nobody / "out.parquet")
