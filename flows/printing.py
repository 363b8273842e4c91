"""What the command line prints: summaries, tables and paths, for people.

No text of a corpus is printed here, but for the one that a user gives to `rewrite`, which is masked.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pairgen.candidates import is_candidate
from pairgen.places import Place
from pairgen.store import Version
from pairgen.tags import tag_history, tags_of
from pairgen.withdrawn import withdrawal_of
from training.report import HEADER, before_after, measured_on, number, table

console = Console(highlight=False)


def summary(version: Version) -> dict[str, Any]:
    """What a machine needs of a version: reference, digest, path, tags, withdrawn or candidate and why, counts."""
    manifest = version.manifest
    return {
        "name": version.name,
        "version": version.number,
        "reference": version.reference,
        "digest": version.digest,
        "path": str(version.place),
        "tags": tags_of(version),
        "withdrawn": withdrawal_of(version),
        "candidate": list(version.candidate) if is_candidate(version) else None,
        "created": manifest["created"],
        "counts": manifest["counts"],
        "funnel": manifest["funnel"],
    }


def built(version: Version, *, new: bool) -> None:
    """The version's name and its funnel, with every reason."""
    said = "published" if new else "nothing changed; these pairs are"
    console.print(f"\n[bold]{said} {version.reference}[/bold]  digest {version.digest[:12]}\n")
    candidate(version)
    _funnel(version)


def shown(version: Version) -> None:
    """A version on a terminal: where it comes from, counts by kind and split, funnel, models."""
    manifest = version.manifest
    console.print(f"\n[bold]{version.reference}[/bold]  {manifest['created']}  code {manifest['code']}")
    console.print(f"digest {version.digest}\nparent {manifest['parent'] or 'none'}\ntags   {_tags(version)}")
    stone = withdrawal_of(version)
    if stone:
        console.print(Text(f"withdrawn on {stone['when'][:10]}: {stone['reason']}", style="red"), soft_wrap=True)
    console.print()
    candidate(version)
    for source in manifest["source"]:
        told = f"source {source['name']}: {source['rows']:,} rows, {source['licence']}, sha256 {source['sha256'][:12]}"
        console.print(Text(_harmless(told)), soft_wrap=True)
    kinds = grid("positive", "negative", "train", "validation", "test", "pairs")
    for row in version.stats()["pairs"]["by_kind"]:
        cells = [f"{row.get(split) or 0:,}" for split in ("train", "validation", "test")]
        kinds.add_row(row["positive_kind"], row["negative_kind"], *cells, f"{row['total']:,}")
    console.print("\n", kinds, "\n")
    _shortcuts(version)
    _funnel(version)
    console.print("\nmodels")
    for role, fingerprint in manifest["fingerprints"].items():
        console.print(Text(_harmless(f"  {role}: {fingerprint}")), soft_wrap=True)
    paths({"data card": version.place / "card.html"})


def candidate(version: Version) -> None:
    """Why a version is a candidate, and how it stops being one."""
    if is_candidate(version):
        for reason in version.candidate:
            console.print(Text(f"candidate: {_harmless(reason)}", style="red"), soft_wrap=True)
        cure = f"`{version.name}@latest` is not this version until someone tags it: contrast-pairs tag"
        console.print(f"{cure} {version.reference} accepted\n", soft_wrap=True)


def _harmless(told: str) -> str:
    """`told` without characters that act on a terminal; a source and its licence are named by other people."""
    from data_cards.wording import visible  # loads spaCy's tables, which listing versions need not wait for

    return visible(told)


def _shortcuts(version: Version) -> None:
    """How well form alone tells the sides of each kind of negative; a version of an earlier release does not say."""
    told = version.stats().get("shortcuts", [])
    if not told:
        return
    cues = grid("shortcut cues", "pairs", "form, in pairs", "form", "words", "")
    for row in told:
        keys = ("form_in_pairs", "form", "words")
        figures = ("too few", "", "") if row["form"] is None else (f"{row[key]:.3f}" for key in keys)
        cues.add_row(row["negative_kind"], f"{row['pairs']:,}", *figures, "look" if row["warns"] else "")
    console.print(cues, "\n")


