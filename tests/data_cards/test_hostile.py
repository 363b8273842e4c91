"""Text that wants to be more than text, through everything that shows it: no string lives on any surface."""

import csv
import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from data_cards import difference
from data_cards.card import documents
from data_cards.gallery import gallery
from flows import printing, store_printing
from flows.publishing import card_markdown
from pairgen.diff import diff
from pairgen.draft import Contents
from pairgen.output import write_table
from pairgen.store import Store, Version
from tests.contents import contents

BACK = "\x60"
STRINGS = {
    "script": "<script>alert(1)</script>",
    "end of script": "</script><script>alert(1)</script>",
    "end of style": "</style><script>alert(1)</script>",
    "onerror": "<img src=x onerror=alert(1)>",
    "attribute": "\" onmouseover=alert(1) x=\"' onfocus=alert(1) '",
    "comment": "<!-- --> <!--",
    "svg": "<svg/onload=alert(1)>",
    "front matter": "\n---\nlicense: mit\n---\n",
    "yaml": "!!python/object/apply:os.system ['true']\n- x: {y: *z}",
    "pipes": "a | b | c",
    "fence": f"{BACK * 3}\n{BACK}x{BACK}\n{BACK * 3}",
    "formula": "=cmd|'/C calc'!A0",
    "formulas": "+1+1 @SUM(1) -2+3",
    "ansi": "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07 \x9b31m",
    "bidi": "abc\u202egnp.exe\u2066x\u2069",
    "zero width": "zero\u200bwidth\ufeff\u2060",
    "nul": "nul\x00byte",
    "link": "[x](javascript:alert(1)) ![i](https://evil.example/x.png) www.evil.example <https://evil.example>",
    "template": "{{ 7 * 7 }} {% raw %} ${7*7} {0} %s",
    "rich": "[red]x[/red] [link=https://evil.example]y[/link]",
    "long": "w" * 100_000,
    "heading": "# Heading\n* item\n> quote\n\n    code",
    "lines": "one\u2028two\u2029three\r\nfour\x85five",
    "tag characters": "a\U000e0041\U000e0042 \ud7ff\ue000",
}
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
JSON = ("stats.json", "croissant.json")
OURS = {"script": 1, "style": 1}
ACTS = re.compile(r"^(?:on\w+|style|srcdoc|action|formaction)$")


