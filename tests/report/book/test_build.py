"""The book is built when what it shows is another, and only then; each study has its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from mlflow.tracking import MlflowClient

from promotion.errors import PromotionError
from promotion.report import book
from promotion.report.book import Pages, build_book
from promotion.report.book.source import written_pages
from promotion.report.language import in_language
from promotion.study import Study
from tests.browser import Reader
from tests.builders import connect_to

pytestmark = pytest.mark.slow

NOTHING = Pages(steps={}, variants={})


@pytest.fixture
def client(empty_store: Path, tmp_path: Path) -> MlflowClient:
    shutil.copy(empty_store, tmp_path)
    return connect_to(tmp_path, "smoke")


@pytest.fixture(scope="module")
def built(empty_store: Path, smoke: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the book of a study of which nothing is done yet, in both languages."""
    home = tmp_path_factory.mktemp("built")
    shutil.copy(empty_store, home)
    build_book(connect_to(home, "smoke"), smoke, home, NOTHING, ("fr", "en"))
    return home


def test_what_the_book_shows_is_what_makes_it_another(client: MlflowClient, smoke: Study) -> None:
    """Sphinx takes half a minute: the same pages are not built twice, and no change is missed."""

    def key(*languages: str, **changes: object) -> str:
        facts = {"steps": {"notebooks/4_decide": "one"}, "variants": {}, **changes}
        pages = Pages(**facts)  # type: ignore[arg-type]
        written = {}
        for language in languages or ("fr",):
            with in_language(language):
                written[language] = written_pages(client, smoke, pages)
        return book._key(smoke, pages, written)

    same = key()
    assert key() == same
    for changes in (
        {"steps": {"notebooks/4_decide": "other"}},
        {"written": {"fr": {"decision": "# Une autre"}}},
        {"verdict": "reject"},
    ):
        assert key(**changes) != same
    assert key("fr", "en") != same
    pages = Pages({"notebooks/4_decide": "one"}, {})
    written = {"fr": written_pages(client, smoke, pages)}
    assert book._key(smoke, pages, written, solutions=True) != same


@pytest.mark.slow
def test_another_study_never_overwrites_the_first(built: Path, smoke: Study) -> None:
    client = connect_to(built, "smoke")
    first = built / "book" / "smoke" / "fr" / "index.html"
    before = first.stat().st_mtime_ns
    other = smoke.model_copy(update={"name": "other"})
    second = build_book(client, other, built, NOTHING)
    assert second == built / "book" / "other" / "fr" / "index.html"
    assert build_book(client, smoke, built, NOTHING, ("fr", "en")) == first
    assert first.stat().st_mtime_ns == before
    shelf = (built / "book" / "index.html").read_text(encoding="utf-8")
    for page in ("smoke/fr/index.html", "smoke/en/index.html", "other/fr/index.html"):
        assert page in shelf
    assert "other/en" not in shelf


def test_a_failed_build_names_its_log_and_keeps_the_book_that_was(
    client: MlflowClient, smoke: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "book" / smoke.name / "fr" / "index.html"
    kept.parent.mkdir(parents=True)
    kept.write_text("the one before", encoding="utf-8")
    monkeypatch.setattr(book, "SITE", "promotion.no_such_module")
    with pytest.raises(PromotionError, match=r"cannot be built .*fr\.log"):
        build_book(client, smoke, tmp_path, NOTHING)
    assert kept.read_text(encoding="utf-8") == "the one before"
    assert "no_such_module" in (tmp_path / "book-source" / "smoke" / "fr.log").read_text("utf-8")


@pytest.mark.slow
def test_every_page_leads_to_itself_in_the_other_language(built: Path) -> None:
    place = built / "book" / "smoke"
    pages = sorted((place / "fr").glob("[bn]*/**/*.html"))
    assert len(pages) > 12
    for page in pages:
        name = page.relative_to(place / "fr")
        french, english = (
            BeautifulSoup((place / language / name).read_text("utf-8"), "html.parser")
            for language in ("fr", "en")
        )
        to_english, to_french = (
            soup.select_one(".language-switch a[href]") for soup in (french, english)
        )
        assert to_english is not None, name
        assert to_french is not None, name
        assert (page.parent / str(to_english["href"])).resolve() == (place / "en" / name).resolve()
        back = place / "en" / name.parent / str(to_french["href"])
        assert back.resolve() == page.resolve()
        assert (french.html["lang"], english.html["lang"]) == ("fr", "en")  # type: ignore[index]
    english = (place / "en" / "book" / "method.html").read_text("utf-8")
    assert "Three splits, three roles" in english
    assert "Trois découpes" not in english
    assert 'id="trois-decoupes-trois-roles"' in english


@pytest.mark.slow
def test_the_switch_keeps_the_page_and_the_place_on_it(built: Path, browser: Reader) -> None:
    page = browser.visit((built / "book/smoke/fr/book/method.html").as_uri()).page
    page.goto(f"{page.url}#trois-verdicts")
    page.get_by_role("link", name="EN", exact=True).click()
    page.wait_for_url("**/smoke/en/book/method.html#trois-verdicts")
    assert page.locator("h2#trois-verdicts, #trois-verdicts h2").inner_text() == "Three verdicts"
