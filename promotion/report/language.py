"""The language that the report speaks: French, its source, or another by its catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

SOURCE = "fr"
# The country decides how a date is written: 25 November 2026.
_LOCALES = {SOURCE: "fr_FR", "en": "en_GB"}
LANGUAGES = tuple(_LOCALES)

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


@dataclass(frozen=True)
class Catalogues:
    """Translations of some of the words: a gettext catalogue a language, below `folder`."""

    folder: Path
    domain: str

    def place(self, language: str) -> Path:
        """The file that holds a language's translations."""
        return self.folder / language / "LC_MESSAGES" / f"{self.domain}.po"

    def read(self, language: str) -> Catalog:
        """The translations into a language, as they stand in the repository."""
        with self.place(language).open("rb") as file:
            return read_po(file, locale=language)

    def spoken(self) -> NullTranslations:
        """The translations into the language spoken; what they lack stays French."""
        return NullTranslations() if spoken() == SOURCE else _compiled(self, spoken())


REPORT = Catalogues(Path(__file__).parent / "locale", "report")


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(_LOCALES[language])


@cache
def _compiled(catalogues: Catalogues, language: str) -> GNUTranslations:
    compiled = BytesIO()
    write_mo(compiled, catalogues.read(language))
    compiled.seek(0)
    return GNUTranslations(compiled)
