"""A static site over versions: every data set, its versions and their trend, and what changed from one to the next."""

import secrets
import shutil
from collections.abc import Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from markupsafe import Markup

from data_cards import difference, pictures
from data_cards.page import render
from pairgen.candidates import is_candidate
from pairgen.diff import diff
from pairgen.errors import OutputError, StoreError
from pairgen.tags import tags_of
from pairgen.version import Version, brief
from pairgen.withdrawn import withdrawal_of

_MARK = ".contrast-pairs-gallery"  # in a folder that may be replaced by a newer gallery
_REASONS = 6  # drop reasons that have a picture


def gallery(versions: Sequence[Version], out: Path) -> int:
    """Write the site of `versions` (sorted by name and number) to the folder `out`; the number of its pages.

    `out` is whole or not there. `OutputError` where it holds something that is no gallery. Of a withdrawn version no
    text stands in the site: neither its card nor an example.
    """
    if out.is_symlink() or (out.exists() and not (out / _MARK).exists() and (not out.is_dir() or any(out.iterdir()))):
        raise OutputError(f"{out}: exists and is neither a gallery nor an empty folder; name another one")
    if Path.cwd().is_relative_to(out.resolve()):  # who stands in it would go on in a folder that is gone
        raise OutputError(f"{out}: is the folder you are in, or one above it; name another one")
    work = out.with_name(f".{out.name}-{secrets.token_hex(8)}")
    try:
        work.mkdir(parents=True)
        (work / _MARK).touch()
        sets = [_write_set(work, name, list(each)) for name, each in groupby(versions, lambda version: version.name)]
        page = render("gallery.html", sets=sets, total=len(versions))
        (work / "index.html").write_text(page, encoding="utf-8")
        pages = len(list(work.rglob("*.html")))
        if out.exists():
            shutil.rmtree(out)
        work.rename(out)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({brief(error)}); name a folder with room for it") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return pages


def _write_set(work: Path, name: str, versions: list[Version]) -> dict[str, Any]:
    """The pages of one data set below `work`, and what the index says of it."""
    (work / name).mkdir()
    rows = [_row(version) for version in versions]
    for row, version in zip(rows, versions, strict=True):
        if row["withdrawn"] is None:
            row["card"] = f"v{version.number}.html"
            (work / name / row["card"]).write_bytes(_card(version))
    for (before, older), (now, newer) in pairwise(zip(rows, versions, strict=True)):
        found = diff(older, newer)
        now["diff"] = {"path": f"v{older.number}-v{newer.number}.html", **difference.numbers(found)}
        shown = before["withdrawn"] is None and now["withdrawn"] is None
        page = difference.page(found, examples=shown)
        (work / name / now["diff"]["path"]).write_text(page, encoding="utf-8")
    live = [row for row in rows if row["withdrawn"] is None]
    panels = _trend(live)
    page = render("dataset.html", name=name, rows=rows, panels=panels, reasons=_reasons(live))
    (work / name / "index.html").write_text(page, encoding="utf-8")
    accepted = [row for row in live if not row["candidate"]]
    latest = accepted[-1] if accepted else None
    return {"name": name, "rows": rows, "latest": latest, "candidates": len(live) - len(accepted), "panels": panels}


def _card(version: Version) -> bytes:
    try:
        return (version.place / "card.html").read_bytes()
    except OSError as error:
        cure = f"`contrast-pairs verify {version.reference}` says what else is damaged"
        raise StoreError(f"{version.place / 'card.html'}: cannot be read ({brief(error)}); {cure}") from error


def _row(version: Version) -> dict[str, Any]:
    """What the site says of a version; a figure that a version of an earlier release does not hold is None."""
    stats, counts, stone = version.stats(), version.manifest["counts"], withdrawal_of(version)
    toxicity, checks = stats.get("toxicity") or {}, stats.get("checks", [])
    return {
        "reference": version.reference,
        "number": version.number,
        "created": version.manifest["created"],
        **{name: counts[name] for name in ("sets", "pairs", "dropped")},
        "checks": len(checks),
        "passed": sum(check["ok"] for check in checks),
        "tags": tags_of(version),
        "withdrawn": stone["reason"] if stone else None,
        "candidate": "; ".join(version.candidate) if is_candidate(version) else "",
        "card": None,
        "diff": None,
        "toxicity before": _median(toxicity.get("before")),
        "toxicity after": _median(toxicity.get("after")),
        "similarity": _median(stats.get("scores", {}).get("score_similarity")),
        "reasons": {row["drop_reason"] or "": row["count"] for row in stats["dropped"]["by_reason"]},
    }


def _median(summary: dict[str, Any] | None) -> float | None:
    return summary["quantiles"]["0.5"] if summary and summary["count"] else None


def _trend(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pictures of one data set: pairs, toxicity as found and rewritten, similarity."""
    asked = {
        "pairs": {pictures.AFTER: [row["pairs"] for row in rows]},
        "toxicity, as found and rewritten": {
            pictures.BEFORE: [row["toxicity before"] for row in rows],
            pictures.AFTER: [row["toxicity after"] for row in rows],
        },
        "similarity": {pictures.AFTER: [row["similarity"] for row in rows]},
    }
    return [_panel(title, lines, rows) for title, lines in asked.items() if _known(lines)]


def _reasons(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A picture for each of the reasons that dropped most, over all versions."""
    totals: dict[str, int] = {}
    for row in rows:
        for reason, count in row["reasons"].items():
            totals[reason] = totals.get(reason, 0) + count
    most = sorted(totals, key=lambda reason: (-totals[reason], reason))[:_REASONS]
    return [
        _panel(reason.replace("_", " "), {pictures.BEFORE: [row["reasons"].get(reason, 0) for row in rows]}, rows)
        for reason in most
    ]


def _known(lines: dict[str, list[Any]]) -> bool:
    return any(point is not None for points in lines.values() for point in points)


def _panel(title: str, lines: dict[str, list[Any]], rows: list[dict[str, Any]]) -> dict[str, Any]:
    newest = [points[-1] for points in lines.values() if points[-1] is not None]
    last = ", ".join(f"{point:,}" if isinstance(point, int) else f"{point:.2f}" for point in newest)
    svg = pictures.trend(title, lines, [f"v{row['number']}" for row in rows])
    return {"title": title, "last": f"newest {last}" if last else "", "svg": Markup(svg)}
