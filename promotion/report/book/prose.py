"""The chapters' prose in the language spoken, by gettext catalogues that Sphinx reads as well.

French stands in `book/*.md`, in the notebooks' Markdown, and in the words of `_config.yml` and
`_toc.yml`; `book/locale/` holds a catalogue a language.
"""

from __future__ import annotations

import gettext
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from promotion.paths import ROOT
from promotion.report.language import SOURCE, spoken

CATALOGUES = ROOT / "book" / "locale"
DOMAIN = "prose"
# The settings of `_config.yml` that a reader sees, by their place in it.
SETTINGS = (
    ("title",),
    ("author",),
    ("sphinx", "config", "nb_code_prompt_show"),
    ("sphinx", "config", "nb_code_prompt_hide"),
)


def catalogue_of(language: str) -> Path:
    """The file that holds the prose in a language."""
    return CATALOGUES / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read_catalogue(language: str) -> Catalog:
    """The prose in a language, as it stands in the repository."""
    with catalogue_of(language).open("rb") as file:
        return read_po(file, locale=language)


def translated(french: str) -> str:
    """A message in the language spoken; one that the catalogue lacks stays French."""
    return french if spoken() == SOURCE else _translations(spoken()).gettext(french)


@cache
def _translations(language: str) -> gettext.NullTranslations:
    compiled = BytesIO()
    write_mo(compiled, read_catalogue(language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def translate_settings(settings: dict[str, Any]) -> None:
    """Put the words of `_config.yml` into the language spoken."""
    for section, key in _worded(settings):
        section[key] = translated(section[key])


def translate_contents(contents: dict[str, Any]) -> None:
    """Put the words of `_toc.yml` into the language spoken."""
    for part in contents["parts"]:
        part["caption"] = translated(part["caption"])


def words_of(settings: dict[str, Any], contents: dict[str, Any]) -> list[str]:
    """The words of `_config.yml` and of `_toc.yml`."""
    captions = [part["caption"] for part in contents["parts"]]
    return [section[key] for section, key in _worded(settings)] + captions


def _worded(settings: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """The settings that a reader sees: the section that each stands in, and its key."""
    found = []
    for *path, key in SETTINGS:
        section = settings
        for name in path:
            section = section[name]
        found.append((section, key))
    return found
