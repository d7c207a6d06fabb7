"""The book's source: a page a run, the code folded away, the chatter left out."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from mlflow.tracking import MlflowClient

from promotion.errors import MissingRunsError
from promotion.paths import ROOT
from promotion.report.book import source as laid_out
from promotion.report.book.source import Pages, lay_out, written_pages
from promotion.report.language import in_language, spoken
from promotion.store import Artifact, Tag, log_bytes, start_run
from promotion.study import Study, load_study
from tests.builders import SMOKE, connect_to, registered_in, registry_of

pytestmark = pytest.mark.slow


@pytest.fixture
def client(empty_store: Path, tmp_path: Path) -> MlflowClient:
    shutil.copy(empty_store, tmp_path)
    return connect_to(tmp_path, "smoke")


def executed(client: MlflowClient, *extra: nbformat.NotebookNode) -> str:
    """A run with an executed notebook: a title, a result, and code that shows nothing."""
    shown = nbformat.v4.new_output("stream", text="0,612")
    cells = [
        nbformat.v4.new_markdown_cell("# L’entraînement\n\nUne variante."),
        nbformat.v4.new_code_cell("print(1)", outputs=[shown]),
        nbformat.v4.new_code_cell("import os"),
        *extra,
    ]
    run_id = start_run(client, "smoke", "a run", {})
    content = nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode()
    log_bytes(client, run_id, Artifact.NOTEBOOK, content)
    return run_id


def source(client: MlflowClient, place: Path, pages: Pages) -> Path:
    written = {spoken(): written_pages(client, load_study(SMOKE), pages)}
    lay_out(client, place / "source", pages, written)
    return place / "source"


def test_a_result_s_code_is_folded_and_other_code_left_out(
    client: MlflowClient, tmp_path: Path
) -> None:
    """The reader came for results; who wants the code unfolds it."""
    pages = Pages(steps={"notebooks/4_decide": executed(client)}, variants={})
    page = nbformat.read(source(client, tmp_path, pages) / "notebooks/4_decide.ipynb", 4)
    assert [cell.metadata.get("tags", []) for cell in page.cells] == [
        [],
        [],
        ["hide-input"],
        ["remove-input"],
    ]
    assert f"/runs/{pages.steps['notebooks/4_decide']}?" in page.cells[1].source


def test_the_landing_page_leads_to_what_a_reader_takes_away(
    client: MlflowClient, tmp_path: Path
) -> None:
    """Without a browser there is no PDF, and the page says so instead of a link to nothing."""
    written = {"fr": {"summary": "# Promouvoir", "decision": "# Décision"}}
    pages = Pages(steps={}, variants={}, files={"fr": {"decision.json": "{}"}})
    for paper in (b"%PDF", None):
        place = tmp_path / str(paper)
        lay_out(client, place, pages, written, paper=paper)
        for name in ("summary", "decision"):
            page = (place / "book" / f"{name}.md").read_text(encoding="utf-8")
            assert "{download}`decision.json <files/decision.json>`" in page
            assert ("<files/decision.pdf>" in page) == (paper is not None)
            assert ("Pas de PDF" in page) == (paper is None)
        assert (place / "book/files/decision.pdf").exists() == (paper is not None)


def test_each_variant_has_its_page_below_the_training(client: MlflowClient, tmp_path: Path) -> None:
    name = "yolov8n_e1_sz96_lr0.002_s1"
    folder = source(client, tmp_path, Pages(steps={}, variants={name: executed(client)}))
    page = nbformat.read(folder / "notebooks" / "runs" / f"{name}.ipynb", 4)
    assert page.cells[0].source.startswith(f"# {name}\n")
    toc = yaml.safe_load((folder / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [one for part in toc["parts"] for one in part["chapters"]]
    training = next(one for one in chapters if one["file"] == "book/runs")
    assert training["sections"] == [{"file": f"notebooks/runs/{name}"}]


@pytest.mark.parametrize("solutions", [False, True])
def test_a_student_s_book_answers_nothing_that_the_lab_asks(
    client: MlflowClient, tmp_path: Path, solutions: bool
) -> None:
    """The teacher's holds the solutions, and the page that reads the lab's table again."""
    pages = Pages(steps={}, variants={})
    written = {"fr": written_pages(client, load_study(SMOKE), pages)}
    lay_out(client, tmp_path / "source", pages, written, solutions)
    contents = (tmp_path / "source" / "_toc.yml").read_text(encoding="utf-8")
    assert ("book/original" in contents) == solutions
    exercises = [*(tmp_path / "source" / "exercises").glob("*.ipynb")]
    assert {f"exercises/{one.stem}" for one in exercises} == set(
        re.findall(r"exercises/\w+", contents)
    )
    for place in exercises:
        page = nbformat.read(place, 4)
        told = "\n".join(cell.source for cell in page.cells)
        assert ("YOUR CODE HERE\n" in told) != solutions, place.name
        assert "### BEGIN SOLUTION" not in told


def test_a_failed_variant_shows_how_far_it_came_or_at_least_why(
    client: MlflowClient, tmp_path: Path
) -> None:
    """A failure that the book hides is a failure that the grid's winner profits from."""
    banner = nbformat.v4.new_markdown_cell(
        "An error occurred", metadata={"tags": ["papermill-error-cell-tag"]}
    )
    partial = executed(client, banner)
    bare = start_run(client, "smoke", "bare", {Tag.ERROR: "RuntimeError: out of memory"})
    pages = Pages(steps={}, variants={}, failed={"half": partial, "bare": bare})
    runs = source(client, tmp_path, pages) / "notebooks" / "runs"
    half = nbformat.read(runs / "half.ipynb", 4)
    assert half.cells[0].source.startswith("# half (échec)")
    assert not [cell for cell in half.cells if "An error occurred" in cell.source]
    assert "RuntimeError: out of memory" in (runs / "bare.md").read_text(encoding="utf-8")


