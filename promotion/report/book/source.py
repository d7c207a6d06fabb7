"""Lays a book's source out: the repository's chapters, the executed notebooks in their places."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import nbformat
import yaml
from mlflow.tracking import MlflowClient

from promotion.errors import MissingRunsError
from promotion.lab.exercises import EXERCISES, exercise
from promotion.outside import as_markdown, fenced
from promotion.paths import ROOT
from promotion.registry import RegisteredModel, aliases, history, versions
from promotion.report import tables
from promotion.report.book.history import history_page
from promotion.report.book.runs import run_table
from promotion.report.book.surface import RUN_PAGES
from promotion.report.calibration import calibration_rows
from promotion.report.document import render_calibration, render_original
from promotion.report.language import spoken
from promotion.report.prose import translate_contents, translate_settings
from promotion.report.showing import pick
from promotion.report.words import text
from promotion.store import Artifact, Tag, artifact, interface, links, registry_link, run_link
from promotion.study import Study

RUNS_CHAPTER = "book/runs"
# What answers the lab's questions.
OF_THE_TEACHER = ("book/original", "book/lab/teacher")
FILES = "files"
PAPER = "decision.pdf"
# The pages that end with what a reader takes away.
LEADS_TO_FILES = ("summary", "decision")
LANDING_PICTURE = "comparison.html"
CALIBRATION = "calibration.html"


@dataclass(frozen=True)
class Pages:
    """The runs whose notebooks become pages, the pages that are written anew, and the verdict.

    `steps` maps a chapter to a run, `variants` and `failed` a run's name to it; `roles` names the
    candidate's and the baseline's run; `picture` is the run whose picture the landing page shows;
    `written` holds the Markdown of pages by language and name; `pictures` are the files of the
    gallery's pictures, in its order; `decided` is a moment in ISO 8601. `files` are what a reader
    takes away, by language and name, and `sheets` the Markdown of the decision on paper, by
    language.
    """

    steps: Mapping[str, str]
    variants: Mapping[str, str]
    failed: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    picture: str = ""
    written: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    pictures: Sequence[Path] = ()
    verdict: str = "none"
    decided: str = ""
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sheets: Mapping[str, str] = field(default_factory=dict)


def written_pages(client: MlflowClient, study: Study, pages: Pages) -> dict[str, str]:
    """The Markdown of the pages that are written anew, by name, in the language spoken."""
    return {
        **pages.written.get(spoken(), {}),
        "registry": _registry_page(RegisteredModel(client, study.model.registered_name)),
        "history": history_page(client, study, _heading("history")),
        "mlflow": _links(client, study),
        "original": render_original(),
        "calibration": render_calibration(),
        "run_table": run_table(client, pages.variants, pages.failed, pages.roles),
    }


def lay_out(
    client: MlflowClient,
    source: Path,
    pages: Pages,
    written: Mapping[str, Mapping[str, str]],
    solutions: bool = False,
    paper: bytes | None = None,
) -> None:
    """Write the source of the book in the language spoken.

    `written` are the pages of `written_pages` by language; each page switches to these. With
    `solutions` it is the teacher's: its exercises are solved, and nothing is held back. `paper` is
    the decision as PDF, where it could be printed.

    Raises:
        MissingRunsError: a run has no executed notebook.
    """
    source.mkdir(parents=True)
    shutil.copytree(ROOT / "book", source / "book", ignore=shutil.ignore_patterns("templates"))
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        _put_outline(notebook, source / "notebooks" / notebook.name)
    for notebook in EXERCISES.glob("*.ipynb"):
        _put_exercise(notebook, source / "exercises" / notebook.name, solutions)
    for chapter, run_id in pages.steps.items():
        _put_notebook(client, run_id, source / f"{chapter}.ipynb")
    for name, run_id in pages.variants.items():
        _put_notebook(client, run_id, source / RUN_PAGES / f"{name}.ipynb", title=name)
    for name, run_id in pages.failed.items():
        _put_failed(client, run_id, source / RUN_PAGES / name, name)
    _put_picture(client, pages.picture, source / "book" / LANDING_PICTURE)
    shutil.copy(ROOT / "book" / "marks" / f"{pages.verdict}.svg", source / "book" / "logo.svg")
    taken = _put_files(pages, paper, source / "book")
    for name, page in written[spoken()].items():
        told = f"{page.rstrip()}\n\n{taken}\n" if name in LEADS_TO_FILES and taken else page
        (source / "book" / f"{name}.md").write_text(told, encoding="utf-8")
    calibration = source / "book" / CALIBRATION
    calibration.write_text(_drawn_calibration(spoken()), encoding="utf-8")
    _write_contents(source / "_toc.yml", [*pages.variants, *pages.failed], solutions)
    _write_settings(source / "_config.yml", pages.verdict, list(written))


def _put_files(pages: Pages, paper: bytes | None, book: Path) -> str:
    """Put what a reader takes away beside the pages; return the sentence that leads to it."""
    files = {name: content.encode() for name, content in pages.files.get(spoken(), {}).items()}
    if not files:
        return ""
    if paper is not None:
        files = {PAPER: paper, **files}
    (book / FILES).mkdir()
    for name, content in files.items():
        (book / FILES / name).write_bytes(content)
    links = [f"{{download}}`{name} <{FILES}/{name}>`" for name in files]
    told = text("book.files").format(files=", ".join(links))
    return told if paper is not None else f"{told} {text('book.no_paper')}"


def _write_contents(place: Path, runs: Sequence[str], solutions: bool) -> None:
    """The table of contents, with a page a run below the chapter of the runs."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    translate_contents(contents)
    for part in contents["parts"]:
        if not solutions:
            part["chapters"] = [
                one for one in part["chapters"] if one["file"] not in OF_THE_TEACHER
            ]
        for chapter in part["chapters"]:
            if chapter["file"] == RUNS_CHAPTER and runs:
                chapter["sections"] = [{"file": f"{RUN_PAGES}/{name}"} for name in runs]
    place.write_text(yaml.safe_dump(contents, sort_keys=False), encoding="utf-8")


