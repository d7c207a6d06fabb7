"""The language that the report speaks: French, its source, or another by its catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

SOURCE = "fr"
# The country decides how a date is written: 25 November 2026.
_LOCALES = {SOURCE: "fr_FR", "en": "en_GB"}
LANGUAGES = tuple(_LOCALES)
CATALOGUES = Path(__file__).parent / "locale"

_spoken: ContextVar[str] = ContextVar("language", default=SOURCE)


@contextmanager
def in_language(language: str) -> Iterator[None]:
    """Whatever is told within is told in this language.

    Raises:
        ValueError: the report does not speak it.
    """
    if language not in LANGUAGES:
        raise ValueError(f"the report speaks {', '.join(LANGUAGES)}, not {language}")
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> str:
    """The language that the report speaks now."""
    return _spoken.get()


def locale() -> Locale:
    """How that language writes numbers and dates."""
    return _locale(spoken())


def translations() -> NullTranslations:
    """The catalogue of that language; what it lacks stays French."""
    return _translations(spoken())


def catalogue_of(language: str) -> Path:
    """The file that holds a language's translations of the report."""
    return CATALOGUES / language / "LC_MESSAGES" / "report.po"


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(_LOCALES[language])


@cache
def _translations(language: str) -> NullTranslations:
    if language == SOURCE:
        return NullTranslations()
    with catalogue_of(language).open("rb") as file:
        messages = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return GNUTranslations(compiled)
