"""Builds the book: the repository's chapters with the executed notebooks in their places."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import nbformat
import yaml
from mlflow.tracking import MlflowClient

from promotion.checksums import digest_of
from promotion.errors import MissingRunsError, PromotionError
from promotion.paths import ROOT
from promotion.registry import RegisteredModel, aliases, history, versions
from promotion.report import tables
from promotion.report.calibration import calibration_rows
from promotion.report.document import render_calibration, render_original
from promotion.report.words import text
from promotion.store import Artifact, Tag, artifact, interface, links, registry_link
from promotion.study import Study

TRAINING_CHAPTER = "notebooks/2_train"
RUN_PAGES = "notebooks/runs"
CALIBRATION_PICTURE = "calibration.png"


@dataclass(frozen=True)
class Pages:
    """The runs whose notebooks become pages, and the pages that are written anew.

    `steps` maps a chapter to a run, `variants` and `failed` a run's name to it; `picture` is the
    run whose picture the landing page shows; `written` holds the Markdown of pages, by their names.
    """

    steps: dict[str, str]
    variants: dict[str, str]
    failed: dict[str, str] = field(default_factory=dict)
    picture: str = ""
    written: dict[str, str] = field(default_factory=dict)


def build_book(client: MlflowClient, study: Study, home: Path, pages: Pages) -> Path:
    """Build the HTML book from the runs' executed notebooks; return its index.html.

    Nothing is built when the same pages were built from the same sources before.

    Raises:
        MissingRunsError: a run has no executed notebook.
        PromotionError: Sphinx failed; its log is named.
    """
    index = home / "book" / "index.html"
    stamp = home / "book" / ".built"
    written = {
        **pages.written,
        "registry": _registry_page(RegisteredModel(client, study.model.registered_name)),
        "mlflow": _links(client, study),
        "original": render_original(),
        "calibration": render_calibration(),
    }
    key = _key(study, pages, written)
    if index.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == key:
        return index
    source = home / "book-source"
    _assemble(client, source, pages)
    for name, page in written.items():
        (source / "book" / f"{name}.md").write_text(page, encoding="utf-8")
    _draw_calibration(source / "book" / CALIBRATION_PICTURE)
    _build(source, home)
    stamp.write_text(key, encoding="utf-8")
    return index


def _draw_calibration(place: Path) -> None:
    # The plots bring seaborn, which no command but this one needs.
    from promotion.report import plots

    plots.calibration(calibration_rows()).savefig(place, dpi=110)


def _key(study: Study, pages: Pages, written: dict[str, str]) -> str:
    files = [ROOT / "_config.yml", ROOT / "_toc.yml", *sorted((ROOT / "book").rglob("*"))]
    sources = {str(f.relative_to(ROOT)): f.read_bytes().hex() for f in files if f.is_file()}
    return digest_of(
        {
            "sources": sources,
            "study": study.name,
            "steps": pages.steps,
            "variants": pages.variants,
            "failed": pages.failed,
            "written": written,
        }
    )


def _assemble(client: MlflowClient, source: Path, pages: Pages) -> None:
    """Lay the book's source out: chapters from the repository, notebooks from MLflow."""
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    shutil.copytree(ROOT / "book", source / "book", ignore=shutil.ignore_patterns("templates"))
    shutil.copytree(ROOT / "notebooks", source / "notebooks")
    shutil.copy(ROOT / "_config.yml", source)
    for chapter, run_id in pages.steps.items():
        _put_notebook(client, run_id, source / f"{chapter}.ipynb")
    for name, run_id in pages.variants.items():
        _put_notebook(client, run_id, source / RUN_PAGES / f"{name}.ipynb", title=name)
    for name, run_id in pages.failed.items():
        _put_failed(client, run_id, source / RUN_PAGES / name, name)
    if pages.picture:
        picture = artifact(client, pages.picture, Artifact.PICTURE)
        shutil.copy(picture, source / "book" / Artifact.PICTURE)
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    _add_run_pages(toc, [*pages.variants, *pages.failed])
    (source / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")


def _links(client: MlflowClient, study: Study) -> str:
    """Where MLflow shows what the book tells; the text of the repository before there is a run."""
    experiment = client.get_experiment_by_name(study.experiment)
    if experiment is None:
        return (ROOT / "book" / "mlflow.md").read_text(encoding="utf-8")
    base = interface(client)
    found = links(base, experiment.experiment_id)
    found["registry"] = registry_link(base, study.model.registered_name)
    # Sphinx escapes the & of a Markdown link twice.
    return text("mlflow.links").format(**{name: escape(link) for name, link in found.items()})


def _registry_page(model: RegisteredModel) -> str:
    """The page of the registry: who stands where, and all that happened."""
    stand_in = (ROOT / "book" / "registry.md").read_text(encoding="utf-8")
    registered = versions(model)
    if not registered:
        return stand_in
    heading = stand_in.partition("\n")[0]
    stands = text("registry.state").format(model=model.name)
    state = tables.registered(registered, aliases(model)).to_html()
    past = tables.history(history(model)).to_html()
    return "\n\n".join([heading, stands, state, text("registry.history"), past])


def _put_notebook(client: MlflowClient, run_id: str, place: Path, title: str = "") -> None:
    """Copy a run's executed notebook: a result's code folded away, other code left out."""
    place.parent.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.read(artifact(client, run_id, Artifact.NOTEBOOK), as_version=4)
    notebook.cells = [cell for cell in notebook.cells if not _is_papermill_banner(cell)]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            folded = "hide-input" if cell.outputs else "remove-input"
            cell.metadata["tags"] = sorted({*cell.metadata.get("tags", []), folded})
    if title:
        notebook.cells[0].source = f"# {title}\n\n" + notebook.cells[0].source.partition("\n")[2]
    nbformat.write(notebook, place)


def _is_papermill_banner(cell: Any) -> bool:
    """Papermill heads a failed notebook with a link that the book has no target for."""
    return "papermill-error-cell-tag" in cell.metadata.get("tags", [])


def _put_failed(client: MlflowClient, run_id: str, place: Path, name: str) -> None:
    """A failed variant's page: its partial notebook if it has one, else its error."""
    title = f"{name} ({text('run.failed')})"
    try:
        _put_notebook(client, run_id, place.with_name(f"{name}.ipynb"), title)
    except MissingRunsError:
        error = client.get_run(run_id).data.tags.get(Tag.ERROR, "")
        place.parent.mkdir(parents=True, exist_ok=True)
        page = f"# {title}\n\n```text\n{error}\n```\n"
        place.with_name(f"{name}.md").write_text(page, encoding="utf-8")


def _add_run_pages(toc: dict[str, Any], names: list[str]) -> None:
    """List one page a run below the training chapter."""
    for part in toc["parts"]:
        for chapter in part["chapters"]:
            if chapter.get("file") == TRAINING_CHAPTER and names:
                chapter["sections"] = [{"file": f"{RUN_PAGES}/{name}"} for name in names]


def _build(source: Path, home: Path) -> None:
    log = home / "book-build.log"
    built = source / "_build" / "html"
    program = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", program, "build", str(source), "--all", "-q"]
    with log.open("w", encoding="utf-8") as file:
        status = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT).returncode
    if status != 0 or not (built / "index.html").exists():
        raise PromotionError(
            f"the book cannot be built (jupyter-book exits with {status}); see {log}"
        )
    shutil.rmtree(home / "book", ignore_errors=True)
    shutil.move(built, home / "book")