def _write_settings(place: Path, verdict: str, languages: Sequence[str]) -> None:
    """The book's settings, in the language spoken."""
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    translate_settings(settings)
    sphinx = settings["sphinx"]["config"]
    sphinx["language"] = spoken()
    sphinx["html_context"] = {"book_languages": list(languages)}
    sphinx["html_theme_options"] |= {
        "logo": {"alt_text": text("book.home").format(verdict=text(f"verdict.{verdict}"))},
        "search_bar_text": text("book.search"),
    }
    place.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")


def _put_picture(client: MlflowClient, run_id: str, place: Path) -> None:
    """The landing page's picture in the language spoken; nothing where the run has none."""
    place.touch()
    if run_id:
        with suppress(MissingRunsError):
            shutil.copy(
                artifact(client, run_id, Artifact.document(Artifact.PICTURE, spoken())), place
            )


@cache
def _drawn_calibration(language: str) -> str:
    """The plot of the simulation as a page has it, in the language spoken, which is `language`."""
    # The plots bring seaborn, which no command but this one needs.
    from promotion.report import plots
    from promotion.report.figures import as_html

    return as_html(plots.calibration(calibration_rows()))


def _registry_page(model: RegisteredModel) -> str:
    """The page of the registry: who stands where, and all that happened."""
    registered = versions(model)
    if not registered:
        return (ROOT / "book" / "registry.md").read_text(encoding="utf-8")
    heading = _heading("registry")
    stands = text("registry.state").format(model=model.name)
    table = tables.registered(registered, aliases(model)).map(escape)
    base = interface(model.client)
    leads = [(number, registry_link(base, model.name, str(number))) for number in table.index]
    table.index = [f'<a href="{escape(link)}">{number}</a>' for number, link in leads]
    state = table.to_html(escape=False)
    past = tables.history(history(model)).to_html()
    return "\n\n".join([heading, stands, state, text("registry.history"), past])


def _heading(name: str) -> str:
    """The heading of a page of the repository."""
    return (ROOT / "book" / f"{name}.md").read_text(encoding="utf-8").partition("\n")[0]


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


def _put_outline(notebook: Path, place: Path) -> None:
    """A chapter whose step was not executed: what it is about, and that nothing was done.

    Its code has no results, and what it says of them would be of no one's.
    """
    opening = nbformat.read(notebook, as_version=4).cells[0]
    note = nbformat.v4.new_markdown_cell(f":::{{note}}\n{text('book.not_done')}\n:::")
    place.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[opening, note]), place)


def _put_exercise(notebook: Path, place: Path, solutions: bool) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    content = exercise(notebook.read_text(encoding="utf-8"), solutions)
    place.write_text(content, encoding="utf-8")


def _put_notebook(client: MlflowClient, run_id: str, place: Path, title: str = "") -> None:
    """Copy a run's executed notebook: a result's code folded away, other code left out."""
    place.parent.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.read(artifact(client, run_id, Artifact.NOTEBOOK), as_version=4)
    notebook.cells = [cell for cell in notebook.cells if not _is_papermill_banner(cell)]
    pick(notebook, spoken())
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [one for one in cell.outputs if not _is_chatter(one)]
            folded = "hide-input" if cell.outputs else "remove-input"
            cell.metadata["tags"] = sorted({*cell.metadata.get("tags", []), folded})
    if title:
        notebook.cells[0].source = f"# {title}\n\n" + notebook.cells[0].source.partition("\n")[2]
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell(_link_to_run(client, run_id)))
    nbformat.write(notebook, place)


def _link_to_run(client: MlflowClient, run_id: str) -> str:
    """Where MLflow shows a run."""
    experiment = client.get_run(run_id).info.experiment_id
    link = run_link(interface(client), experiment, run_id)
    return text("mlflow.run").format(link=escape(link), run=run_id)


def _is_papermill_banner(cell: Any) -> bool:
    """Papermill heads a failed notebook with a link that the book has no target for."""
    return "papermill-error-cell-tag" in cell.metadata.get("tags", [])


def _is_chatter(output: Any) -> bool:
    """What libraries log is no result, and neither is an object that nothing shows."""
    if output.output_type == "stream":
        return bool(output.name == "stderr")
    return list(output.get("data", {})) == ["text/plain"]


def _put_failed(client: MlflowClient, run_id: str, place: Path, name: str) -> None:
    """A failed variant's page: its partial notebook if it has one, else its error."""
    title = f"{name} ({text('run.failed')})"
    try:
        _put_notebook(client, run_id, place.with_name(f"{name}.ipynb"), title)
    except MissingRunsError:
        error = client.get_run(run_id).data.tags.get(Tag.ERROR, "")
        place.parent.mkdir(parents=True, exist_ok=True)
        page = f"# {as_markdown(title)}\n\n{fenced(error)}\n"
        place.with_name(f"{name}.md").write_text(page, encoding="utf-8")