def versions(found: Sequence[Version], store: str, name: str | None) -> None:
    """A line a version; `name` is that of the one data set that was asked for."""
    if not found:
        of = f" of {name}" if name else ""
        console.print(
            f"no versions{of} in {store}; `contrast-pairs build RECIPE` publishes one", soft_wrap=True, markup=False
        )
        return
    listed = grid("version", "published", "sets", "pairs", "digest", "tags", "why")
    for version in found:
        counts = version.stats()
        totals = f"{counts['sets']['total']:,}", f"{counts['pairs']['total']:,}"
        stone = withdrawal_of(version)
        waits = f"candidate: {_harmless('; '.join(version.candidate))}" if is_candidate(version) else ""
        told = (", ".join(tags_of(version)), Text(f"withdrawn: {stone['reason']}" if stone else waits))
        listed.add_row(version.reference, version.manifest["created"], *totals, version.digest[:12], *told)
    console.print(listed)


def verified(version: Version, problems: Sequence[str]) -> None:
    """One line if the version is sound, else a line a problem."""
    if not problems:
        console.print(
            f"{version.reference}: sound; {len(version.manifest['files'])} files, digest {version.digest}",
            soft_wrap=True,
        )
    for problem in problems:
        console.print(f"{version.reference}: {problem}", soft_wrap=True, markup=False)


def trained(version: Version, folder: Path) -> None:
    """Where the model is, and what it was trained from."""
    console.print(f"\ntrained from {version.reference} (manifest {version.manifest['manifest_digest'][:12]})")
    paths({"model": folder, "lineage": folder / "lineage.json"})


def compared(report: dict[str, Any]) -> None:
    """The base beside one other, a row a figure; beside several, a row a model, with the figures that matter most."""
    alone = len(report["models"]) == 2
    console.print("\n", _before_after(report) if alone else _side_by_side(report))
    interval = "the interval is of the difference" if alone else "* the interval of the difference leaves out 0"
    if not alone:
        console.print(
            "toxicity: expected maximum on challenging prompts, by the judge too, and on harmless ones, failures "
            "counted as toxic\nfaithful: preference on our texts; held out: on the test split of the version; "
            "choice: our questions answered right",
            soft_wrap=True,
        )
    console.print(
        f"{measured_on(report)}\n"
        f"{interval} (paired bootstrap); failures: empty or repetitive outputs, counted as toxic",
        soft_wrap=True,
    )


def _before_after(report: dict[str, Any]) -> Table:
    shown = grid(*HEADER)
    for row in before_after(report):
        shown.add_row(*row)
    return shown


def _side_by_side(report: dict[str, Any]) -> Table:
    figures = {row["figure"]: row for row in table(report) if row["figure"] in _COLUMNS}
    there = [figure for figure in _COLUMNS if figure in figures]
    shown = grid("model", *(_COLUMNS[figure] for figure in there))
    for name in report["models"]:
        cells = []
        for row in (figures[figure] for figure in there):
            low, high = row.get(f"{name} low"), row.get(f"{name} high")
            sure = low is not None and high is not None and not low <= 0 <= high
            cells.append(number(row[name]) + ("*" if sure else " "))
        shown.add_row(name, *cells)
    return shown


def rewritten(summary: dict[str, Any]) -> None:
    """How many texts were rewritten, stayed as they are, or have no rewrite and why."""
    counted = grid("texts", "rewritten", "unchanged", "abstained", "seconds", "why")
    counts = (f"{summary[column]:,}" for column in ("texts", "rewritten", "unchanged", "abstained"))
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in summary["abstain_reasons"].items())
    counted.add_row(*counts, f"{summary['seconds']:.1f}", reasons)
    console.print("\n", counted)
    paths({"rewrites": Path(summary["out"])})


