"""Keeps catalogues of translations whole, whichever words they are of.

What is new stands in a catalogue with an empty translation, for a person to fill; what nobody says
any more is gone.
"""

from __future__ import annotations

from collections.abc import Iterator

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import write_po

from promotion.report.language import LANGUAGES, SOURCE, Catalogues


def flaws_of(held: Catalog, wanted: Catalog) -> Iterator[str]:
    """What a catalogue lacks, holds beside need, or holds unsure, a message at a time."""
    for message in wanted:
        translated = held.get(message.id, message.context)
        if message.id and (translated is None or not translated.string):
            yield f"not translated: {_named(message)}"
        elif message.id and translated and translated.fuzzy:
            yield f"not sure: {_named(message)}"
    for message in held:
        if message.id and wanted.get(message.id, message.context) is None:
            yield f"nobody says: {_named(message)}"


def bring_up_to_date(catalogues: Catalogues, wanted: Catalog) -> None:
    """Add what is new, drop what is no longer said, and print what is left to translate."""
    for language in LANGUAGES:
        if language == SOURCE:
            continue
        held = catalogues.read(language)
        held.update(wanted, no_fuzzy_matching=True, update_creation_date=False)
        with catalogues.place(language).open("wb") as file:
            write_po(file, held, width=0, ignore_obsolete=True, include_lineno=False)
        for flaw in flaws_of(catalogues.read(language), wanted):
            print(f"{language}: {flaw}")


def _named(message: Message) -> str:
    return f"{message.context} {message.id}" if message.context else str(message.id)
