"""The index of a home's books: every study with its verdict, its date and its languages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from promotion.paths import ROOT
from promotion.report.language import LANGUAGES, SOURCE, in_language
from promotion.report.templates import environment
from promotion.report.words import day, text

FACTS = "book.json"
TEMPLATE = "shelf.html"


@dataclass(frozen=True)
class Volume:
    """A study's book; `verdict` is `none` and `decided` empty where nothing is decided yet.

    `decided` is a day in ISO 8601, `languages` those that the book is built in.
    """

    study: str
    verdict: str
    decided: str
    languages: Sequence[str]


def put_on_shelf(books: Path, volume: Volume) -> None:
    """Note a study's book, and write the index of all books anew."""
    (books / volume.study / FACTS).write_text(json.dumps(asdict(volume)), encoding="utf-8")
    found = [json.loads(path.read_text(encoding="utf-8")) for path in books.glob(f"*/{FACTS}")]
    volumes = sorted((Volume(**facts) for facts in found), key=_age, reverse=True)
    spoken = [name for name in LANGUAGES if any(name in one.languages for one in volumes)]
    for language in spoken:
        with in_language(language):
            page = _render(volumes, language, spoken)
        (books / page_of(language, spoken)).write_text(page, encoding="utf-8")


def page_of(language: str, spoken: Sequence[str]) -> str:
    """The file of the index in a language: that of French, or of the only one, is index.html."""
    first = SOURCE if SOURCE in spoken else spoken[0]
    return "index.html" if language == first else f"{language}.html"


def _age(volume: Volume) -> tuple[str, str]:
    return volume.decided, volume.study


def _render(volumes: Sequence[Volume], language: str, spoken: Sequence[str]) -> str:
    jinja = environment(ROOT / "book" / "theme", autoescape=True)
    return jinja.get_template(TEMPLATE).render(
        volumes=volumes,
        language=language,
        pages={name: page_of(name, spoken) for name in spoken},
        text=text,
        day=day,
    )
