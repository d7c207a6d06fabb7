"""A document as a page of its own, and on paper: through a browser, which most machines have.

A browser lays out HTML as a reader knows it and needs nothing installed beside it; whoever has none
keeps the page, which prints from anywhere.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from promotion.lab.review.reading import parser
from promotion.report.language import spoken
from promotion.report.templates import environment

PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
# Where they are put on systems that do not put them on the path.
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "${ProgramFiles}/Google/Chrome/Application/chrome.exe",
    "${ProgramFiles(x86)}/Google/Chrome/Application/chrome.exe",
    "${ProgramFiles(x86)}/Microsoft/Edge/Application/msedge.exe",
)
OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-pdf-header-footer",
)
MOST_PAGES = 2
# Sizes of the type, in points; the smallest is that of a footnote.
SIZES = (9.0, 8.0, 7.0, 6.5)
MOST_SECONDS = 60
PAGE_OF_A_PDF = re.compile(rb"/Type\s*/Page\b")
DONE, TO_DO = "☑ ", "☐ "


def as_page(markdown: str, size: float = SIZES[0]) -> str:
    """Markdown as an HTML page that loads nothing; on paper its type is of `size` points."""
    body = parser().render(markdown.replace("- [x] ", f"- {DONE}").replace("- [ ] ", f"- {TO_DO}"))
    title = markdown.partition("\n")[0].lstrip("# ")
    template = environment(autoescape=True).get_template("page.html.j2")
    return template.render(language=spoken(), title=title, body=body, size=size)


def on_paper(documents: Mapping[str, str]) -> dict[str, bytes]:
    """These documents in Markdown as PDF, by their names; those that no browser could print lack.

    Each has at most two pages: its type is as small as that takes, down to a footnote's.
    """
    browser = find_browser()
    if browser is None:
        return {}
    pages = {
        name: [as_page(document, size) for size in SIZES] for name, document in documents.items()
    }
    with ThreadPoolExecutor() as pool:
        printed = pool.map(lambda sizes: _fitted(browser, sizes), pages.values())
        return {name: pdf for name, pdf in zip(pages, printed, strict=True) if pdf}


def find_browser() -> str | None:
    """A browser of this machine that prints: Chromium, Chrome or Edge."""
    found = [*map(shutil.which, PROGRAMS), *map(os.path.expandvars, PLACES)]
    return next((one for one in found if one and Path(one).is_file()), None)


def _fitted(browser: str, pages: list[str]) -> bytes | None:
    """The first of these pages that has few enough sheets; None if none could be printed so."""
    for page in pages:
        pdf = _print(browser, page)
        if pdf is None or len(PAGE_OF_A_PDF.findall(pdf)) <= MOST_PAGES:
            return pdf
    return None


def _print(browser: str, page: str) -> bytes | None:
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        source, printed = Path(scratch) / "page.html", Path(scratch) / "page.pdf"
        source.write_text(page, encoding="utf-8")
        command = [browser, *OPTIONS, f"--user-data-dir={scratch}/profile"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            # Chromium starts for root in no other way; the page is ours and runs nothing.
            command.append("--no-sandbox")
        command += [f"--print-to-pdf={printed}", source.as_uri()]
        try:
            subprocess.run(command, capture_output=True, timeout=MOST_SECONDS, check=True)
            return printed.read_bytes()
        except (OSError, subprocess.SubprocessError):
            return None
