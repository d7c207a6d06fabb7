"""The index of a home's books."""

from __future__ import annotations

from pathlib import Path

from bs4 import BeautifulSoup

from promotion.report.book.shelf import Volume, put_on_shelf


def put(books: Path, study: str, verdict: str, decided: str, *languages: str) -> BeautifulSoup:
    (books / study).mkdir(parents=True, exist_ok=True)
    put_on_shelf(books, Volume(study, verdict, decided, languages or ("fr",)))
    return BeautifulSoup((books / "index.html").read_text(encoding="utf-8"), "html.parser")


def rows(page: BeautifulSoup) -> list[list[str]]:
    return [
        [cell.get_text(strip=True) for cell in row.find_all(["th", "td"])]
        for row in page.select("tbody tr")
    ]


def test_each_study_stands_on_the_shelf_the_newest_decision_first(tmp_path: Path) -> None:
    put(tmp_path, "older", "reject", "2026-11-24")
    put(tmp_path, "undecided", "none", "")
    page = put(tmp_path, "newer", "promote", "2026-11-25")
    assert [row[:2] for row in rows(page)] == [
        ["newer", "promouvoir"],
        ["older", "rejeter"],
        ["undecided", "pas encore de décision"],
    ]
    links = [link["href"] for link in page.select("tbody a")]
    assert links[0] == "newer/fr/index.html"


def test_a_book_that_is_built_again_has_one_row(tmp_path: Path) -> None:
    put(tmp_path, "study", "inconclusive", "2026-11-24")
    page = put(tmp_path, "study", "promote", "2026-11-25")
    assert [row[1] for row in rows(page)] == ["promouvoir"]
