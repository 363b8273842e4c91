"""References: which of them can be positives, every other fate with its name, and no text lost for one."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pairgen.corpus import RAW, SourceSettings, clean
from pairgen.references import clean_references, count_references, judge_references
from pairgen.schema import DROPPED, TEXTS, Outcome, check, check_sums, empty
from pairgen.splits import SplitSettings, find_leaks
from tests.pairgen.samples import texts

TEXT = "Only an idiot parks his car in front of the school."
WRITTEN = "Only an unwise person parks a car in front of the school."


def written(*references: list[str], rows: tuple[str, ...] = (TEXT,), split: str | list[str] = "train") -> pl.DataFrame:
    """The texts `rows`, each with its references."""
    return texts(*rows, split=split).with_columns(references=pl.Series(references, dtype=pl.List(pl.String)))


def cleaned(table: pl.DataFrame) -> Outcome:
    leaks = find_leaks([table], max_similarity=0.8)
    outcome = clean_references(table, settings=SourceSettings(), leaks=leaks)
    check(outcome.kept, TEXTS, stage="references")
    check(outcome.dropped, DROPPED, stage="references")
    assert_frame_equal(outcome.kept.drop("references"), table.drop("references"))
    kept, dropped = count_references(outcome.kept), outcome.dropped.height
    check_sums("references", entered=count_references(table), kept=kept, dropped=dropped)
    return outcome


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("", "empty"),
        ("It\x00 is closed.", "control_characters"),
        ("closed " * 1_430, "too_long"),
        ("...", "no_letters"),
        ("Il ne faut jamais garer sa voiture devant la porte de la grande école.", "other_language"),
        ("only an  IDIOT parks his car in front of the school.", "copy"),
        (WRITTEN.upper(), "duplicate"),
    ],
)
def test_a_reference_that_can_be_no_positive_is_dropped_with_its_reason(reference: str, reason: str) -> None:
    table = written([WRITTEN, reference])

    outcome = cleaned(table)

    assert outcome.kept["references"].to_list() == [[WRITTEN]]
    columns = ("stage", "drop_reason", "score", "unit", "text", "parent", "positive_kind", "source", "split")
    assert outcome.dropped.select(columns).rows() == [
        ("references", reason, None, "reference", reference, TEXT, "human", "street", "train")
    ]


def test_their_order_stays_and_so_does_a_text_without_any() -> None:
    table = written(["Second.", "First."], [], [""], rows=("One damn text.", "Two damn texts.", "Three damn texts."))

    assert cleaned(table).kept["references"].to_list() == [["Second.", "First."], [], []]


def test_one_reference_of_several_texts_stays_with_each() -> None:
    table = written([WRITTEN], [WRITTEN], rows=(TEXT, "Another damn fool parks there."))

    assert cleaned(table).kept["references"].to_list() == [[WRITTEN], [WRITTEN]]


def test_a_faulty_reference_takes_no_sound_one_with_it() -> None:
    table = written(["The shop" + " " * 6_000 + "is closed.", "The shop is closed."])

    outcome = cleaned(table)

    assert outcome.kept["references"].to_list() == [["The shop is closed."]]
    assert outcome.dropped["drop_reason"].to_list() == ["too_long"]


def test_what_nearly_stands_in_an_earlier_split_is_dropped_from_the_later() -> None:
    rows = ("He is a damn fool.", TEXT, WRITTEN.replace("his", "her") + " Really!")
    table = written(["He is unwise about it.", WRITTEN], [WRITTEN + "!", "Be kind."], [], rows=rows)
    table = table.with_columns(split=pl.Series(["test", "train", "test"]))

    outcome = cleaned(table)

    assert outcome.kept["references"].to_list() == [["He is unwise about it.", WRITTEN], ["Be kind."], []]
    assert outcome.dropped.select("drop_reason", "id", "split").rows() == [
        ("near_duplicate_in_other_split", outcome.dropped["id"][0], "train")
    ]
    assert outcome.dropped["score"][0] > 0.8
    swapped = cleaned(table.with_columns(split=pl.Series(["train", "test", "train"])))
    assert swapped.kept["references"].to_list() == [["He is unwise about it."], [WRITTEN + "!", "Be kind."], []]


def test_no_texts() -> None:
    outcome = cleaned(empty(TEXTS))

    assert outcome.kept.height == outcome.dropped.height == count_references(outcome.kept) == 0


def test_references_of_texts_that_an_earlier_stage_dropped_are_counted_too() -> None:
    leaked = "The damn bus was late."
    rows = {  # a text, its references
        TEXT: [WRITTEN, TEXT],
        TEXT.lower(): ["Park elsewhere."],  # a duplicate
        TEXT + " " * 9_000: ["One.", "Two."],  # too long, with the id of a sound one
        "...": ["Three.", ""],  # no letters
        leaked: ["The bus was late."],
    }
    identity = {**dict.fromkeys(RAW, ""), "references": list(rows.values())}
    raw = pl.DataFrame({**identity, "text": list(rows), "text_id": ["a", "a", "a", "b", "c"]}, schema=RAW)
    read = clean(raw, settings=SourceSettings(), split=SplitSettings())
    left = read.kept.filter(pl.col("text") != leaked)
    leaks = find_leaks([left], max_similarity=0.8)

    outcome = judge_references(raw, read.dropped, left, settings=SourceSettings(), leaks=leaks)

    counts = [count_references(table) for table in (raw, outcome.kept)]
    check(outcome.dropped, DROPPED, stage="references")
    check_sums("references", entered=counts[0], kept=counts[1], dropped=outcome.dropped.height)
    assert [sorted(each) for each in outcome.kept["references"]] == [[WRITTEN, "Park elsewhere."]]
    reasons = outcome.dropped.select(pl.col("parent").str.strip_chars(), "text", "drop_reason", "unit").rows()
    assert sorted(reasons) == sorted(
        [
            *((parent, text, "of_a_dropped_text", "reference") for parent, text in (("...", "Three."), ("...", ""))),
            *((TEXT, text, "of_a_dropped_text", "reference") for text in ("One.", "Two.")),
            (leaked, "The bus was late.", "of_a_dropped_text", "reference"),
            (TEXT, TEXT, "copy", "reference"),
        ]
    )


def test_nothing_was_read() -> None:
    unread, leaks = empty(DROPPED), find_leaks([empty(TEXTS)], max_similarity=0.8)

    outcome = judge_references(empty(RAW), unread, empty(TEXTS), settings=SourceSettings(), leaks=leaks)

    assert outcome.kept.height == outcome.dropped.height == 0
