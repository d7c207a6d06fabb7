"""Brings the catalogues of translations up to date: `python -m promotion.report.catalogue`.

A message of `words.py` has its key as context; one of a template has none. What is new stands in
the catalogue with an empty translation, for a person to fill; what nobody says any more is gone.
"""

from __future__ import annotations

from collections.abc import Iterator

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from promotion.report.document import TEMPLATES
from promotion.report.language import LANGUAGES, SOURCE, catalogue_of
from promotion.report.words import TEXTS

FUNCTIONS = ("_", "gettext")
# How the templates are read, as `document.py` renders them.
TEMPLATE_OPTIONS = dict.fromkeys(
    ("trimmed", "trim_blocks", "lstrip_blocks", "newstyle_gettext"), "true"
)


def messages() -> Catalog:
    """Every message of the report, in French."""
    found = Catalog(project="promotion", charset="utf-8")
    for key, french in TEXTS.items():
        found.add(french, context=key)
    for path in sorted(TEMPLATES.glob("*.j2")):
        with path.open("rb") as file:
            for _, _, message, _ in babel_extract(file, FUNCTIONS, (), TEMPLATE_OPTIONS):
                # Of a call, the first argument is the message and the others are its facts.
                said = message[0] if isinstance(message, tuple) else message
                found.add(str(said), locations=[(path.name, 0)])
    return found


def catalogue(language: str) -> Catalog:
    """The translations into a language, as they stand in the repository."""
    with catalogue_of(language).open("rb") as file:
        return read_po(file, locale=language)


def flaws(language: str) -> Iterator[str]:
    """What a catalogue lacks, holds beside need, or holds unsure, a message at a time."""
    wanted, held = messages(), catalogue(language)
    for message in wanted:
        if message.id:
            yield from _flaws_of(message, held.get(message.id, message.context))
    for message in held:
        if message.id and wanted.get(message.id, message.context) is None:
            yield f"nobody says: {message.id}"


def _flaws_of(message: Message, translated: Message | None) -> Iterator[str]:
    if translated is None or not translated.string:
        yield f"not translated: {message.context or ''} {message.id}"
    elif translated.fuzzy:
        yield f"not sure: {message.context or ''} {message.id}"


def update(language: str) -> None:
    """Add what is new to a catalogue and drop what is no longer said; translations stay."""
    held = catalogue(language)
    held.update(messages(), no_fuzzy_matching=True, update_creation_date=False)
    with catalogue_of(language).open("wb") as file:
        write_po(file, held, width=0, ignore_obsolete=True, include_lineno=False)


def main() -> None:
    """Update every catalogue and say what is left to translate."""
    for language in LANGUAGES:
        if language != SOURCE:
            update(language)
            for flaw in flaws(language):
                print(f"{language}: {flaw}")


if __name__ == "__main__":
    main()
