"""Each book speaks one language: on its pages, in what is heard of its pictures, in its tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.languages import ENGLISH, FRENCH

pytestmark = pytest.mark.end_to_end

# Heard or shown on a pointer, though no text of the page.
HEARD = ("alt", "title", "aria-label", "placeholder")
# What is of no language: code, names of runs and of checks, the titles of works, our names for
# languages. Of works, the reader has the titles on a pointer too.
NAMES = "script, style, pre, code, [lang], .citation, a[href*='references.html']"


def said(page: Path) -> Iterator[str]:
    """Everything that a page says, a piece at a time."""
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    for name in soup.body.select(NAMES) if soup.body else []:
        name.extract()
    yield from (text.strip() for text in soup.find_all(string=True) if text.strip())
    for tag in soup.find_all(True):
        yield from (str(tag[name]) for name in HEARD if tag.get(name))


@pytest.mark.parametrize(("language", "other"), [("fr", ENGLISH), ("en", FRENCH)])
def test_no_page_says_anything_in_the_other_language(
    smoke_home: Path, language: str, other: re.Pattern[str]
) -> None:
    pages = sorted((smoke_home / "book" / "smoke" / language).rglob("*.html"))
    assert len(pages) > 18
    left = {
        f"{page.name}: {text[:200]}" for page in pages for text in said(page) if other.search(text)
    }
    assert left == set()
