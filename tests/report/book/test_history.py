"""The page of a study's history: what was decided, in which order, and what changed between."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from mlflow.tracking import MlflowClient

from promotion.report.book.history import history_page
from promotion.report.changes import decisions_of
from promotion.report.publication import Publication
from promotion.store import Artifact, Role, Tag, VersionTag, log_bytes, log_fact, start_run
from tests.builders import (
    REGISTERED_MODEL,
    STUDY,
    canary,
    connect_to,
    evidence,
    put_in_production,
    registered_in,
)
from tests.report.builders import published, registration

NOW = STUDY.model_copy(update={"experiment": "history"})


@pytest.fixture
def client(empty_store: Path, tmp_path: Path) -> MlflowClient:
    shutil.copy(empty_store, tmp_path)
    return connect_to(tmp_path, "history")


def log(client: MlflowClient, role: str, publication: Publication | bytes) -> str:
    tags = {Tag.STUDY: NOW.name, Tag.ROLE: role, Tag.COMPLETE: "true"}
    run_id = start_run(client, "history", role, tags)
    if isinstance(publication, bytes):
        log_bytes(client, run_id, Artifact.DECISION_JSON, publication)
    else:
        log_fact(client, run_id, Artifact.DECISION_JSON, publication)
    client.set_terminated(run_id)
    return run_id


def test_a_decision_is_told_with_what_came_of_it_and_with_what_changed(
    client: MlflowClient,
) -> None:
    """An auditor reads here, without MLflow, why Production holds what it does."""
    log(client, Role.DECISION, b"of another version")
    first = published(evidence(), registration("1"), canary("go"), "production")
    log(client, Role.DECISION, published(evidence()))
    registered = log(client, Role.REGISTRATION, published(evidence(), registration("1")))
    log(client, Role.CANARY, first)
    put_in_production(registered_in(client), registered)
    client.set_model_version_tag(REGISTERED_MODEL, "1", VersionTag.STUDY, NOW.name)
    assert "est celle de la dernière décision" in history_page(client, NOW, "# Titre")
    newer = log(client, Role.DECISION, published(evidence(worth=0.5, dataset_digest="e" * 64)))
    found, unreadable = decisions_of(client, "history", NOW.name)
    assert [one.publication.verdict for one in found] == ["inconclusive", "promote"]
    assert (found[1].publication.model_version, found[1].publication.place) == ("1", "production")
    assert len(unreadable) == 1
    page = BeautifulSoup(history_page(client, NOW, "# Titre"), "html.parser")
    overview, against, since = page.select("table")
    assert [row.td.text for row in overview.select("tbody tr") if row.td] == [
        "non concluant",
        "promouvoir",
    ]
    assert newer in str(overview.select("a")[0]["href"])
    assert "1, en Production" in overview.text
    for table in (against, since):
        told = {row.th.text: row.text for row in table.select("tbody tr") if row.th}
        assert "promouvoir" in told["verdict"]
        assert "eeeeeeeeeeee" in told["origine\u00a0: données"]
    for told_apart in ("1 décision plus ancienne", "Première décision de cette étude"):
        assert told_apart in page.text


def test_a_study_without_a_decision_has_a_history_that_says_so(client: MlflowClient) -> None:
    assert history_page(client, NOW, "# Titre").startswith("# Titre\n\nAucune décision")
