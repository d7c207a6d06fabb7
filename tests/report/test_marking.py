"""The students' sheets and the class's marks: what they say, and that nothing in them acts."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from bs4 import BeautifulSoup

from promotion.audit.finding import finding
from promotion.lab.classroom import Mark, Roster, twins
from promotion.lab.homework import CHAPTERS, Point
from promotion.lab.review import Remark, check_claims
from promotion.report.language import in_language
from promotion.report.marking import marks_csv, marks_html, sheets_html
from promotion.study import Study

HOSTILE = '=HYPERLINK("http://x","y")</li><script>alert(1)</script>\u202e\x1b[31m'


def marked(student: str, **more: object) -> Mark:
    """A student who has done everything well, but for what is said otherwise."""
    points = {name: [Point(id=f"{name}.one", state="held")] for name in CHAPTERS}
    facts = {"handed_in": True, "findings": [], "remarks": [], "unread": {}, "points": points}
    return Mark.model_validate({"student": student, **facts, **more})


def rows(marks: list[Mark]) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(marks_csv(marks, twins(marks)))))


def test_each_student_has_a_row_and_each_chapter_a_word() -> None:
    points = {
        "run": [Point(id="run.name", state="held"), Point(id="run.recall", state="wrong")],
        "grid": [Point(id="grid.best", state="missing")],
        "error": [Point(id="error.persons", state="held")],
    }
    one, other = rows([marked("student01"), marked("student02", points=points, handed_in=False)])
    assert one["Chapitres tenus"] == "9"
    assert one["Rendu"] == "oui"
    assert other["Rendu"] == "non"
    assert other["Chapitres tenus"] == "1"
    assert [other[name] for name in ("Suivre un run", "La grille", "Trouvez l’erreur")] == [
        "à revoir",
        "manque",
        "tenu",
    ]
    # What was not looked at is not passed.
    assert other["Le hasard"] == "inconnu"


def test_who_shares_what_with_whom_is_told() -> None:
    marks = [
        marked("student01", timed={"a", "b"}, wording="w"),
        marked("student02", timed={"b"}, untimed={"c"}),
        marked("student03", untimed={"c"}, wording="w"),
        marked("student04", timed={"d"}),
    ]
    found = {row["Élève"]: row for row in rows(marks)}
    assert found["student01"]["Mêmes runs, temps compris"] == "student02"
    assert found["student02"]["Mêmes mesures, sans temps"] == "student03"
    assert found["student01"]["Même décision"] == "student03"
    same = ("Mêmes runs, temps compris", "Mêmes mesures, sans temps", "Même décision")
    assert [found["student04"][name] for name in same] == ["", "", ""]
    page = BeautifulSoup(marks_html(marks, twins(marks)), "html.parser")
    assert "student02" in page.find(id="student01").get_text()  # type: ignore[union-attr]
    assert "student01" not in page.find(id="student04").get_text()  # type: ignore[union-attr]


def hostile() -> Mark:
    flaw = finding("empty-run", "blocking", False, names=[HOSTILE])
    remark = next(
        one
        for one in check_claims(f"# {HOSTILE}\n\nLe modèle est rapide.", None).remarks
        if one.failed
    )
    forged = Remark(
        **{**remark.model_dump(), "id": "run", "said": "absent"}
        | {"facts": {"name": HOSTILE, "runs": 1, "experiment": HOSTILE}}
    )
    return marked("student01", findings=[flaw], remarks=[forged], unread={"runs": HOSTILE})


def test_nothing_that_a_student_wrote_acts_in_the_page() -> None:
    page = marks_html([hostile()], {})
    found = BeautifulSoup(page, "html.parser")
    assert found.find("script") is None
    assert "alert(1)" in found.get_text()
    assert "\u202e" not in page
    assert "\x1b" not in page
    policy = found.find("meta", attrs={"http-equiv": "Content-Security-Policy"})
    assert str(policy["content"]).startswith("default-src 'none'")  # type: ignore[index]


def test_nothing_that_a_student_wrote_is_in_the_spreadsheet() -> None:
    sheet = marks_csv([hostile()], {})
    assert "HYPERLINK" not in sheet
    cells = [cell for row in csv.reader(StringIO(sheet)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))]
    # A spreadsheet that takes semicolons for separators finds no formula either.
    assert ";" not in sheet


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_sheet_sets_all_that_a_student_needs(smoke: Study, language: str) -> None:
    roster = Roster(
        address="http://10.0.0.1:5000",
        teacher="never",
        key="shown",
        students={"student01": "secretone", "student02": "secrettwo"},
    )
    with in_language(language):
        page = BeautifulSoup(sheets_html(roster, smoke), "html.parser")
    assert page.html
    assert page.html["lang"] == language
    first, second = page.find_all("section")
    for line in (
        'export MLFLOW_TRACKING_PASSWORD="secretone"',
        '$env:MLFLOW_TRACKING_URI = "http://10.0.0.1:5000"',
        'export PROMOTION_SET="experiment=student01_smoke;'
        'model.registered_name=student01_person-detector"',
    ):
        assert line in first.get_text()
    assert "secretone" not in second.get_text()
    assert "never" not in page.get_text()
