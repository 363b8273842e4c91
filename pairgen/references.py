"""References: what people wrote in place of a toxic text, which become its positives of the kind `human`."""

import polars as pl

from pairgen.corpus import SourceSettings, text_faults
from pairgen.digests import digest, normalise
from pairgen.schema import DROPPED, Outcome, drop, stack


def judge_references(
    raw: pl.DataFrame, unread: pl.DataFrame, texts: pl.DataFrame, *, settings: SourceSettings, leaks: pl.DataFrame
) -> Outcome:
    """`clean_references` of the `texts` that are left of `raw`; what others had is dropped as "of_a_dropped_text".

    `unread` is what was dropped when `raw` was read. What a duplicate in it had is with the text that stayed; what a
    faulty text had is not, though it may have the id of a sound one.
    """
    faulty = unread.filter(pl.col("drop_reason") != "duplicate").select("text", text_id="id")
    gone = raw.join(texts, on="text_id", how="anti")
    beside = raw.join(texts, on="text_id", how="semi").join(faulty, on=["text_id", "text"], how="semi")
    lost = [drop_references(rows, reason="of_a_dropped_text") for rows in (gone, beside)]
    outcome = clean_references(texts, settings=settings, leaks=leaks)
    return Outcome(outcome.kept, stack([*lost, outcome.dropped], DROPPED))


def drop_references(texts: pl.DataFrame, *, reason: str) -> pl.DataFrame:
    """Every reference of `texts` as a row of `DROPPED`."""
    return drop(_apart(texts), stage="references", reason=reason, unit="reference")


def clean_references(texts: pl.DataFrame, *, settings: SourceSettings, leaks: pl.DataFrame) -> Outcome:
    """`texts` with the references that can be positives, in their order; the others are dropped, never a text.

    Dropped is one with a fault (`text_faults`), a "copy" of the text or a "duplicate" of one before it, and what
    `find_leaks` found, as "near_duplicate_in_other_split". A dropped row is a reference: its text is `text`, the one
    that it was written for `parent`.
    """
    each = _apart(texts)
    plain = [(normalise(text), normalise(parent)) for text, parent in each.select("text", "parent").iter_rows()]
    columns = ("plain", "plain_parent")
    each = each.hstack(pl.DataFrame(plain, schema=dict.fromkeys(columns, pl.String), orient="row"))
    each = each.with_columns(fault=text_faults(each["text"], settings))
    each = each.join(leaks, on=["text_id", "text"], how="left", maintain_order="left")
    # Only a sound reference has duplicates: a faulty one may differ in no more than white space.
    again = ~pl.struct("text_id", "plain", pl.col("fault").is_null()).is_first_distinct()
    reason = (
        pl.when(pl.col("fault").is_not_null()).then("fault")
        .when(pl.col("plain") == pl.col("plain_parent")).then(pl.lit("copy"))
        .when(again).then(pl.lit("duplicate"))
        .when(pl.col("score_similarity").is_not_null()).then(pl.lit("near_duplicate_in_other_split"))
    )  # fmt: skip
    judged = each.with_columns(reason=reason)
    kept = judged.filter(pl.col("reason").is_null()).group_by("text_id").agg(references="text")
    failed = judged.filter(pl.col("reason").is_not_null())
    leaked = pl.when(pl.col("reason") == "near_duplicate_in_other_split").then("score_similarity")
    dropped = drop(failed, stage="references", reason=pl.col("reason"), unit="reference", score=leaked)
    left = texts.drop("references").join(kept, on="text_id", how="left", maintain_order="left")
    return Outcome(left.with_columns(pl.col("references").fill_null([])), dropped.drop("score_similarity"))


def count_references(texts: pl.DataFrame) -> int:
    """How many references the `texts` have."""
    return int(texts["references"].list.len().sum())


def _apart(texts: pl.DataFrame) -> pl.DataFrame:
    """A row a reference, which is `text`; what it was written for is `parent`."""
    each = texts.explode("references").with_columns(parent="text", text="references", positive_kind=pl.lit("human"))
    ids = [digest(text_id, text) for text_id, text in each.select("text_id", "text").iter_rows()]
    return each.drop("references").with_columns(reference_id=pl.Series(ids, dtype=pl.String))
