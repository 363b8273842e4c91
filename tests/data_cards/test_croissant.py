"""croissant.json: mlcroissant finds no fault with it and reads every table by it; its sha256 are the files'."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from data_cards.card import documents
from pairgen.draft import Contents
from pairgen.store import Store, Version
from pairgen.version import file_sha256
from tests.contents import contents
from tests.data_cards.test_card import hostile

READ = """
import json, sys, mlcroissant
found = mlcroissant.Dataset(sys.argv[1])
tables = [each.id for each in found.metadata.record_sets]
read = {each: [str(row[f"{each}/split"]) for row in found.records(each)] for each in tables}
json.dump({"read": read, "said": found.metadata.ctx.issues.report()}, sys.stdout)
"""


def published(root: Path, built: Contents) -> Version:
    return Store(root).publish("demo", built, documents=documents)[0]


def validate(path: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("mlcroissant")), "validate", "--jsonld", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("built", [contents(), hostile()], ids=["mild", "hostile"])
def test_mlcroissant_validates_it_and_reads_every_row_by_it(tmp_path: Path, built: Contents) -> None:
    version = published(tmp_path, built)
    path = version.path / "croissant.json"

    done = validate(path)
    read = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=False)

    assert (done.returncode, "WARNING" in done.stderr, "Done" in done.stderr) == (0, False, True)
    found = json.loads(read.stdout)
    assert found["said"].strip() == ""
    assert {table: len(rows) for table, rows in found["read"].items()} == {"pairs": 40, "members": 64, "dropped": 10}
    assert sorted(found["read"]["pairs"]) == [repr(split.encode()) for split in version.pairs()["split"].sort()]


def test_a_wrong_field_is_found(tmp_path: Path) -> None:
    path = published(tmp_path, contents()).path / "croissant.json"
    told = json.loads(path.read_text())
    told["recordSet"][0]["field"][0]["source"]["fileSet"]["@id"] = "nowhere"
    (tmp_path / "wrong.json").write_text(json.dumps(told))

    assert validate(tmp_path / "wrong.json").returncode == 1


def test_files_are_those_of_the_tables_by_their_sha256(tmp_path: Path) -> None:
    version = published(tmp_path, contents())
    told = json.loads((version.path / "croissant.json").read_text())

    files = {each["@id"]: each for each in told["distribution"] if each["@type"] == "cr:FileObject"}

    tables = {name for name in version.manifest["files"] if name.endswith(".parquet")}
    assert set(files) == tables
    for name in tables:
        assert files[name]["sha256"] == file_sha256(version.path / name)
        assert files[name]["contentSize"] == f"{(version.path / name).stat().st_size} B"


def test_it_says_what_a_responsible_reader_asks(tmp_path: Path) -> None:
    built = replace(contents(), source=[{**contents().source[0], "licence": None}])
    told = json.loads((published(tmp_path, built).path / "croissant.json").read_text())

    asked = ("Collection", "PreprocessingProtocol", "AnnotationProtocol", "Biases", "Limitations", "UseCases")
    assert all(told[f"rai:data{name}"] for name in asked)
    assert told["rai:personalSensitiveInformation"]
    assert told["rai:dataSocialImpact"]
    assert any("implicit hate" in limit for limit in told["rai:dataLimitations"])
    assert told["rai:machineAnnotationTools"][0].startswith("toxicity: package:profanity_check")
    assert (told["license"], told["version"], told["name"]) == (["unknown"], "1.0.0", "demo")


def test_what_models_made_is_said_and_only_then(tmp_path: Path) -> None:
    recipe = '[publish]\nname = "demo"\n[rewrite]\ngenerated = 4\n[negatives]\nkinds = ["swap_num", "toxic"]\n'
    models = {**contents().fingerprints, "filler": "x", "translator": "y"}
    made = replace(contents(), recipe=recipe, fingerprints=models)
    plain, told = (
        json.loads((published(tmp_path / name, built).path / "croissant.json").read_text())
        for name, built in (("plain", contents()), ("made", made))
    )

    for sentence in ("abuse that a person wrote", "edit that keeps their meaning;", "of kind toxic;"):
        assert sentence in json.dumps(plain)
        assert sentence not in json.dumps(told)
    assert any("without a large language model" in limit for limit in plain["rai:dataLimitations"])
    assert not any("without a large language model" in limit for limit in told["rai:dataLimitations"])
    assert any("(language, filler, translator)" in limit for limit in told["rai:dataLimitations"])
    assert "a person or a language model wrote" in told["rai:dataSocialImpact"]
    assert "that a language model made" in told["rai:dataCollectionRawData"]


def test_a_table_without_rows_has_no_record_set(tmp_path: Path) -> None:
    built = contents()
    funnel = built.funnel.with_columns(entered="kept", dropped=pl.lit(0, dtype=pl.Int64))

    version = published(tmp_path, replace(built, dropped=built.dropped.clear(), funnel=funnel))

    told = json.loads((version.path / "croissant.json").read_text())
    assert [each["@id"] for each in told["recordSet"]] == ["pairs", "members"]
    assert validate(version.path / "croissant.json").returncode == 0