class Live(HTMLParser):
    """What of a page could act: more scripts than ours, elements that load, attributes that run, links elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.seen: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] = self.seen.get(tag, 0) + 1
        if tag in {"img", "iframe", "object", "embed", "base", "form"} or self.seen[tag] > OURS.get(tag, 10**9):
            self.found.append(tag)
        for name, text in attrs:
            elsewhere = name in {"href", "src", "xlink:href"} and re.match(r"\s*(?:\w+:)?//|\s*javascript:", text or "")
            if ACTS.match(name) or elsewhere:
                self.found.append(f"{tag} {name}={text}")


def live_html(text: str) -> list[str]:
    parser = Live()
    parser.feed(text)
    return parser.found + CONTROL.findall(text)


def live_markdown(text: str) -> list[str]:
    """What Markdown would make of a comment; the fences, tables and code of ours are known."""
    front, body = text.split("---\n", 2)[1:]
    found = CONTROL.findall(front) + live_body(body)
    found += [] if set(yaml.safe_load(front)) >= {"license", "configs", "dataset_info"} else ["front matter"]
    return found


def live_body(body: str) -> list[str]:
    """Tags, links, pictures, fences and rules that are not ours, and a table row of another width than its head."""
    found = CONTROL.findall(body) + re.findall(r"<|://|!\[|\]\(|www\.|\n---", body)
    found += [] if body.count(BACK * 3) == 4 else ["fence"]
    for table in re.findall(r"(?:^\|.*\n)+", body, re.MULTILINE):
        found += [line for line in table.splitlines() if line.count("|") != table.splitlines()[0].count("|")]
    return found


def live_csv(rows: pl.DataFrame, path: Path) -> list[str]:
    """What a table reads as that it was not: `check` and `rewrite` echo every text exactly, so no cell is changed."""
    write_table(rows, path)
    with path.open(encoding="utf-8", newline="") as file:
        read = list(csv.reader(file))
    return [str(row)[:80] for row, made in zip(read[1:], rows.iter_rows(), strict=True) if tuple(row) != made]


def live_json(text: str) -> list[str]:
    json.loads(text)
    return re.findall("<", text) + CONTROL.findall(text) + re.findall("[^\x00-\x7f]", text)


def live_terminal(text: str) -> list[str]:
    return CONTROL.findall(text)


def full_of(strings: list[str]) -> Contents:
    """`contents()` with one of `strings` in every text, its context and the ledger, and all as names."""
    built, members = contents(), contents().members.collect()
    said = itertools.cycle(strings)
    made = {text: f"{text} {next(said)} {number}" for number, text in enumerate(sorted(set(members["text"])))}
    context = dict(zip(sorted(set(members["set_id"])), said, strict=False))
    sides = {side: pl.col(side).replace_strict(made) for side in ("positive", "negative")}
    of_set = pl.col("set_id").replace_strict(context)
    ledger = pl.Series([f"{next(said)} {number}" for number in range(built.dropped.collect().height)])
    return replace(
        built,
        pairs=built.pairs.with_columns(**sides, context=of_set, parent=of_set),
        members=built.members.with_columns(text=pl.col("text").replace_strict(made), context=of_set),
        dropped=built.dropped.with_columns(
            text=ledger, positive=ledger, negative=ledger, drop_reason=ledger, context=ledger
        ),
        source=[{**built.source[0], "name": string[:200], "licence": string[:200]} for string in strings],
        fingerprints={"toxicity": strings[0][:200], **{string[:50]: string[:200] for string in strings}},
        recipe='[mine]\nname = "a"\n',
    )


@pytest.fixture
def versions(tmp_path: Path) -> Callable[[list[str]], list[Version]]:
    def publish(strings: list[str]) -> list[Version]:
        store = Store(tmp_path / "store")
        first, second = contents(27), full_of(strings)
        for built in (first, second):
            store.publish("demo", built, documents=documents)
        reason = " ".join(string[:60] for string in strings)
        store.withdraw("demo@v1", "".join(letter if letter.isprintable() else " " for letter in reason) + ".")
        return store.versions()

    return publish


@pytest.mark.parametrize("names", [list(STRINGS)[start::4] for start in range(4)], ids=", ".join)
def test_no_hostile_string_lives_anywhere(
    names: list[str],
    versions: Callable[[list[str]], list[Version]],
    tmp_path: Path,
) -> None:
    older, newer = versions([STRINGS[name] for name in names])
    gallery([older, newer], tmp_path / "site")

    found: dict[str, list[Any]] = {
        "README.md": live_markdown((newer.path / "README.md").read_text(encoding="utf-8")),
        "difference": live_html(difference.page(diff(older, newer))),
        **{name: live_json((newer.path / name).read_text(encoding="utf-8")) for name in JSON},
        "Prefect": live_body(card_markdown(newer)),
        "csv": live_csv(newer.pairs().select("pair_id", "positive", "negative"), tmp_path / "pairs.csv"),
        **{
            str(path.relative_to(tmp_path)): live_html(path.read_text(encoding="utf-8"))
            for path in [newer.path / "card.html", *(tmp_path / "site").rglob("*.html")]
        },
    }
    for surface, show in {
        "show": lambda: printing.shown(newer),
        "card": lambda: store_printing.card(newer, reveal=True),
        "diff": lambda: store_printing.differences(diff(older, newer), reveal=True),
        "versions": lambda: printing.versions([older, newer], tmp_path, None),
    }.items():
        with printing.console.capture() as said:
            show()
        found[f"terminal: {surface}"] = live_terminal(said.get())

    assert len(found) == 15
    assert {surface: live for surface, live in found.items() if live} == {}


def test_what_lives_is_found() -> None:
    assert live_html("<p onclick=x>") == ["p onclick=x"]
    assert live_html("<script></script><script></script>") == ["script"]
    assert live_html("<a href='javascript:x'>") == ["a href=javascript:x"]
    assert live_html("a\u202e") == ["\u202e"]
    assert "<" in live_markdown("---\nlicense: mit\n---\n<b>")
    assert "| b | c |" in live_body("| a |\n| b | c |\n")
    assert live_json('{"a": "<"}') == ["<"]
    assert live_terminal("\x1b[31m") == ["\x1b"]
