"""A source at a URL: in fsspec's memory, and on a real S3-compatible server on loopback."""

import io
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import BinaryIO

import polars as pl
import pytest

from pairgen.corpus import SourceSettings, check_source, read_in_batches, read_source, source_sha256
from pairgen.errors import SourceError
from pairgen.places import Remote
from tests.s3_server import BUCKET, serve_s3

ROOT = Path(__file__).parents[2]
CSV = b"id,text\n1,You fool.\n2,The bus was late again.\n"


@pytest.fixture(scope="module")
def s3() -> Iterator[None]:
    with serve_s3() as environment, pytest.MonkeyPatch.context() as patch:
        for name, setting in environment.items():
            patch.setenv(name, setting)
        yield


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.slow)])
def folder(request: pytest.FixtureRequest) -> Remote:
    if request.param == "s3":
        request.getfixturevalue("s3")
    return Remote(f"{request.param}://{BUCKET}/{secrets.token_hex(4)}")


def test_it_is_read_as_a_file_here_is(folder: Remote, tmp_path: Path) -> None:
    here, table = tmp_path / "comments.csv", pl.read_csv(CSV)
    here.write_bytes(CSV)
    table.write_parquet(tmp_path / "comments.parquet")
    for name in ("comments.csv", "comments.parquet"):
        (folder / name).write((tmp_path / name).read_bytes())

        rows, facts = read_source(str(folder / name), SourceSettings())
        expected, facts_here = read_source(str(tmp_path / name), SourceSettings())

        assert rows.equals(expected)
        assert asdict(facts) == {**asdict(facts_here), "path": f"{folder}/{name}"}
    assert read_source(f"file://{here}", SourceSettings())[0].equals(expected)


def test_it_is_copied_once_and_again_when_it_changed(folder: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    copy_to = Remote.copy_to

    def counted(remote: Remote, file: Path) -> None:
        copied.append(remote.name)
        copy_to(remote, file)

    monkeypatch.setattr(Remote, "copy_to", counted)
    place = folder / "comments.csv"
    place.write(CSV)

    check_source(str(place))
    first = source_sha256(str(place))
    facts = read_in_batches(str(place), SourceSettings(), lambda _: None)
    assert (facts.rows, facts.sha256, copied) == (2, first, ["comments.csv"])

    place.write(CSV.replace(b"fool", b"mule"))
    assert source_sha256(str(place)) != first
    assert copied == ["comments.csv"] * 2


def test_what_changes_while_it_is_read_has_another_digest_then(folder: Remote) -> None:
    place = folder / "comments.csv"
    place.write(CSV)
    before = source_sha256(str(place))

    facts = read_in_batches(str(place), SourceSettings(), lambda _: place.write(CSV + b"3,Another.\n"))

    assert (facts.rows, facts.sha256 == before) == (2, False)


def test_what_changes_while_it_is_copied_is_one_line(folder: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    place, copy_to = folder / "comments.csv", Remote.copy_to
    place.write(CSV)

    def changed(remote: Remote, file: Path) -> None:
        copy_to(remote, file)
        place.write(CSV + b"3,Another.\n")

    monkeypatch.setattr(Remote, "copy_to", changed)
    with pytest.raises(SourceError, match=rf"^{place}: changed while it was copied; build again when nobody writes"):
        check_source(str(place))
    monkeypatch.undo()
    assert read_source(str(place), SourceSettings())[1].rows == 3


def test_what_is_wrong_is_told_of_the_url(folder: Remote) -> None:
    (folder / "empty.csv").write(b"")
    (folder / "latin.csv").write("text\nCaf\xe9 idiots.\n".encode("latin-1"))
    (folder / "header.csv").write(b"text\n")
    (folder / "broken.jsonl").write(b'{"text": "Fine."}\n{"text"\n')
    for name, line in (
        ("absent.csv", "no such file there; is the address right?"),
        ("empty.csv", "is empty; a corpus of at least one text is expected"),
        ("latin.csv", "is not UTF-8 (byte 8); convert it: iconv -f WINDOWS-1252 -t UTF-8 latin.csv > utf8.csv"),
        ("header.csv", "holds no rows; a corpus of at least one text is expected"),
        ("broken.jsonl", "line 2 is no JSON (Expecting ':' delimiter); a JSON object a line is expected"),
        ("comments.xlsx", ".xlsx is no known format; there are: .csv, .tsv, .jsonl, .ndjson, .parquet, .txt"),
        ("", "no suffix is no known format; there are: .csv, .tsv, .jsonl, .ndjson, .parquet, .txt"),
    ):
        with pytest.raises(SourceError) as caught:
            read_source(str(folder / name), SourceSettings())
        assert str(caught.value) == f"{folder}/{name}: {line}"


def test_what_is_gone_by_the_next_look_is_one_line(folder: Remote) -> None:
    place = folder / "comments.csv"
    place.write(CSV)
    check_source(str(place))
    place.unlink()

    with pytest.raises(SourceError, match=rf"^{place}: no such file there; is the address right\?$"):
        source_sha256(str(place))


@pytest.mark.slow
def test_no_such_bucket(s3: None) -> None:
    with pytest.raises(SourceError, match=r"^s3://absent/x.csv: (no such file there|there is no such bucket); [^\n]*$"):
        check_source("s3://absent/x.csv")


def test_a_folder_is_no_file(folder: Remote) -> None:
    (folder / "comments.csv" / "inside.txt").write(b"Hello.\n")

    with pytest.raises(SourceError, match=r": no such file there; is the address right\?$"):
        check_source(str(folder / "comments.csv"))


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("nonsense://x/y.csv", "unknown protocol; give a file, s3://BUCKET/FILE or another URL that fsspec knows"),
        ("gs://x/y.csv", "Please install gcsfs"),
        ("ftp://127.0.0.1:9/y.csv", "cannot be reached ([Errno 111] Connection refused); is the address right?"),
    ],
)
def test_a_protocol_that_cannot_be_had_is_one_line(url: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)

    with pytest.raises(SourceError) as caught:
        check_source(url)

    assert str(caught.value).startswith(f"{url}: ")
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://host/x.csv?sig=hush",
        "ftp://me:hush@host/x.csv",
        "ftp://me:hu?sh@hush@host/x.csv",
        "HTTPS://hush@host/x.csv",
    ],
)
def test_an_address_with_a_secret_is_refused_and_not_said(url: str) -> None:
    with pytest.raises(
        SourceError, match=r"x\.csv: given with a query or a password, which would be published"
    ) as told:
        check_source(url)

    assert str(told.value).startswith((f"{url.partition(':')[0]}://host/x.csv: ",))
    assert "hush" not in str(told.value)