def checked(summary: dict[str, Any]) -> None:
    """How many pairs were kept, and how many were not and why."""
    counted = grid("rows", "kept", "dropped", "seconds", "why")
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in summary["drop_reasons"].items())
    counts = (f"{summary[column]:,}" for column in ("rows", "kept", "dropped"))
    counted.add_row(*counts, f"{summary['seconds']:.1f}", reasons)
    console.print("\n", counted)
    paths({"checked": Path(summary["out"])})


def asked(answer: dict[str, Any]) -> None:
    """What moved thresholds would keep: in all, by reason and by kind."""
    console.print(f"\n[bold]{answer['reference']}[/bold]")
    for moved in answer["set"]:
        now, then = ("none" if moved[when] is None else moved[when] for when in ("now", "then"))
        console.print(f"  {moved['filter']}.{moved['key']} {then} instead of {now}", soft_wrap=True)
    total = answer["pairs"]
    pairs = grid("judged", "kept now", "kept then", "gained", "lost", "unknown")
    pairs.add_row(*(f"{total[key]:,}" for key in ("judged", *_MOVES)))
    reasons = grid("reason", "dropped now", "dropped then", "gained", "lost", "unknown")
    for row in answer["by_reason"]:
        counts = (row[key] for key in ("dropped_now", "dropped_then", "gained", "lost", "unknown"))
        reasons.add_row(row["reason"], *(f"{count:,}" for count in counts))
    kinds = grid("positive", "negative", "kept now", "kept then", "gained", "lost", "unknown")
    for row in answer["by_kind"]:
        kinds.add_row(row["positive_kind"], row["negative_kind"], *(f"{row[key]:,}" for key in _MOVES))
    for shown in (pairs, reasons, kinds):
        if shown.row_count:
            console.print()
            console.print(shown)
    if total["unknown"]:
        console.print(
            "unknown: dropped before every filter had scored them; a build with these thresholds would tell",
            soft_wrap=True,
        )


def rewrites(answers: Sequence[dict[str, Any]], *, reveal: bool) -> None:
    """A text before and after each of its rewrites with [-what went-] and {+what came+}, or why it has none."""
    from data_cards.wording import changed, segments  # loads spaCy's tables, which the other commands need not wait for

    first = answers[0]
    if first["rewrite"] is None:
        reason = first["abstain_reason"]
        console.print(f"no rewrite: {reason}: {_ABSTENTIONS.get(reason, 'no rewrite is good enough')}", soft_wrap=True)
        return
    if first["strategy"] == "unchanged":
        console.print(f"unchanged: clean already, toxicity {number(first['score_toxicity'])}")
        return
    for answer in answers:
        before, after = changed(answer["text"], answer["rewrite"])
        old = segments(answer["text"], before, cover=True, plain=True)
        new = segments(answer["rewrite"], after, cover=False)
        _said("before", _marked(old, "[-", "-]", "red", reveal=reveal))
        _said("after", _marked(new, "{+", "+}", "green", reveal=reveal))
        scores = (f"{name} {number(answer[f'score_{name}'])}" for name in _REWRITE_SCORES)
        _said("scores", Text(f"{', '.join(scores)}; {answer['strategy']}", style="dim"))


def examined(findings: Sequence[dict[str, Any]]) -> None:
    """A line a finding, with the cure where there is one."""
    listed = grid("", "what", "found", "cure")
    for finding in findings:
        mark = "ok" if finding["ok"] else "[red]missing[/red]" if finding["needed"] else "-"
        listed.add_row(mark, finding["what"], finding["found"], finding["cure"])
    console.print(listed)


def paths(named: Mapping[str, Place]) -> None:
    """A line a path, whole, so that it can be copied."""
    console.print()
    for name, path in named.items():
        console.print(f"{name + ':':<11}{path}", soft_wrap=True, markup=False)


