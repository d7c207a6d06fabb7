"""A book full of texts that act, read in a real browser: all of them stay text."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import nbformat
import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter
from mlflow.tracking import MlflowClient

from promotion.audit import audit, read_experiment
from promotion.comparison import FailedVariant
from promotion.facts import Note
from promotion.outside import visible
from promotion.registry import transitions
from promotion.report import tables
from promotion.report.book import Pages, build_book
from promotion.report.figures import as_html
from promotion.report.photographs import Photograph, Pictures
from promotion.report.publication import write_document, write_summary
from promotion.store import Artifact, Tag, VersionTag, log_bytes, start_run
from tests.browser import Reader
from tests.builders import REGISTERED_MODEL, STUDY, canary, connect_to, evidence
from tests.hostile.stores import log_foreign
from tests.hostile.texts import EVALUATED, TEXTS
from tests.report.builders import published, registration

pytestmark = pytest.mark.trial


def result(value: object) -> nbformat.NotebookNode:
    """A cell with its result, as a kernel leaves it in an executed notebook."""
    data, metadata = DisplayFormatter().format(value)
    output = nbformat.v4.new_output("execute_result", data=data, metadata=metadata)
    return nbformat.v4.new_code_cell("a_result()", outputs=[output])


def tell_of_everything(client: MlflowClient) -> nbformat.NotebookNode:
    """An executed notebook whose tables name hostile experiments, runs, errors and pictures."""
    audits = [tables.checks(audit(read_experiment(client, one))) for one in log_foreign(client)]
    failed = [FailedVariant(run_name=text, reason="failed", error=text) for text in TEXTS.values()]
    notes = [Note(id="same_file", facts={"one": text, "other": text}) for text in TEXTS.values()]
    run = evidence().runs[0]
    runs = [run.model_copy(update={"run_name": text}) for text in TEXTS.values()]
    told = [*audits, tables.failures(failed), tables.findings(notes), tables.runs(runs)]
    heading = nbformat.v4.new_markdown_cell("# Results")
    said = nbformat.v4.new_output("stream", text="\n".join(TEXTS.values()))
    printed = nbformat.v4.new_code_cell("print(texts)", outputs=[said])
    return nbformat.v4.new_notebook(cells=[heading, printed, *map(result, told)])


def forge_registry(client: MlflowClient) -> None:
    """Versions whose every tag, and events whose every word, is a text that acts."""
    client.create_registered_model(REGISTERED_MODEL)
    for count, text in enumerate(TEXTS.values()):
        number = client.create_model_version(REGISTERED_MODEL, source="s3://none").version
        for tag in (VersionTag.RUN_NAME, VersionTag.VERDICT, VersionTag.CANARY):
            client.set_model_version_tag(REGISTERED_MODEL, number, tag, text)
        event = transitions.Event(
            action="rollback",
            version=text,
            who=text,
            when=f"2026-01-01T00:00:{count:02d}Z",
            why=text,
            because=Note(id=text, facts={"run": text}) if count % 2 else None,
            before={},
            after={text: text},
        )
        key = f"{transitions.EVENT}.{count}"
        client.set_model_version_tag(REGISTERED_MODEL, number, key, event.model_dump_json())


def documents() -> tuple[str, str]:
    """The decision's document and summary, once a text, each wherever a stranger's word can be."""
    decided, summaries = [], []
    for text in TEXTS.values():
        pair = {"one": text, "other": text, "bits": 3}
        found = evidence(
            hardware=text,
            dataset_findings=[Note(id="nearly_same", facts=pair)],
            failed=[FailedVariant(run_name="big_s9", reason="failed", error=text)],
        )
        result = canary("go", champion=text, challenger=text)
        shown = published(found, registration(), result, "production")
        decided.append(write_document(shown, found, STUDY))
        summaries.append(write_summary(shown, found, STUDY))
    return "\n\n".join(decided), "\n\n".join(summaries)


@pytest.fixture(scope="module")
def pages(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a book that was built from a home where every text is a stranger's."""
    home = tmp_path_factory.mktemp("hostile")
    shutil.copy(empty_store, home)
    client = connect_to(home, "hostile")
    forge_registry(client)
    told = start_run(client, "hostile", "told", {})
    log_bytes(client, told, Artifact.PICTURE, picture().encode())
    log_bytes(client, told, Artifact.NOTEBOOK, nbformat.writes(tell_of_everything(client)).encode())
    failed = {
        f"failed-{name}": start_run(client, "hostile", name, {Tag.ERROR: text})
        for name, text in TEXTS.items()
    }
    decision, summary = documents()
    for name, run_id in failed.items():
        client.log_param(run_id, "imgsz", TEXTS[name.removeprefix("failed-")])
    index = build_book(
        client,
        STUDY,
        home,
        Pages(
            steps={"notebooks/4_decide": told},
            variants={},
            failed=failed,
            picture=told,
            written={"fr": {"decision": decision, "summary": summary}},
        ),
    )
    return index.parent


def picture() -> str:
    """The picture of a landing page, whose words are a stranger's."""
    told = "\n\n".join(TEXTS.values())
    groups = {told: [Photograph(np.zeros((8, 8, 3), np.uint8), {}, told)]}
    table = pd.DataFrame({"image": [*TEXTS.values()]})
    return as_html(Pictures("picture", told, told, [told], table, groups))


def encoded(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def squeezed(text: str) -> str:
    return "".join(text.split())


ACTING = (
    "a[href^='javascript:' i], a[href*='elsewhere.test'], [onerror], [onload], [ontoggle], "
    "[onfocus], iframe, base, meta[http-equiv=refresh], [src*='elsewhere.test'], "
    "main script:not([type='text/x-thebe-config'])"
)


@pytest.fixture(scope="module")
def read(browser: Reader, pages: Path) -> Callable[[str], str]:
    """Gives the text of a page, on which nothing acted that does not on every page of the book."""
    visit = browser.visit(pages / "book" / "method.html")

    def acting() -> set[str]:
        found = visit.page.locator(ACTING)
        return set(found.evaluate_all("all => all.map(one => one.outerHTML)"))

    usual_errors, usual = set(visit.errors), acting()

    def text_of(name: str) -> str:
        visit.go(pages / f"{name}.html")
        assert visit.page.evaluate("window.planted") is None
        assert visit.elsewhere == []
        assert set(visit.errors) <= usual_errors
        assert acting() <= usual
        shown = visit.page.inner_text("body")
        assert EVALUATED not in shown
        assert "root:x:0" not in shown
        return squeezed(shown)

    return text_of


@pytest.mark.parametrize("name", ["notebooks/4_decide", "book/registry", "book/runs"])
def test_a_table_shows_every_text_as_it_is(name: str, read: Callable[[str], str]) -> None:
    shown = read(name)
    for text in TEXTS.values():
        assert squeezed(visible(text)) in shown


@pytest.mark.parametrize("name", ["book/decision", "book/index"])
def test_the_decision_s_pages_are_documents_and_nothing_else(
    name: str, read: Callable[[str], str]
) -> None:
    shown = read(name)
    for one in TEXTS:
        assert one in shown


def test_a_failed_variant_s_page_shows_its_error_as_it_is(read: Callable[[str], str]) -> None:
    for name, text in TEXTS.items():
        shown = read(f"notebooks/runs/failed-{name}")
        assert squeezed("".join(map(visible, text.splitlines()))) in shown
