"""Every page in a real browser: it asks for nothing, complains of nothing, fits, and axe-core finds nothing serious."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from data_cards import difference
from data_cards.card import documents
from data_cards.gallery import gallery
from pairgen.diff import diff
from pairgen.store import Store
from tests.browser import browser_only, opened, serious
from tests.contents import contents

MEASURED = {"answered": 1.0, "sta": 0.0, "sta_judge": 0.25, "sim": 1.0, "fl": 1.0, "j": 0.125}
CURVE = [{"threshold": at, "kept": 40 - 9 * at, "dropped": 9 * at, "unknown": 0} for at in (1, 2, 4)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery of two versions, whose cards have every section, and a page of their difference."""
    root = tmp_path_factory.mktemp("site")
    written = partial(
        documents,
        what_if=[{"filter": "copy", "key": "min_changed_words", "now": 2, "reached": 40, "points": CURVE}],
        baselines=[{"system": system, "texts": 8, **MEASURED} for system in ("copy", "delete", "ours")],
    )
    store = Store(root / "store")
    for sets, score in ((180, 0.6), (186, 0.7)):
        recipe = f'[[filters]]\nkind = "similarity"\nmin_score = {score}\n'
        store.publish("demo", replace(contents(sets), recipe=recipe), documents=written)
    gallery(store.versions(), root / "site")
    (root / "site" / "diff.html").write_text(difference.page(diff(*store.versions())))
    return root / "site"


PAGES = ("index.html", "demo/index.html", "demo/v2.html", "diff.html")


@browser_only
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_asks_for_nothing_says_nothing_and_fits(site: Path, tmp_path: Path, name: str, width: int) -> None:
    with opened(site / name, tmp_path / "profile", width=width) as tab:
        fits = tab.run("document.documentElement.scrollWidth <= innerWidth")
        found = []
        for scheme in ("light", "dark"):
            tab.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            found += serious(tab) if width == 1280 else []
        asked = {request["request"]["url"] for request in tab.told("Network.requestWillBeSent")}
        said = tab.told("Log.entryAdded") + tab.told("Runtime.consoleAPICalled") + tab.told("Runtime.exceptionThrown")

    assert asked <= {(site / name).as_uri(), "data:,"}
    assert (said, fits, found) == ([], True, [])


@browser_only
def test_axe_finds_what_is_wrong(site: Path, tmp_path: Path) -> None:
    page = tmp_path / "wrong.html"
    page.write_text((site / "index.html").read_text().replace("<main", "<main><img src='data:,'></main><main"))

    with opened(page, tmp_path / "profile") as tab:
        assert any("image-alt" in each for each in serious(tab))


@browser_only
def test_a_difference_is_masked_until_asked(site: Path, tmp_path: Path) -> None:
    with opened(site / "diff.html", tmp_path / "profile") as tab:
        seen = [tab.run("document.body.innerText.includes('idiot')")]
        tab.run("document.getElementById('reveal').click()")
        seen.append(tab.run("document.body.innerText.includes('idiot')"))

    assert seen == [False, True]
