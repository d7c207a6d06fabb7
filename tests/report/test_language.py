"""The report in two languages: nothing is missing, and none of the other language shows."""

from __future__ import annotations

import re

import nbformat
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.comparison import Evidence
from promotion.decision import decide
from promotion.report import plots, words
from promotion.report.catalogue import flaws, messages
from promotion.report.document import render_calibration, render_original
from promotion.report.figures import CANDIDATE, Plot
from promotion.report.language import LANGUAGES, REPORT, SOURCE, in_language
from promotion.report.publication import publish, write_document, write_summary
from promotion.report.showing import OTHERS, pick, show
from tests.builders import POLICY, STUDY, canary, evidence, law_above
from tests.builders import compared as comparison_of
from tests.languages import ENGLISH, FRENCH
from tests.report.builders import registration

OTHER = [one for one in LANGUAGES if one != SOURCE]
# Names, which are of no language.
NAMES = re.compile(r"`[^`]*`|\{cite\}\S*|\[[^\]]*\]\(|\(?mlflow[^)]*\)|https?://\S+|promotion \w+")
FACT = re.compile(r"\{(\w+)(?::[^}]+)?\}|%\((\w+)\)s")


@pytest.mark.parametrize("language", OTHER)
def test_no_message_lacks_its_translation(language: str) -> None:
    """A French sentence in the middle of an English page looks like a mistake, and is one."""
    assert list(flaws(language)) == []


@pytest.mark.parametrize("language", OTHER)
def test_a_translation_tells_the_same_facts(language: str) -> None:
    """One that lost a number would say less than the original; one that invented it would fail."""
    held = REPORT.read(language)
    for message in messages():
        if message.id:
            translated = held.get(message.id, message.context)
            assert translated is not None
            assert sorted(FACT.findall(str(translated.string))) == sorted(
                FACT.findall(str(message.id))
            ), message.id


@pytest.mark.parametrize("language", OTHER)
def test_no_translation_is_left_in_french(language: str) -> None:
    for message in REPORT.read(language):
        if message.id and message.context != "language.fr":
            assert not FRENCH.search(NAMES.sub("", str(message.string))), message.string


def test_the_source_is_french() -> None:
    for message in messages():
        if message.id and message.context != "language.en":
            assert not ENGLISH.search(NAMES.sub("", str(message.id))), message.id


def studies() -> list[Evidence]:
    """A promotion, a rejection and what cannot be settled."""
    slipped = comparison_of("mAP50", 0.01, 0.3, law_above(0.02, 0.001))
    rejected = evidence(comparison=[slipped, *evidence().comparison[1:]])
    return [evidence(), rejected, evidence(worth=0.5)]


@pytest.mark.parametrize("place", range(3))
def test_a_decision_is_told_in_english_without_a_french_word(place: int) -> None:
    found = studies()[place]
    with in_language("en"):
        shown = publish(
            decide(found, POLICY, []), found, registration(), canary("stop"), "production"
        )
        told = write_document(shown, found, STUDY) + write_summary(shown, found, STUDY)
    left = NAMES.sub("", told)
    assert not FRENCH.search(left), FRENCH.search(left)
    assert "**Verdict: " in told


def test_the_other_pages_are_told_in_english_too() -> None:
    with in_language("en"):
        told = NAMES.sub("", render_original() + render_calibration())
    assert not FRENCH.search(told), FRENCH.search(told)


def test_numbers_and_dates_are_each_language_s_own() -> None:
    told = {}
    for language in LANGUAGES:
        with in_language(language):
            told[language] = (
                words.number(-1234.5, 1),
                words.percent(0.95),
                words.interval((0.05, 0.09)),
                words.day("2026-11-25"),
            )
    assert told["fr"] == (
        "−1\u202f234,5",
        "95\u00a0%",
        "[0,050\u202f;\u00a00,090]",
        "25 novembre 2026",
    )
    assert told["en"] == ("−1,234.5", "95%", "[0.050, 0.090]", "25 November 2026")


@given(st.floats(-1e6, 1e6), st.integers(0, 4))
def test_a_number_is_the_same_in_every_language(value: float, digits: int) -> None:
    """A comma that was taken for a point would be a thousand times too much."""
    with in_language("en"):
        english = words.number(value, digits)
    french = words.number(value, digits)
    assert french.replace("\u202f", "").replace(",", ".") == english.replace(",", "")


def test_a_cell_shows_its_result_in_every_language() -> None:
    """An English book is made of the same executed notebooks as the French one."""

    def told() -> str:
        return words.text("verdict.reject")

    output = nbformat.v4.new_output("execute_result", show(told)._repr_mimebundle_())
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=[output])])
    english = nbformat.from_dict(notebook)
    pick(english, "en")
    assert english.cells[0].outputs[0].data["text/plain"] == "reject"
    pick(notebook, SOURCE)
    assert notebook.cells[0].outputs[0].data["text/plain"] == "rejeter"
    for one in (notebook, english):
        assert OTHERS not in one.cells[0].outputs[0].data


def test_a_plot_is_drawn_in_the_page_s_colours_and_told_in_words() -> None:
    """On a dark page a white slab blinds, and a blind reader needs the numbers."""

    def plot() -> Plot:
        return plots.latencies(pd.DataFrame({"a_s1": [10.0, 11.0]}), {"a_s1": CANDIDATE})

    bundle = show(plot)._repr_mimebundle_()
    drawn = bundle["text/html"]
    assert "var(--plot-ink" in drawn
    assert "var(--plot-candidate" in drawn
    assert 'role="img" aria-label="Latences' in drawn
    assert "<figcaption>" in drawn
    assert "Interleaved latencies" in bundle[OTHERS]["en"]["text/html"]
    assert show(plot)._repr_mimebundle_() == bundle
