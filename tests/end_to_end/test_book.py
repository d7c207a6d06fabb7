"""The book of one report: whole, readable without a network, and without a table left as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

pytestmark = pytest.mark.end_to_end

BOOK = Path("book", "smoke", "fr")


class Loads(HTMLParser):
    """Collects what a page makes the browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag in ("script", "img", "iframe", "source", "video"):
            self.found.append(values.get("src") or "")
        if tag == "link" and values.get("rel") not in ("canonical", "author"):
            self.found.append(values.get("href") or "")


def page(home: Path, name: str) -> str:
    return (home / BOOK / f"{name}.html").read_text(encoding="utf-8")


def test_no_page_loads_anything_from_elsewhere(smoke_home: Path) -> None:
    pages = list((smoke_home / "book").rglob("*.html"))
    assert len(pages) > 8
    for path in pages:
        content = path.read_text(encoding="utf-8")
        parser = Loads()
        parser.feed(content)
        assert not [url for url in parser.found if re.match(r"(https?:)?//", url)], path
        assert not re.search(r"import\(?\s*[\"']https?://", content), path
    for sheet in (smoke_home / BOOK / "_static").rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?https?://", sheet.read_text("utf-8")), sheet


def test_the_landing_page_has_verdict_criteria_and_picture(smoke_home: Path) -> None:
    shown = page(smoke_home, "book/index")
    assert "Verdict" in shown
    assert "<table" in shown
    assert "Les mêmes images vues par les deux modèles" in shown
    assert "en Production" in shown


def test_no_table_of_the_book_is_cut_short_or_left_as_text(smoke_home: Path) -> None:
    for part in ("book", "notebooks"):
        for path in (smoke_home / BOOK / part).rglob("*.html"):
            content = path.read_text(encoding="utf-8")
            assert "| Critère |" not in content, path
            assert not re.search(r"\.\.\.</td>", content), path
            assert "report.css" in content, path
    assert page(smoke_home, "notebooks/4_decide").count("<table") >= 4


def test_the_book_says_what_would_change_the_decision(smoke_home: Path) -> None:
    shown = page(smoke_home, "book/index")
    assert "Ce qui changerait cette décision" in shown
    assert re.search(r"mAP@50, différence.*(au-delà|en deçà) de|n’y changerait rien", shown)


def test_the_book_shows_the_canary_and_the_registry_s_history(smoke_home: Path) -> None:
    assert "mise en Production" in page(smoke_home, "book/registry")
    canary = page(smoke_home, "notebooks/6_canary")
    assert "feu vert" in canary
    assert canary.count('<figure class="plot">') >= 5


def test_every_step_and_every_variant_has_its_page_with_results(smoke_home: Path) -> None:
    """A chapter without an output is one whose notebook was never executed."""
    for name in ("1_dataset", "3_choose", "3_confirm", "3_diagnose", "4_decide", "5_register"):
        assert 'class="cell_output' in page(smoke_home, f"notebooks/{name}"), name
    variants = list((smoke_home / BOOK / "notebooks" / "runs").glob("*.html"))
    assert len(variants) == 4
