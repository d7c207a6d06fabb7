"""The book: one a study, in each language that is asked for, and an index of them all."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from mlflow.tracking import MlflowClient

from promotion.checksums import digest_of
from promotion.errors import PromotionError
from promotion.lab.exercises import EXERCISES
from promotion.paths import ROOT
from promotion.report.book.shelf import Volume, put_on_shelf
from promotion.report.book.source import Pages, lay_out, written_pages
from promotion.report.book.thumbnails import put_thumbnails
from promotion.report.language import SOURCE, in_language
from promotion.report.printing import on_paper
from promotion.study import Study

__all__ = ["Pages", "build_book"]

ENTRY = """<!DOCTYPE html>
<html lang="{language}"><head><meta charset="utf-8"><title>{landing}</title>
<meta http-equiv="refresh" content="0; url={landing}"></head>
<body><main><a href="{landing}">{landing}</a></main></body></html>
"""
SITE = "promotion.report.book.site"
# What the theme ships and no page of the book needs.
UNREAD = (
    ".buildinfo",
    "**/*.map",
    "_static/*webpack-macros.html",
    "_static/images/logo_*",
    "_static/scripts/fontawesome*",
    "_static/vendor/fontawesome/webfonts/*",
)
# The rules of its icons, of which the book draws those that it uses.
ICON = re.compile(r"(?:\.fa-[a-z0-9-]+::?before,?)+\{[^}]*\}")


def build_book(
    client: MlflowClient,
    study: Study,
    home: Path,
    pages: Pages,
    languages: Sequence[str] = (SOURCE,),
    solutions: bool = False,
) -> Path:
    """Build the study's HTML book from the runs' executed notebooks, once a language.

    With `solutions` it is the teacher's: what answers the lab's questions is in it.

    It lies in `book/<study>/<language>/` of the home; `book/index.html` lists the studies' books.
    Nothing is built when the same pages were built from the same sources before.

    Returns:
        The index.html of the first language.

    Raises:
        MissingRunsError: a run has no executed notebook.
        PromotionError: Sphinx failed; its log is named.
    """
    place = home / "book" / study.name
    index = place / languages[0] / "index.html"
    stamp = place / ".built"
    written = {}
    for language in languages:
        with in_language(language):
            written[language] = written_pages(client, study, pages)
    key = _key(study, pages, written, solutions)
    if not (index.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == key):
        draft = home / "book-source" / study.name
        shutil.rmtree(draft, ignore_errors=True)
        paper = on_paper(pages.sheets)
        for language in languages:
            with in_language(language):
                printed = paper.get(language)
                source = draft / language / "source"
                lay_out(client, source, pages, written, solutions, printed)
        put_thumbnails(pages.pictures, draft / "pictures")
        _build(draft, languages)
        shutil.rmtree(place, ignore_errors=True)
        for language in languages:
            shutil.move(draft / language / "html", place / language)
        shutil.move(draft / "pictures", place / "pictures")
        shutil.rmtree(draft)
        stamp.write_text(key, encoding="utf-8")
    put_on_shelf(home / "book", Volume(study.name, pages.verdict, pages.decided, languages))
    return index


def _key(
    study: Study, pages: Pages, written: Mapping[str, Mapping[str, str]], solutions: bool = False
) -> str:
    """What the book is made from; another value asks for another build."""
    files = [ROOT / "_config.yml", ROOT / "_toc.yml"]
    for folder in (ROOT / "book", ROOT / "notebooks", EXERCISES, Path(__file__).parent):
        files += sorted(folder.rglob("*.*"))
    return digest_of(
        {
            "sources": {
                str(file.relative_to(ROOT)): file.read_bytes().hex()
                for file in files
                if file.is_file() and file.suffix != ".pyc"
            },
            "study": study.name,
            "steps": pages.steps,
            "variants": pages.variants,
            "failed": pages.failed,
            "verdict": pages.verdict,
            "decided": pages.decided,
            "written": written,
            "solutions": solutions,
            "files": pages.files,
        }
    )


def _build(draft: Path, languages: Sequence[str]) -> None:
    """Let Sphinx build every language at once, each in a process of its own."""
    running = {}
    for language in languages:
        place = draft / language
        command = [sys.executable, "-m", SITE, str(place / "source"), str(place / "html")]
        with _log(draft, language).open("w", encoding="utf-8") as log:
            running[language] = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    # All are awaited before one that failed is told of.
    statuses = {language: process.wait() for language, process in running.items()}
    for language, status in statuses.items():
        if status != 0:
            log_of_it = _log(draft, language)
            raise PromotionError(
                f"the book cannot be built (Sphinx exits with {status}); see {log_of_it}"
            )
        _tidy(draft / language / "html", language)


def _log(draft: Path, language: str) -> Path:
    return draft / f"{language}.log"


def _tidy(built: Path, language: str) -> None:
    """Drop what no page needs, and lead from the folder to the landing page."""
    for pattern in UNREAD:
        for path in built.glob(pattern):
            path.unlink()
    sheet = built / "_static" / "styles" / "pydata-sphinx-theme.css"
    sheet.write_text(ICON.sub("", sheet.read_text(encoding="utf-8")), encoding="utf-8")
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    landing = f"{contents['root']}.html"
    (built / "index.html").write_text(ENTRY.format(language=language, landing=landing), "utf-8")
