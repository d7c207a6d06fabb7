"""Words: numbers as French writes them, typography that holds, a catalogue without a gap."""

from __future__ import annotations

import json
import re
from pathlib import Path
from string import Formatter

import pytest

from promotion.metrics import MEASURES
from promotion.paths import ROOT
from promotion.report import words

BAD_SPACE = re.compile(r"(?<=\S) (?=[:;!?%»](?:\s|$))|« ")


def test_numbers_are_written_as_in_french() -> None:
    assert words.number(1234.5, 1) == "1\u202f234,5"
    assert words.number(-0.25, 2) == "\u22120,25"
    assert words.signed(0.25, 2) == "+0,25"
    assert words.percent(0.125, 1) == "12,5\u00a0%"
    assert words.number(None) == "—"


def test_a_probability_is_never_one_or_zero() -> None:
    assert words.relation(1.0) == ">\u00a00,999"
    assert words.relation(0.0) == "<\u00a00,001"
    assert words.relation(0.5) == "=\u00a00,500"
    assert words.probability(0.5) == "0,500"


def test_typesetting_is_idempotent() -> None:
    once = words.typeset("gain : « oui » ; 5 % !")
    assert once == "gain\u00a0: «\u00a0oui\u00a0»\u202f; 5\u00a0%\u202f!"
    assert words.typeset(once) == once


@pytest.mark.parametrize("path", sorted((ROOT / "book").glob("*.md")), ids=lambda p: p.name)
def test_the_chapters_have_no_break_spaces_before_high_punctuation(path: Path) -> None:
    content = path.read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```|`[^`]*`", "", content, flags=re.DOTALL)
    assert not BAD_SPACE.findall(prose)


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.name)
def test_the_notebooks_prose_has_them_too(path: Path) -> None:
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            assert not BAD_SPACE.findall("".join(cell["source"]))


def test_a_text_that_is_not_in_the_catalogue_is_an_error() -> None:
    """A key that fell through would be shown to the reader as `metric.recal`."""
    with pytest.raises(KeyError):
        words.text("metric.recal")
    with pytest.raises(KeyError):
        words.sentence("registered.yes", {})


def test_a_text_formats_its_facts_as_it_asks() -> None:
    told = words.sentence(
        "risk.optimism",
        {
            "metric": "recall",
            "val": 0.61,
            "test": 0.6,
            "gap": 0.01,
            "rivals": 3,
            "optimism": 0.004,
        },
    )
    assert "rappel" in told
    assert "+0,004" in told
    assert "parmi 3 configurations" in told


def test_every_text_can_be_typeset_and_asks_only_for_known_formats() -> None:
    """A misspelt format would break one report in a hundred, on the day that it is needed."""
    known = {"", *words._FORMATS}
    for key, french in words.TEXTS.items():
        assert words.typeset(words.text(key)) == words.text(key), key
        asked = {form for _, name, form, _ in Formatter().parse(french) if name is not None}
        assert {form for form in asked if not form or form.count("|") != 1} <= known, key


def test_a_count_brings_its_word_in_its_number() -> None:
    """The reader of a report is not told « 1 tranche(s) »."""
    for count, told in ((0, "0 chapitre tenu"), (1, "1 chapitre tenu"), (2, "2 chapitres tenus")):
        shown = words.sentence("class.summary", {"passed": count, "chapters": 9})
        assert shown == f"{told} sur 9."
    for text in words.TEXTS.values():
        assert not re.search(r"\w\((s|x|nt)\)", text), text


def test_what_rounds_to_nothing_has_no_sign() -> None:
    assert words.signed(-0.0001) == words.signed(0.0001) == words.number(-0.0004) == "0,000"
    assert words.signed(-0.0006) == "−0,001"
    assert words.percent(-0.001) == "0\u00a0%"


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_has_its_words(name: str) -> None:
    assert words.text(f"metric.{name}")
    assert words.text(f"protects.{name}")


def test_what_is_not_known_is_a_dash() -> None:
    assert words.number(float("nan")) == words.percent(None) == words.interval(None) == "—"
    assert words.measured("latency_p95_ms", None) == "—"


def test_many_names_are_cut_with_their_number() -> None:
    assert words.some(["a", "b"]) == "a\u202f; b"
    assert words.some(list("abcdef")).endswith("et 2 autres")
