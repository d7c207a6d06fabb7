from __future__ import annotations

import json
import re

import pytest

from promotion.paths import ROOT
from promotion.report import words as texts

BAD_SPACE = re.compile(r"(?<=\S) (?=[:;!?%»](?:\s|$))|« ")


def test_numbers_are_written_as_in_french() -> None:
    assert texts.number(1234.5, 1) == "1\u202f234,5"
    assert texts.number(-0.25, 2) == "\u22120,25"
    assert texts.signed(0.25, 2) == "+0,25"
    assert texts.percent(0.125, 1) == "12,5\u00a0%"
    assert texts.number(None) == "—"


def test_a_probability_is_never_one_or_zero() -> None:
    assert texts.relation(1.0) == ">\u00a00,999"
    assert texts.relation(0.0) == "<\u00a00,001"
    assert texts.relation(0.5) == "=\u00a00,500"
    assert texts.probability(0.5) == "0,500"


def test_typesetting_is_idempotent() -> None:
    once = texts.typeset("gain : « oui » ; 5 % !")
    assert once == "gain\u00a0: «\u00a0oui\u00a0»\u202f; 5\u00a0%\u202f!"
    assert texts.typeset(once) == once


@pytest.mark.parametrize("path", sorted((ROOT / "book").glob("*.md")), ids=lambda p: p.name)
def test_the_chapters_have_no_break_spaces_before_high_punctuation(path: object) -> None:
    content = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    prose = re.sub(r"```.*?```|`[^`]*`", "", content, flags=re.DOTALL)
    assert not BAD_SPACE.findall(prose)


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.name)
def test_the_notebooks_prose_too_and_they_carry_no_output(path: object) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))  # type: ignore[attr-defined]
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            assert not BAD_SPACE.findall(source)
        else:
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
            assert len(source.splitlines()) <= 22
