"""The pages of a report's book, as a reader has them: in a browser, on a phone, in the dark, on
paper, by keyboard and by ear.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from playwright.sync_api import Page

from tests.browser import Reader, Visit

pytestmark = pytest.mark.end_to_end

BOOK = Path("book", "smoke", "fr")
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
# What fits between the margins of a sheet of A4, upright or, for a wide table, on its side.
SHEET = {"width": 703, "height": 1000}
SIDEWAYS = {"width": 1032, "height": 670}
LARGEST_LANDING = 1_000_000


def pages(home: Path) -> list[Path]:
    """Every page of the home's books, and their index."""
    return sorted((home / "book").rglob("*.html"))


def content(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="module")
def visits(smoke_home: Path, browser: Reader) -> Iterator[list[tuple[str, Visit]]]:
    """Every page, opened once, by its name in the book."""
    opened = [
        (
            str(page.relative_to(smoke_home / "book")),
            browser.visit(page, viewport=DESKTOP, reduced_motion="reduce"),
        )
        for page in pages(smoke_home)
    ]
    yield opened
    for _, visit in opened:
        visit.context.close()


def too_wide(page: Page) -> int:
    """How many pixels of the page a reader has to scroll aside for."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def barriers(page: Page, **options: Any) -> list[str]:
    """What keeps somebody from reading the page: axe's critical and serious findings.

    The options are those of axe's `run`, such as the rules to apply; without any, all are.
    """
    # Style sheets next to a page on a disk are none that a script may load.
    options |= {"resultTypes": ["violations"], "preload": False}
    found: dict[str, Any] = Axe().run(page, options=options).response
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in ("critical", "serious")
    ]


def test_no_page_fails_or_asks_for_anything_elsewhere(visits: list[tuple[str, Visit]]) -> None:
    assert len(visits) > 18
    for name, visit in visits:
        assert (visit.errors, visit.elsewhere) == ([], []), name


def test_no_link_and_no_picture_is_broken(smoke_home: Path) -> None:
    """From a page to a page, to a place on it, to a file: all of it is in the book."""
    read = {page: content(page) for page in pages(smoke_home)}
    names = {page: {tag["id"] for tag in soup.select("[id]")} for page, soup in read.items()}
    for page, soup in read.items():
        for tag in soup.select("[href], [src]"):
            target = str(tag.get("href") or tag.get("src"))
            parts = urlsplit(target)
            if parts.scheme:
                continue
            file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert file.is_file(), f"{page.name}: {target}"
            if parts.fragment and file in names:
                assert unquote(parts.fragment) in names[file], f"{page.name}: {target}"


def test_every_picture_says_what_it_shows(smoke_home: Path) -> None:
    for page in pages(smoke_home):
        for picture in content(page).select("article img, article [role=img]"):
            told = str(picture.get("alt") or picture.get("aria-label", ""))
            assert len(told) > 10, f"{page.name}: {picture}"
            assert not re.search(r"\.(png|svg|webp)$", told), f"{page.name}: {told}"


def test_the_numbers_behind_each_figure_lie_beside_it(smoke_home: Path) -> None:
    """In each language the same file, with one line of names."""
    book = smoke_home / "book" / "smoke"
    taken: dict[str, set[tuple[Path, str]]] = {"fr": set(), "en": set()}
    for language, found in taken.items():
        for page in sorted((book / language).rglob("*.html")):
            # The gallery's curve is of the numbers that its slider reads out.
            figures = content(page).select("figure.plot:not(.gallery figure)")
            files = [str(figure.select("figcaption a[download]")[0]["href"]) for figure in figures]
            assert len(files) == len(set(files)), page.name
            for file in files:
                table = (page.parent / unquote(file)).read_bytes().decode("utf-8")
                assert len(pd.read_csv(StringIO(table))), f"{page.name}: {file}"
                found.add((page.relative_to(book / language).with_name(unquote(file)), table))
    assert taken["fr"] == taken["en"]
    assert len(taken["fr"]) > 15


def test_no_page_is_wider_than_a_screen_or_a_phone(visits: list[tuple[str, Visit]]) -> None:
    """A wide table scrolls in its own box, which a keyboard reaches; the page never does."""
    for name, visit in visits:
        for size in (PHONE, DESKTOP):
            visit.page.set_viewport_size(size)  # type: ignore[arg-type]
            assert too_wide(visit.page) <= 0, f"{name} at {size['width']}"


def test_what_stands_on_a_screen_stands_on_paper(visits: list[tuple[str, Visit]]) -> None:
    """No column is cut off, no answer unfolds, no navigation takes the place of the text."""
    for name, visit in visits:
        visit.page.emulate_media(media="print")
        sheet = SIDEWAYS if visit.page.locator(".scrolling.wide").count() else SHEET
        visit.page.set_viewport_size(sheet)  # type: ignore[arg-type]
        cut = visit.page.evaluate(
            """[...document.querySelectorAll("article *")].filter(one =>
                 one.checkVisibility() && getComputedStyle(one).overflowX !== "visible"
                 && one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0)
               .map(one => one.outerHTML.slice(0, 200))"""
        )
        shown = visit.page.evaluate(
            """[...document.querySelectorAll("details:not([open]) > :not(summary), nav")]
               .filter(one => one.checkVisibility()).map(one => one.outerHTML.slice(0, 200))"""
        )
        width = too_wide(visit.page)
        titled = visit.page.locator("h1").is_visible()
        visit.page.emulate_media(media="screen")
        visit.page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
        assert (cut, shown) == ([], []), name
        assert titled, name
        assert width <= 0, name


def test_nothing_keeps_anybody_from_reading(visits: list[tuple[str, Visit]]) -> None:
    """In the light and in the dark, where only colours are others, in every language the same."""
    for name, visit in visits:
        visit.page.evaluate("document.documentElement.dataset.theme = 'light'")
        assert barriers(visit.page) == [], name
        if "/en/" in name:
            continue
        visit.page.evaluate("document.documentElement.dataset.theme = 'dark'")
        colours = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
        assert barriers(visit.page, runOnly=colours) == [], name


def test_a_photograph_keeps_its_light_in_the_dark(smoke_home: Path, browser: Reader) -> None:
    visit = browser.visit(smoke_home / BOOK / "book" / "index.html", color_scheme="dark")
    assert visit.page.evaluate("document.documentElement.dataset.theme") == "dark"
    filters = visit.page.evaluate(
        "[...document.querySelectorAll('img')].map(one => getComputedStyle(one).filter)"
    )
    assert set(filters) == {"none"}


def test_the_list_of_runs_sorts_and_filters(smoke_home: Path, browser: Reader) -> None:
    page = browser.visit(smoke_home / BOOK / "book" / "runs.html").page

    def column(number: int) -> list[float]:
        cells = page.locator(f"table.sortable tbody tr:visible td:nth-child({number})").all()
        return [float(str(cell.get_attribute("data-sort"))) for cell in cells]

    recall = 1 + page.locator("table.sortable th[scope=col]").all_inner_texts().index("rappel")
    unsorted = column(recall)
    assert len(unsorted) == 4
    for order in (sorted(unsorted, reverse=True), sorted(unsorted)):
        page.get_by_role("button", name="rappel").click()
        page.wait_for_timeout(50)
        assert column(recall) == order
    page.get_by_role("searchbox", name="Filtrer").fill("sz160")
    assert len(column(recall)) == 2
    page.get_by_role("searchbox", name="Filtrer").fill("nothing of that name")
    assert page.get_by_role("status").inner_text() == "Aucune ligne ne correspond."


def test_the_list_of_runs_leads_to_each_run_s_page(smoke_home: Path, browser: Reader) -> None:
    """Candidate and baseline are marked by a word, not by a colour alone."""
    page = browser.visit(smoke_home / BOOK / "book" / "runs.html").page
    rows = page.locator("table.sortable tbody tr").all_inner_texts()
    assert sum("candidat" in row for row in rows) == sum("référence" in row for row in rows) == 1
    page.locator("table.sortable tbody tr.candidate a").click()
    assert page.locator("h1").inner_text().startswith("yolov8n_e1_sz160")


def test_a_book_reads_without_scripts(smoke_home: Path, browser: Reader) -> None:
    options = {"java_script_enabled": False, "color_scheme": "dark"}
    page = browser.visit(smoke_home / BOOK / "book" / "runs.html", **options).page
    assert page.locator("table.sortable tbody tr:visible").count() == 4
    assert page.locator(".only-dark:visible").count() == 0
    gallery = browser.visit(smoke_home / BOOK / "book" / "gallery.html", **options).page
    assert gallery.locator("figure.picture:visible").count() == 32
    assert gallery.locator("figure.picture rect").count() > 32
    assert gallery.locator("form.controls:visible").count() == 0
    landing = browser.visit(smoke_home / BOOK / "index.html", **options).page
    assert "Promouvoir" in landing.locator("h1").inner_text()


@pytest.fixture
def gallery(smoke_home: Path, browser: Reader) -> Iterator[Page]:
    visit = browser.visit(smoke_home / BOOK / "book" / "gallery.html", viewport=DESKTOP)
    yield visit.page
    assert (visit.errors, visit.elsewhere) == ([], [])
    visit.context.close()


def told(gallery: Page) -> list[int]:
    """The whole numbers in what the gallery says of its filter: images, all images, boxes."""
    return [int(one) for one in re.findall(r"\d+", gallery.get_by_role("status").inner_text())]


def totals(gallery: Page) -> dict[str, float]:
    shown = gallery.locator("[data-total]")
    found = shown.evaluate_all("all => all.map(one => [one.dataset.total, one.textContent])")
    return {name: float(value.replace(",", ".")) for name, value in found}


def test_every_number_of_the_error_table_leads_to_the_pictures_that_show_it(
    smoke_home: Path, browser: Reader
) -> None:
    visit = browser.visit(smoke_home / BOOK / "notebooks" / "3_diagnose.html", viewport=DESKTOP)
    cells = visit.page.locator("a[href*='gallery.html?']").evaluate_all(
        "all => all.map(one => [one.href, Number(one.textContent)])"
    )
    assert len(cells) == 8
    assert sum(number for _, number in cells) > 20
    for address, number in cells:
        visit.page.goto(address)
        boxes = told(visit.page)[-1] if number else 0
        assert boxes == number, address
        shown = visit.page.locator("figure.picture:visible")
        assert shown.count() == (told(visit.page)[0] if number else 0)
        assert visit.page.locator(".picture:visible rect:not(.aside)").count() == number
    assert (visit.errors, visit.elsewhere) == ([], [])


def test_a_slice_leads_to_the_persons_who_are_missed_in_it(
    smoke_home: Path, browser: Reader
) -> None:
    visit = browser.visit(smoke_home / BOOK / "notebooks" / "3_confirm.html", viewport=DESKTOP)
    row = visit.page.locator("tr", has=visit.page.get_by_role("link", name="taille : petite"))
    small = int(row.locator("td").nth(1).inner_text())
    row.get_by_role("link").click()
    visit.page.wait_for_url("**/gallery.html?*size=small*")
    missed = told(visit.page)[-1]
    visit.page.get_by_label("Images avec").select_option("found")
    found = told(visit.page)[-1:]
    assert 0 < missed == small - sum(found)


def test_the_gallery_starts_at_what_was_published_and_follows_the_slider(
    smoke_home: Path, gallery: Page
) -> None:
    published = json.loads((smoke_home / "decision.json").read_text(encoding="utf-8"))
    for side, label in (("baseline", "référence"), ("candidate", "candidat")):
        gallery.get_by_role("radio", name=label).check()
        for name in ("precision", "recall"):
            expected = published[side]["metrics"][name]
            assert totals(gallery)[name] == pytest.approx(expected, abs=6e-4)
    first = totals(gallery)
    slider = gallery.get_by_role("slider")
    drawn = gallery.locator("rect.found")
    before = drawn.count()
    slider.press("Home")
    lowest = totals(gallery)
    assert slider.get_attribute("aria-valuetext") == "0,050"
    assert lowest["recall"] > first["recall"]
    assert lowest["false"] > first["false"]
    assert drawn.count() == lowest["found"] > before
    assert gallery.locator("rect.false").count() == lowest["false"]
    assert lowest["missed"] + lowest["found"] == published["persons"]
    gallery.get_by_role("button", name="Revenir au seuil retenu").click()
    assert totals(gallery) == first


def test_the_gallery_s_filters_leave_the_pictures_that_answer(gallery: Page) -> None:
    everything = told(gallery)[0]
    seen = []
    for light in gallery.get_by_label("temps").locator("option").all()[1:]:
        gallery.get_by_label("temps").select_option(str(light.get_attribute("value")))
        seen.append(told(gallery)[0])
        places = gallery.locator(".picture:visible .where").all_inner_texts()
        assert all(str(light.inner_text()) in place for place in places)
    assert sum(seen) == everything
    gallery.get_by_label("temps").select_option("")
    gallery.get_by_label("Images avec").select_option("missed")
    missed = told(gallery)
    assert missed[2] == totals(gallery)["missed"]
    by_size = []
    for size in ("small", "medium", "large"):
        gallery.get_by_label("taille").select_option(size)
        by_size.append(gallery.locator(".picture:visible rect.missed:not(.aside)").count())
    assert sum(by_size) == missed[2]
    counts = gallery.locator(".picture:visible [data-count=missed]").all_inner_texts()
    assert "0" not in counts
    asked = gallery.url
    gallery.reload()
    assert gallery.url == asked
    assert gallery.get_by_label("taille").input_value() == "large"


def test_a_picture_is_enlarged_by_keyboard_with_what_both_models_see(gallery: Page) -> None:
    gallery.locator(".picture button").first.press("Enter")
    dialog = gallery.get_by_role("dialog")
    assert dialog.is_visible()
    assert dialog.locator("img").count() == 2
    persons = gallery.locator(".picture").first.locator("rect.found, rect.missed").count()
    assert dialog.locator("rect.found, rect.missed").count() == 2 * persons > 0
    gallery.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_a_word_is_found_without_a_server(smoke_home: Path, browser: Reader) -> None:
    visit = browser.visit(smoke_home / BOOK / "book" / "index.html")
    visit.page.get_by_role("button", name="Recherche").first.click()
    visit.page.get_by_role("searchbox", name="Chercher").first.fill("prétendant")
    visit.page.keyboard.press("Enter")
    found = visit.page.locator("ul.search li a")
    found.first.wait_for()
    assert "Le canari" in found.all_inner_texts()
    assert (visit.errors, visit.elsewhere) == ([], [])


def test_the_landing_page_weighs_less_than_a_megabyte(smoke_home: Path, browser: Reader) -> None:
    context = browser.browser.new_context(viewport=DESKTOP)  # type: ignore[arg-type]
    page = context.new_page()
    loaded: list[Path] = []
    page.on("request", lambda one: loaded.append(Path(unquote(urlsplit(one.url).path))))
    page.goto((smoke_home / BOOK / "book" / "index.html").as_uri())
    page.wait_for_load_state("networkidle")
    context.close()
    assert len(loaded) > 5
    assert sum(path.stat().st_size for path in set(loaded)) < LARGEST_LANDING


def test_the_shelf_leads_to_the_study_s_book(smoke_home: Path, browser: Reader) -> None:
    page = browser.visit(smoke_home / "book" / "index.html").page
    assert "promouvoir" in page.locator("tbody tr").inner_text()
    page.get_by_role("link", name="français").click()
    page.wait_for_url("**/smoke/fr/book/index.html")
