"""The version as Croissant metadata (croissant.json): files with their sha256, record sets, and responsible-AI fields.

Format 1.0: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html; the `rai:` fields are those of
https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html.
"""

from typing import Any

import polars as pl

from data_cards.wording import ABOUT, TAGS, USES, generates_toxic, held_against, licences, limits, rewriters, visible
from pairgen.draft import Draft

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{
        name: f"cr:{name}"
        for name in (
            *("citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet"),
            *("format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet"),
            *("references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField"),
            "transform",
        )
    },
}
_TYPES: dict[type[pl.DataType], str] = {pl.String: "sc:Text", pl.Int64: "sc:Integer", pl.Float64: "sc:Float"}
_TABLES = {
    "pairs": "A positive with a negative of the same context, and every score.",
    "members": "The positives and negatives of all sets, with the text that each was made from.",
    "dropped": "Every text and pair that was not kept, with stage, reason and the score that decided.",
}


_SAID = {  # of every version
    "rai:dataCollectionType": ["Secondary data analysis", "Software collection"],
    "rai:dataAnnotationProtocol": "No person labelled these texts: every score is a model's or a rule's.",
    "rai:dataUseCases": list(USES),
    "rai:personalSensitiveInformation": "Texts may name people, and their identities. Nothing was anonymised.",
    "rai:dataReleaseMaintenancePlan": "A version never changes; it can be withdrawn, and a later one replaces it.",
}


def croissant(draft: Draft, stats: dict[str, Any]) -> dict[str, Any]:
    """The metadata of `draft` as a JSON-LD object; a table without rows has no record set.

    `spans` of members, a list of structures, has no field.
    """
    tables = {table: getattr(draft.contents, table) for table in _TABLES if stats[table]["total"]}
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": draft.name,
        "version": f"{draft.number}.0.0",
        "datePublished": draft.created,
        "description": f"{stats['pairs']['total']:,} contrast pairs in {stats['sets']['total']:,} sets. {ABOUT}",
        "keywords": TAGS,
        "inLanguage": "en",
        "license": [visible(licence) for licence in licences(stats)],
        "url": "README.md",
        "citeAs": f"{draft.reference}, digest {draft.digest}, made by contrast-pairs {draft.code}",
        "identifier": draft.digest,
        "isLiveDataset": False,
        **_SAID,
        **_responsible(draft, stats),
        "distribution": [_file(*each) for each in draft.files.items()] + [_file_set(table) for table in tables],
        "recordSet": [_record_set(table, rows) for table, rows in tables.items()],
    }


def _responsible(draft: Draft, stats: dict[str, Any]) -> dict[str, Any]:
    """The RAI fields that tell of this version."""
    sources = [
        f"{each['name']}: {each['rows']:,} rows, {each.get('licence') or 'licence unknown'}, sha256 {each['sha256']}"
        for each in stats["sources"]
    ]
    lost = [f"{row['stage']} {row['drop_reason']} {row['count']:,}" for row in stats["dropped"]["by_reason"]]
    told = [f"{row['negative_kind']} {row['form_in_pairs']}" for row in stats["shortcuts"] if row["form"] is not None]
    identity = next(row for row in stats["identity"] if row["group"] == "any")
    said, writers = generates_toxic(draft), rewriters(draft)
    return {
        "rai:dataCollectionRawData": (
            "Toxic texts stand as they were found, as negatives of kind toxic"
            + (", beside others of that kind that a language model made" if said else "")
            + "; clean texts as positives of kind original."
        ),
        "rai:dataManipulationProtocol": (
            "Toxic texts are rewritten with the smallest edit that keeps their meaning"
            + (f", some by models ({', '.join(writers)}) that may change more" if writers else "")
            + "; unfaithful negatives are made by one declared change of a positive. "
            "The kind of each stands in the tables."
        ),
        "rai:dataSocialImpact": (
            f"Half of every toxic pair is abuse that a person{' or a language model' if said else ''} wrote: who reads "
            "it should know before, and who trains on the wrong side of it makes a model worse."
        ),
        "rai:dataCollection": visible(f"Texts of other people's collections: {'; '.join(sources)}."),
        "rai:dataPreprocessingProtocol": [
            "Faulty rows are dropped with a reason; splits are given by the digest of text and context before anything "
            "is made of a text. Every score stands in the tables, every threshold in recipe.toml.",
            visible(f"Dropped, by stage and reason: {', '.join(lost) or 'nothing'}."),
            visible(f"Held against: {'; '.join(' '.join(each) for each in held_against(draft)) or 'nothing'}."),
        ],
        "rai:machineAnnotationTools": [
            visible(f"{role}: {fingerprint}") for role, fingerprint in draft.contents.fingerprints.items()
        ],
        "rai:dataBiases": [
            "The texts were selected by the scorer, which is biased towards the words that it knows.",
            f"Words of an identity stand in {identity['positive']:,} positives and {identity['negative']:,} negatives.",
            f"How often form alone tells the positive of a pair, by negative: {', '.join(told) or 'not known'}.",
        ],
        "rai:dataLimitations": limits(draft),
    }


def _file(name: str, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{facts['size']} B",
        "encodingFormat": "application/x-parquet",
        "sha256": facts["sha256"],
    }


def _file_set(table: str) -> dict[str, Any]:
    """The files of `table`; `containedIn` would name an archive, and beside this file there is none."""
    return {
        "@type": "cr:FileSet",
        "@id": f"{table}-files",
        "name": f"{table}-files",
        "encodingFormat": "application/x-parquet",
        "includes": f"{table}/*.parquet",
    }


def _record_set(table: str, rows: pl.LazyFrame) -> dict[str, Any]:
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{table}/{name}",
            "name": name,
            "dataType": _TYPES[type(dtype)],
            "source": {"fileSet": {"@id": f"{table}-files"}, "extract": {"column": name}},
        }
        for name, dtype in rows.collect_schema().items()
        if type(dtype) in _TYPES
    ]
    return {"@type": "cr:RecordSet", "@id": table, "name": table, "description": _TABLES[table], "field": fields}