def test_a_step_that_lost_its_notebook_is_named(client: MlflowClient, tmp_path: Path) -> None:
    bare = start_run(client, "smoke", "bare", {})
    with pytest.raises(MissingRunsError, match=r"notebook\.ipynb"):
        source(client, tmp_path, Pages(steps={"notebooks/4_decide": bare}, variants={}))


def test_what_a_library_logs_is_no_result(client: MlflowClient, tmp_path: Path) -> None:
    """Two warnings of another program, one screen below the verdict, are not about the verdict."""
    outputs = [
        nbformat.v4.new_output("stream", name="stderr", text="WARNING mlflow: no such thing"),
        nbformat.v4.new_output("execute_result", data={"text/plain": "Publication(verdict=…)"}),
    ]
    chatty = nbformat.v4.new_code_cell("publish()", outputs=outputs)
    pages = Pages(steps={"notebooks/5_register": executed(client, chatty)}, variants={})
    page = nbformat.read(source(client, tmp_path, pages) / "notebooks/5_register.ipynb", 4)
    assert page.cells[-1].outputs == []
    assert page.cells[-1].metadata["tags"] == ["remove-input"]


def test_a_step_that_was_not_executed_shows_no_code(client: MlflowClient, tmp_path: Path) -> None:
    """Code with the defaults of another study would be read as what was done."""
    folder = source(client, tmp_path, Pages(steps={}, variants={}))
    page = nbformat.read(folder / "notebooks" / "6_canary.ipynb", 4)
    assert [cell.cell_type for cell in page.cells] == ["markdown", "markdown"]
    assert "n’a pas été exécutée" in page.cells[1].source


def test_the_landing_page_s_picture_speaks_the_book_s_language(
    client: MlflowClient, tmp_path: Path
) -> None:
    run_id = executed(client)
    for language, told in (("fr", "trouvées"), ("en", "found")):
        log_bytes(client, run_id, Artifact.document(Artifact.PICTURE, language), told.encode())
    pages = Pages(steps={}, variants={}, picture=run_id)
    with in_language("en"):
        english = source(client, tmp_path / "en", pages)
    assert (english / "book" / laid_out.LANDING_PICTURE).read_text(encoding="utf-8") == "found"
    french = source(client, tmp_path / "fr", pages)
    assert (french / "book" / laid_out.LANDING_PICTURE).read_text(encoding="utf-8") == "trouvées"


def test_a_book_without_a_picture_has_a_landing_page(client: MlflowClient, tmp_path: Path) -> None:
    """Before the diagnosis there is none, and a run of an older version has none either."""
    for place, run_id in (("none", ""), ("older", executed(client))):
        folder = source(client, tmp_path / place, Pages(steps={}, variants={}, picture=run_id))
        assert (folder / "book" / laid_out.LANDING_PICTURE).read_text(encoding="utf-8") == ""


@pytest.mark.parametrize("verdict", ["promote", "reject", "inconclusive", "none"])
def test_the_book_s_mark_is_that_of_the_verdict(
    client: MlflowClient, tmp_path: Path, verdict: str
) -> None:
    """A green tick over a rejected candidate says the opposite of the page below it."""
    pages = Pages(steps={}, variants={}, verdict=verdict)
    marks = {one.stem: one.read_bytes() for one in (ROOT / "book" / "marks").glob("*.svg")}
    assert (source(client, tmp_path, pages) / "book" / "logo.svg").read_bytes() == marks[verdict]
    assert len(set(marks.values())) == 4


def test_every_run_has_its_row_which_leads_to_its_page(client: MlflowClient, smoke: Study) -> None:
    good, bad = executed(client), executed(client)
    client.log_metric(good, "mAP50", 0.612)
    client.log_param(good, "seed", 42)
    pages = Pages({}, {"good": good}, {"bad": bad}, {"good": "candidate"})
    page = BeautifulSoup(written_pages(client, smoke, pages)["run_table"], "html.parser")
    rows = page.select("tbody tr")
    assert [row.th.a["href"] for row in rows] == [
        "../notebooks/runs/good.html",
        "../notebooks/runs/bad.html",
    ]
    assert [row.td.text for row in rows] == ["candidat", "échec"]
    assert rows[0]["class"] == ["candidate"]
    shown = rows[0].find("td", attrs={"data-sort": "0.612"})
    assert shown is not None
    assert shown.text == "0,612"


def test_the_registry_s_page_tells_who_stands_where_and_what_happened(registry_home: Path) -> None:
    page = laid_out._registry_page(registry_of(registry_home))
    assert "mise en Production" in page
    assert "<td>previous</td>" in page
    assert "/#/models/person-detector/versions/4?" in page


def test_the_book_links_to_mlflow_s_views_of_its_study(client: MlflowClient, smoke: Study) -> None:
    """Opened without a mode, MLflow shows an experiment of agents, with no trace in it."""
    number = client.get_experiment_by_name(smoke.experiment).experiment_id
    shown = laid_out._links(client, smoke)
    assert f"http://127.0.0.1:5000/#/experiments/{number}/runs?viewStateShareKey=grid" in shown
    assert shown.count("workflowType=machine_learning") == 4
    assert "/#/models/person-detector?" in shown


def test_an_empty_registry_says_so(client: MlflowClient) -> None:
    assert "Aucune version n’est enregistrée" in laid_out._registry_page(registered_in(client))
