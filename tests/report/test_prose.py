"""The prose in another language is whole, and says what the French says."""

from __future__ import annotations

import re

import pytest

from promotion.report.book.extraction import flaws
from promotion.report.language import LANGUAGES, SOURCE, in_language
from promotion.report.prose import PROSE, translate_contents, translated

OTHERS = [language for language in LANGUAGES if language != SOURCE]
# Code, targets of links and citations, which no translation may change.
KEPT = re.compile(r"`[^`]+`|\]\([^)]+\)")


@pytest.mark.slow
@pytest.mark.parametrize("language", OTHERS)
def test_no_message_is_missing_unsure_or_of_no_page(language: str) -> None:
    """`python -m promotion.report.book.extraction` names what is left to translate."""
    assert list(flaws(language)) == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_keeps_the_code_the_links_and_the_citations(language: str) -> None:
    messages = [one for one in PROSE.read(language) if one.id]
    assert len(messages) > 200
    for one in messages:
        assert sorted(KEPT.findall(one.string)) == sorted(KEPT.findall(one.id)), one.id


def test_a_message_is_in_the_language_spoken() -> None:
    assert translated("Les preuves") == "Les preuves"
    with in_language("en"):
        contents = {"parts": [{"caption": "Les preuves"}]}
        translate_contents(contents)
        assert contents == {"parts": [{"caption": "The evidence"}]}
        assert translated("Une phrase que personne n’a traduite") == (
            "Une phrase que personne n’a traduite"
        )
