"""What every page of the book gets from us, as an extension of Sphinx.

The switch of languages, links from the name of a run or of a check to where it is told, tables that
scroll in a box of their own, pictures that are told to those who cannot see them, and the few words
that the theme says in English only.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bs4 import BeautifulSoup, Tag
from sphinx.application import Sphinx

from promotion.report.words import text

RUN_PAGES = "notebooks/runs"
AUDIT = "book/audit"
SORTED = "sortable"
SORTER = "sortable/sortable.js"
GALLERY = 'class="gallery"'
# From this many columns on, a table needs a sheet's long side in print.
WIDE = 9
# A drawing is thousands of lines that nothing here changes.
DRAWING = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
STAND_IN = "<!--drawing-->"
# What a plot's HTML holds: its table under a name, and its photographs.
TABLE = re.compile(r'download="([^"]+)" href="data:text/csv[^",]*,([^"]+)"')
PICTURE = re.compile(r'href="data:image/webp;base64,([^"]+)"')
FILE_NAME = re.compile(r"\.(png|svg|jpe?g|webp)$")


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this to load the extension."""
    app.connect("html-page-context", _dress)
    app.add_js_file("report.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _dress(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Give a page its words and its switch, and mend what its body holds."""
    context["text"] = text
    context["languages"] = [
        (language, f"{context['content_root']}../{language}/{page}.html")
        for language in context.get("book_languages", [])
    ]
    if "body" in context:
        body = mend(context["body"], _places(app, page))
        context["body"] = put_beside(body, Path(app.outdir, page))
        if SORTED in context["body"]:
            app.add_js_file(SORTER, loading_method="defer", priority=400)
        if GALLERY in context["body"]:
            app.add_css_file("gallery.css")
            app.add_js_file("gallery.js", loading_method="defer")


def put_beside(body: str, page: Path) -> str:
    """Write the tables and the photographs that a page's body holds into files beside the page.

    They bear the page's name and their own; the body leads to them.
    """
    page.parent.mkdir(parents=True, exist_ok=True)

    def put(name: str, content: str) -> str:
        file = page.with_name(f"{page.name}-{name}")
        file.write_bytes(b64decode(content))
        return quote(file.name)

    number = count(1)

    @cache
    def put_picture(content: str) -> str:
        return put(f"{next(number)}.webp", content)

    body = TABLE.sub(lambda found: f'download="{found[1]}" href="{put(found[1], found[2])}"', body)
    return PICTURE.sub(lambda found: f'href="{put_picture(found[1])}"', body)


def _places(app: Sphinx, page: str) -> dict[str, str]:
    """Where the runs and the checks that a page names are told, by their names."""
    pages = {
        document.rpartition("/")[2]: app.builder.get_relative_uri(page, document)
        for document in app.env.found_docs
        if document.startswith(f"{RUN_PAGES}/") and document != page
    }
    labels = app.env.get_domain("std").data["anonlabels"]
    checks = {
        name: f"{app.builder.get_relative_uri(page, document)}#{anchor}"
        for name, (document, anchor) in labels.items()
        if document == AUDIT != page
    }
    return {**checks, **pages}


def mend(body: str, places: Mapping[str, str] | None = None) -> str:
    """A page's body so that it fits a narrow screen and reads without eyes.

    What stands for itself, as code or alone in a cell, and has a place leads there.
    """
    drawings = DRAWING.findall(body)
    soup = BeautifulSoup(DRAWING.sub(STAND_IN, body), "html.parser")
    for number, table in enumerate(soup.find_all("table"), start=1):
        _mend_table(soup, table, number)
    for task in soup.select("li input[type=checkbox]"):
        item = task.find_parent("li")
        task["aria-label"] = item.get_text(" ", strip=True) if item else ""
    for entry in soup.select(".citation-list, .citation"):
        # A list whose children are no items, and a role that is no more.
        del entry["role"]
    for picture in soup.find_all("img"):
        if _untold(picture):
            picture["alt"] = _told_before(picture)
    for summary in soup.select("details.hide > summary"):
        # Its own words are its name; this one is English in every language.
        del summary["aria-label"]
    _lead(soup, places or {})
    left = iter(drawings)
    return re.sub(STAND_IN, lambda _: next(left), str(soup))


def _lead(soup: BeautifulSoup, places: Mapping[str, str]) -> None:
    for tag in soup.select("code, td, tbody th"):
        place = places.get(tag.get_text(strip=True))
        if place is None or tag.find("a") or tag.find_parent(["a", "pre"]):
            continue
        link = soup.new_tag("a", href=place)
        if tag.name == "code":
            tag.wrap(link)
        else:
            link.extend(list(tag.contents))
            tag.append(link)


def _mend_table(soup: BeautifulSoup, table: Tag, number: int) -> None:
    """Put a table into a box that scrolls, and say what its header cells head."""
    del table["border"]
    for row in table.select("tr[style]"):
        del row["style"]
    for cell in table.find_all("th"):
        if not cell.get_text(strip=True):
            cell.name = "td"
        else:
            cell["scope"] = "col" if cell.find_parent("thead") else "row"
    columns = max((len(row.find_all(["td", "th"])) for row in table.find_all("tr")), default=0)
    box = table.find_parent(class_="pst-scrollable-table-container")
    if box is None:
        box = table.wrap(soup.new_tag("div"))
        # Pandas brings a style of its own.
        for style in box.find_previous_siblings("style"):
            style.decompose()
    box["class"] = "scrolling wide" if columns >= WIDE else "scrolling"
    box.attrs |= {
        "role": "region",
        "tabindex": "0",
        "aria-label": text("book.table").format(number=number),
    }


def _untold(picture: Tag) -> bool:
    """Whether a picture says nothing, or the name of its file."""
    told = picture.get("alt")
    return told is None or bool(FILE_NAME.search(str(told)))


def _told_before(picture: Tag) -> str:
    """What the text says just before a picture."""
    before = picture.find_previous(["p", "h1", "h2", "h3"])
    return before.get_text(" ", strip=True) if before else ""