_MOVES = ("kept_now", "kept_then", "gained", "lost", "unknown")
_REWRITE_SCORES = ("toxicity", "judge", "similarity", "fluency", "edit")
_ABSTENTIONS = {
    "empty": "there is no text",
    "control_characters": "it holds control characters, which no text has",
    "bidirectional_controls": "it holds characters that turn the direction of what follows",
    "too_long": "it has more characters than the recipe allows",
    "no_letters": "it has no letters",
    "other_language": "it is in another language, or another script",
    "unscored": "the toxicity model gives it no score",
    "identity_only": "it is toxic to the model only because it names an identity",
    "protected": "what is toxic stands in a link, @name, #tag, code or markup, which is never edited",
    "nothing_left": "nothing would be left of it",
    "nothing_located": "no words were found that carry its toxicity",
    "still_toxic": "every rewrite is still toxic",
    "meaning_lost": "no rewrite keeps its meaning",
    "not_fluent": "no rewrite reads well",
}
_COLUMNS = {  # where several models stand side by side
    "toxicity.challenging.scorer.expected_max_with_failures": "toxicity",
    "toxicity.challenging.judge.expected_max_with_failures": "judge",
    "toxicity.harmless.scorer.expected_max_with_failures": "harmless",
    "tax.perplexity": "perplexity",
    "faithfulness.package.all": "faithful",
    "faithfulness.held_out.all": "held out",
    "mc1.package": "choice",
}


def _funnel(version: Version) -> None:
    reasons: dict[str, list[str]] = {}
    for row in version.stats()["dropped"]["by_reason"]:
        reasons.setdefault(row["stage"], []).append(f"{row['drop_reason']} {row['count']:,}")
    stages = grid("stage", "unit", "in", "kept", "dropped", "why")
    for row in version.manifest["funnel"]:
        counts = (f"{row[column]:,}" for column in ("entered", "kept", "dropped"))
        stages.add_row(row["stage"], row["unit"], *counts, Text(_harmless(", ".join(reasons.get(row["stage"], [])))))
    console.print(stages)


def _tags(version: Version) -> str:
    """The tags of `version`, each with the day it came."""
    came = {move["tag"]: move["when"][:10] for move in tag_history(version) if move["to"] == version.number}
    return ", ".join(f"{tag} (since {came.get(tag, 'unknown')})" for tag in tags_of(version)) or "none"


def _said(label: str, said: Text) -> None:
    console.print(Text(f"{label:<8}", style="dim") + said, soft_wrap=True)


def _marked(pieces: list[dict[str, Any]], start: str, end: str, style: str, *, reveal: bool) -> Text:
    """The pieces as one line, those that are marked between `start` and `end`."""
    line = Text()
    for piece in pieces:
        words = piece["raw" if reveal else "masked"]
        line.append(f"{start}{words}{end}" if piece["mark"] else words, style=style if piece["mark"] else None)
    return line


def grid(*columns: str) -> Table:
    """An empty table without lines; the columns of numbers are set to the right."""
    made = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    numeric = {"in", "kept", "dropped", "train", "validation", "test", "pairs", "sets", "base", "tuned", "change"}
    numeric |= {"texts", "rewritten", "unchanged", "abstained", "seconds", "rows", "before", "after", "mean change"}
    numeric |= set(_COLUMNS.values())
    numeric |= {
        "form, in pairs",
        "form",
        "words",
        "judged",
        "kept now",
        "kept then",
        "dropped now",
        "dropped then",
        "gained",
        "lost",
        "unknown",
    }
    wraps = {"why", "cure", "found", "from", "to"}
    for column in columns:
        made.add_column(
            column,
            justify="right" if column in numeric else "left",
            no_wrap=column not in wraps,
            overflow="fold" if column in wraps else "ellipsis",
        )
    return made