def test_a_container_is_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "adlfs", None)

    with pytest.raises(SourceError, match=r"^abfs://comments@account/x\.csv: .*adlfs"):
        check_source("abfs://comments@account/x.csv")


def test_a_name_may_hold_what_a_secret_would_follow() -> None:
    place = Remote(f"memory://{BUCKET}/comments@2024?.csv")
    place.write(CSV)

    assert read_source(str(place), SourceSettings())[1].rows == 2
    assert read_source(str(place).replace("memory", "MEMORY"), SourceSettings())[1].rows == 2


def test_a_bucket_is_missed_by_what_the_server_says_and_not_by_its_name() -> None:
    with pytest.raises(SourceError, match=r"^memory://my-bucket/absent.csv: no such file there"):
        check_source("memory://my-bucket/absent.csv")


def test_a_full_disk_here_is_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Remote(f"memory://{BUCKET}/{secrets.token_hex(4)}.csv")
    place.write(CSV)
    monkeypatch.setattr(Remote, "copy_to", lambda _, __: Path("/dev/full").write_bytes(CSV))

    with pytest.raises(SourceError, match=rf"takes no copy of {place} \(No space left on device\); make room"):
        check_source(str(place))


class Closed(SimpleHTTPRequestHandler):
    """Serves its folder, but for one file."""

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        if not self.path.endswith("/closed.csv"):
            return super().send_head()
        self.send_error(403)
        return None


def test_over_http(tmp_path: Path) -> None:
    (tmp_path / "comments.csv").write_bytes(CSV)
    handler = partial(Closed, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        try:
            rows, facts = read_source(f"{address}/comments.csv", SourceSettings())
            with pytest.raises(SourceError, match=rf"^{address}/absent.csv: no such file there"):
                check_source(f"{address}/absent.csv")
            with pytest.raises(
                SourceError, match=r"/closed.csv: cannot be reached \(403[^\n]*\); is the address right"
            ):
                check_source(f"{address}/closed.csv")
        finally:
            server.shutdown()

    assert rows["text"].to_list() == ["You fool.", "The bus was late again."]
    assert facts.name == "comments"
    with pytest.raises(
        SourceError, match=rf"^{address}/comments.csv: cannot be reached \([^\n]*\); is the address right"
    ):
        check_source(f"{address}/comments.csv")


@pytest.mark.slow
@pytest.mark.parametrize("package", ["s3fs", None])
def test_no_package_or_no_server_is_one_line(package: str | None) -> None:
    ask = f"""
import sys
if {package!r}: sys.modules[{package!r}] = None
from pairgen.corpus import check_source
from pairgen.errors import SourceError
try: check_source("s3://bucket/x.csv")
except SourceError as error: sys.exit(str(error))
"""
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    given = {**os.environ, **keys, "AWS_MAX_ATTEMPTS": "1"}

    done = subprocess.run([sys.executable, "-c", ask], env=given, capture_output=True, text=True, cwd=ROOT, check=False)

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("s3://bucket/x.csv: ")
    assert ("pip install 'contrast-pairs[s3]'" if package else "cannot be reached") in done.stderr
