"""Brings the catalogues of translations up to date: `python -m promotion.report.catalogue`.

A message of `words.py` has its key as context; one of a template has none.
"""

from __future__ import annotations

from collections.abc import Iterator

from babel.messages.catalog import Catalog
from jinja2.ext import babel_extract

from promotion.report.language import REPORT
from promotion.report.templates import TEMPLATES
from promotion.report.upkeep import bring_up_to_date, flaws_of
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


def flaws(language: str) -> Iterator[str]:
    """What a language's catalogue lacks, holds beside need, or holds unsure."""
    return flaws_of(REPORT.read(language), messages())


if __name__ == "__main__":
    bring_up_to_date(REPORT, messages())
