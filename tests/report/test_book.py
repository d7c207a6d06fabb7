"""The book: a page a run, the code folded away, and nothing built twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
import yaml
from mlflow.tracking import MlflowClient

from promotion.errors import MissingRunsError
from promotion.report import book
from promotion.report.book import Pages
from promotion.store import Artifact, Tag, log_bytes, start_run
from promotion.study import Study
from tests.builders import connect_to, registered_in, registry_of


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
    book._assemble(client, place / "source", pages)
    return place / "source"


def test_a_result_s_code_is_folded_and_other_code_left_out(
    client: MlflowClient, tmp_path: Path
) -> None:
    """The reader came for results; who wants the code unfolds it."""
    pages = Pages(steps={"notebooks/4_decide": executed(client)}, variants={})
    page = nbformat.read(source(client, tmp_path, pages) / "notebooks/4_decide.ipynb", 4)
    assert [cell.metadata.get("tags", []) for cell in page.cells] == [
        [],
        ["hide-input"],
        ["remove-input"],
    ]


def test_each_variant_has_its_page_below_the_training(client: MlflowClient, tmp_path: Path) -> None:
    name = "yolov8n_e1_sz96_lr0.002_s1"
    folder = source(client, tmp_path, Pages(steps={}, variants={name: executed(client)}))
    page = nbformat.read(folder / "notebooks" / "runs" / f"{name}.ipynb", 4)
    assert page.cells[0].source.startswith(f"# {name}\n")
    toc = yaml.safe_load((folder / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [one for part in toc["parts"] for one in part["chapters"]]
    training = next(one for one in chapters if one["file"] == "notebooks/2_train")
    assert training["sections"] == [{"file": f"notebooks/runs/{name}"}]


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


def test_the_landing_page_s_picture_comes_from_its_run(
    client: MlflowClient, tmp_path: Path
) -> None:
    run_id = executed(client)
    log_bytes(client, run_id, Artifact.PICTURE, b"a picture")
    folder = source(client, tmp_path, Pages(steps={}, variants={}, picture=run_id))
    assert (folder / "book" / Artifact.PICTURE).read_bytes() == b"a picture"


def test_the_registry_s_page_tells_who_stands_where_and_what_happened(registry_home: Path) -> None:
    model = registry_of(registry_home)
    page = book._registry_page(model)
    assert "mise en Production" in page
    assert "<td>previous</td>" in page


def test_the_book_links_to_mlflow_s_views_of_its_study(client: MlflowClient, smoke: Study) -> None:
    """Opened without a mode, MLflow shows an experiment of agents, with no trace in it."""
    number = client.get_experiment_by_name(smoke.experiment).experiment_id
    shown = book._links(client, smoke)
    assert f"http://127.0.0.1:5000/#/experiments/{number}/runs?viewStateShareKey=grid" in shown
    assert shown.count("workflowType=machine_learning") == 4
    assert "/#/models/person-detector?" in shown


def test_an_empty_registry_says_so(client: MlflowClient) -> None:
    assert "Aucune version n’est enregistrée" in book._registry_page(registered_in(client))


def test_what_the_book_shows_is_what_makes_it_another(smoke: Study) -> None:
    """Sphinx takes half a minute: the same pages are not built twice, and no change is missed."""

    def key(**changes: object) -> str:
        facts = {"steps": {"notebooks/4_decide": "one"}, "variants": {"a": "one"}, **changes}
        return book._key(smoke, Pages(**facts), {"decision": "# La décision"})  # type: ignore[arg-type]

    same = key()
    assert key() == same
    for changes in (
        {"steps": {"notebooks/4_decide": "other"}},
        {"variants": {"a": "other"}},
        {"failed": {"b": "one"}},
    ):
        assert key(**changes) != same
    pages = Pages(steps={"notebooks/4_decide": "one"}, variants={"a": "one"})
    assert book._key(smoke, pages, {"decision": "# Une autre"}) != same
