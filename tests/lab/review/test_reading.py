"""Reading: what a student writes is found, however it is written, and nothing makes it fail."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promotion.errors import DocumentError
from promotion.lab.review import check_claims, read_decision
from promotion.lab.review.claims import claims_of
from promotion.lab.review.lexicon import SECTIONS, fold
from promotion.lab.review.reading import MOST_BYTES, read_document
from promotion.report.review import annotated_html, annotated_markdown, tell
from tests.lab.review.builders import decision

FRAGMENTS = st.sampled_from(
    [
        *(
            "# ",
            "## ",
            "- ",
            "  - ",
            "1. ",
            "> ",
            "| ",
            " |",
            "|---|",
            "\n",
            "\n\n",
            "    ",
            "```\n",
        ),
        *("Objectifs et contraintes", "Candidat promu", "Comparison", "Décision", "contrainte"),
        *("mAP@50", "mAP50-95", "précision", "rappel", "latence", " : ", " = ", "0,31", "77,4 %"),
        *("24 sur 31", "0.27-0.28", "vs", "candidat", "Run 1 (baseline)", "lr0 0.01", "stable"),
        *("yolov8n_e3_sz416_lr0.01_s42", "légèrement meilleur", "rapide", "**", "`", "[a](b)"),
        *("<script>alert(1)</script>", "\x1b[31m", "\x00", "{{ 7 }}", "é", "½", "ﬁ", "\r\n"),
    ]
)
DOCUMENTS = st.lists(FRAGMENTS | st.text(max_size=8), max_size=60).map("".join)


@pytest.mark.parametrize("name", ["original", "english", "lists", "padded"])
def test_sections_are_known_by_their_headings_in_french_or_english(name: str) -> None:
    missing = {"lists": {"risks"}}.get(name, set())
    assert set(read_document(decision(name)).sections) == set(SECTIONS) - missing


def test_the_title_is_no_section() -> None:
    """*Décision de promotion* above everything would stand in for the section that is missing."""
    found = read_document("# Décision de promotion\n\n## Candidat promu\n- run : x\n")
    assert list(found.sections) == ["candidate"]


def test_a_table_that_begins_in_a_bullet_is_a_table() -> None:
    cells = [one for one in read_document(decision("original")).clauses if len(one.labels) == 2]
    assert ("Run 1 (baseline)", "Recall") in [one.labels for one in cells]
    assert next(one.line for one in cells if one.labels[1] == "Recall") == 24


@pytest.mark.parametrize(
    ("written", "measure", "value"),
    [
        ("mAP@50 = 0.3059", "mAP50", 0.3059),
        ("mAP@50 : 0,3059", "mAP50", 0.3059),
        ("mAP 50-95 : 27 %", "mAP50-95", 0.27),
        ("mAP@[.5:.95] = 0.27", "mAP50-95", 0.27),
        ("77,4 % de rappel", "recall", 0.774),
        ("Recall: 24 of 31", "recall", 24 / 31),
        ("une précision de 0,87 %", "precision", 0.0087),
        ("latence p95 : 41,5 ms", "latency_p95_ms", 41.5),
        ("latency: 0.0415 s", "latency", 41.5),
        ("durée : 2 min", "train_seconds", 120.0),
        ("énergie : 1,5 kWh", "energy_wh", 1500.0),
    ],
)
def test_a_number_is_read_with_its_measure_and_unit(
    written: str, measure: str, value: float
) -> None:
    (figure,) = claims_of(read_document(f"## Candidat\n- {written}\n")).figures
    assert figure.measure == measure
    assert figure.value == pytest.approx(value)


@pytest.mark.parametrize(
    "written",
    [
        "mAP@50 : 0,05 [−0,15 ; 0,27]",
        "mAP@50 sur 10 images, epochs=3, imgsz=416",
        "rappel : le 2025-11-30 à 21:04:28, voir http://localhost:5000/#/runs/3",
        "mAP@50, rang #1/9",
    ],
)
def test_intervals_settings_dates_and_ranks_are_no_measurements(written: str) -> None:
    figures = claims_of(read_document(f"## Candidat\n- {written}\n")).figures
    assert {one.shown for one in figures} <= {"0,05"}


def test_a_limit_a_change_and_a_mean_are_told_from_a_value() -> None:
    text = "## Candidat\n- mAP@50 > 0,25\n- +17 % de mAP@50\n- mAP@50 moyen : 0,3\n- mAP@50 : 0,3\n"
    figures = claims_of(read_document(text)).figures
    assert [one.kind for one in figures] == ["limit", "change", "mean", "value"]


def test_two_numbers_of_one_sentence_go_to_their_own_runs() -> None:
    claims = claims_of(read_document(decision("wrong_run")))
    told = {one.subject: one.value for one in claims.figures if one.line == 12}
    assert told == {"yolov8n_e3_sz320_lr0.01_s42": 0.274, "yolov8n_e3_sz640_lr0.01_s42": 0.3228}


@given(
    value=st.floats(0.001, 0.999),
    digits=st.integers(3, 5),
    comma=st.booleans(),
    percent=st.booleans(),
    cut=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_a_measured_value_agrees_with_itself_as_written(
    value: float, digits: int, comma: bool, percent: bool, cut: bool
) -> None:
    """Rounded or cut, with a comma or a point, as a share or a percentage."""
    scaled = 100 * value if percent else value
    shown = f"{scaled:.12f}"[: -(12 - digits)] if cut else f"{scaled:.{digits}f}"
    shown = shown.replace(".", ",") if comma else shown
    text = f"## Candidat\n- rappel : {shown}{' %' if percent else ''}\n"
    (figure,) = claims_of(read_document(text)).figures
    assert figure.agrees(value)
    assert not figure.agrees(value + 3 * figure.step)


@given(DOCUMENTS)
@settings(max_examples=120, deadline=None)
def test_any_text_is_reviewed_and_shown(text: str) -> None:
    review = tell(check_claims(text, None), "x.md")
    lines = len(review.review.document.source.splitlines())
    for one in review.told:
        assert one.message
        assert one.remark.line is None or 1 <= one.remark.line <= lines
    page = annotated_html(review)
    assert "<script" not in page
    for one in review.told:
        assert annotated_markdown(review).count(one.mark)


@given(st.text(max_size=60))
def test_folding_keeps_every_letter_s_place(text: str) -> None:
    assert len(fold(text)) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "mAP 0,1 vs " * 20000,
        "[1,1," * 40000,
        "a" * 200000 + "_e1",
        "- " * 90000,
        "|" * 200000,
        "_".join(["x_e3_sz4_lr0.1"] * 12000),
        "**" * 100000,
        ">" * 200000,
    ],
    ids=["numbers", "brackets", "letters", "bullets", "bars", "names", "stars", "quotes"],
)
def test_a_hostile_document_does_not_take_forever(text: str) -> None:
    began = time.monotonic()
    check_claims(f"## Candidat promu\n{text}\n"[:MOST_BYTES], None)
    assert time.monotonic() - began < 10


def test_what_is_no_document_is_told_in_a_line(tmp_path: Path) -> None:
    binary = tmp_path / "binary.md"
    binary.write_bytes(b"\xff\xfe\x00")
    large = tmp_path / "large.md"
    large.write_bytes(b"x" * (MOST_BYTES + 1))
    for path, reason in (
        (tmp_path / "gone.md", "is no file"),
        (tmp_path, "is no file"),
        (binary, "UTF-8"),
        (large, "at most"),
    ):
        with pytest.raises(DocumentError, match=reason):
            read_decision(path)
