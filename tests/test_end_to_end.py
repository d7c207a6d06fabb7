"""The whole flow on the smoke study, as a user runs it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from promotion.checksums import sha256_of
from promotion.paths import ROOT
from promotion.store import tracking
from promotion.store.tracking import Artifact, Role, Tag
from tests.conftest import SMOKE, MlflowServer, clean_environment, promotion

pytestmark = pytest.mark.end_to_end
STUDY = ("--study", str(SMOKE))
ONE_SEED = ("--set", "grid.seed=[1]")


@pytest.fixture
def client(smoke_home: Path) -> MlflowClient:
    return tracking.connect(smoke_home, "smoke")


def runs(client: MlflowClient, role: str) -> list[mlflow.entities.Run]:
    return tracking.search(client, "smoke", {Tag.ROLE: role, Tag.COMPLETE: "true"})


def test_the_state_lies_where_the_design_says(smoke_home: Path) -> None:
    for name in ("mlflow.db", "artifacts", "datasets", "notebooks", "book/index.html"):
        assert (smoke_home / name).exists(), name
    assert (smoke_home / "decision.md").read_text(encoding="utf-8").startswith("# Décision")


def test_the_decision_has_every_field_that_others_read(smoke_home: Path) -> None:
    decision = json.loads((smoke_home / "decision.json").read_text(encoding="utf-8"))
    assert decision["study"] == "smoke"
    assert decision["verdict"] in ("promote", "reject", "inconclusive")
    assert (decision["split"], decision["images"]) == ("test", 8)
    for side in ("candidate", "baseline"):
        assert set(decision[side]) >= {"run_name", "run_id", "config", "params", "metrics"}
    for metric in decision["comparison"]:
        assert {"metric", "candidate", "baseline", "difference", "interval"} <= set(metric)
        assert 0 <= metric["probability_better"] <= 1
    for gate in decision["gates"]:
        assert {"name", "value", "limit", "passed"} <= set(gate)
    for check in decision["audit"]:
        assert {"id", "severity", "passed", "message"} <= set(check)
    assert {"risks", "next_steps", "model_version"} <= set(decision)


def test_check_tells_the_verdict_by_its_exit_code(smoke_home: Path) -> None:
    verdict = json.loads((smoke_home / "decision.json").read_text())["verdict"]
    expected = {"promote": 0, "reject": 3, "inconclusive": 4}[verdict]
    assert promotion("check", *STUDY, home=smoke_home).returncode == expected


def test_each_variant_has_the_lab_s_metrics_its_artifacts_and_its_dataset(
    client: MlflowClient,
) -> None:
    found = runs(client, Role.VARIANT)
    assert sorted(run.info.run_name for run in found) == [
        "yolov8n_e1_sz160_lr0.0005_s1",
        "yolov8n_e1_sz160_lr0.0005_s2",
        "yolov8n_e1_sz96_lr0.0005_s1",
        "yolov8n_e1_sz96_lr0.0005_s2",
    ]
    for run in found:
        names = ("mAP50", "mAP50-95", "precision", "recall", "threshold")
        costs = ("latency_p50_ms", "latency_p95_ms", "energy_wh", "train_seconds")
        assert set(run.data.metrics) >= {*names, *costs}
        assert run.data.metrics["threshold"] >= 0.01
        assert run.data.params["applied_lr0"] == run.data.params["lr0"] == "0.0005"
        assert len(run.inputs.dataset_inputs) == 2
        model = tracking.artifact(client, run.info.run_id, Artifact.MODEL)
        assert sha256_of(model) == run.data.tags[Tag.WEIGHTS_SHA256]
        tracking.artifact(client, run.info.run_id, Artifact.NOTEBOOK)


def test_a_finished_variant_is_not_trained_again(smoke_home: Path, client: MlflowClient) -> None:
    before = {run.info.run_id for run in runs(client, Role.VARIANT)}
    done = promotion("report", *STUDY, home=smoke_home)
    assert done.returncode == 0, done.stderr
    assert "0 trained, 4 kept from before, 0 failed" in done.stdout
    assert {run.info.run_id for run in runs(client, Role.VARIANT)} == before


def test_one_more_variant_costs_only_itself(smoke_home: Path) -> None:
    wider = ("--set", "grid.imgsz=[96,128,160]", *ONE_SEED)
    done = promotion("run", *STUDY, *wider, home=smoke_home)
    assert done.returncode == 0, done.stderr
    assert "1 trained, 2 kept from before, 0 failed" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal")
def test_an_interrupted_batch_goes_on_where_it_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "promotion", "run", *STUDY, *ONE_SEED, "--jobs", "1"]
    environment = {**clean_environment(), "PYTHONUNBUFFERED": "1"}
    started = subprocess.Popen(
        [*command, "--home", str(tmp_path)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    for line in started.stdout:
        if line.startswith("done yolov8n"):
            break
    started.terminate()
    _, errors = started.communicate(timeout=60)
    assert started.returncode == 130, errors
    assert "finished variants are kept" in errors
    done = promotion("run", *STUDY, *ONE_SEED, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 trained, 1 kept from before, 0 failed" in done.stdout


def test_a_failed_variant_stops_no_other_and_is_shown(smoke_home: Path) -> None:
    # One picture of 32 pixels a batch leaves batch normalisation nothing to average.
    failing = ("--set", "grid.imgsz=[32,96,160]", "--set", "grid.batch=[1]", *ONE_SEED)
    study = (*STUDY, "--set", "name=failing", "--set", "experiment=failing", *failing)
    done = promotion("report", *study, home=smoke_home)
    assert done.returncode == 1
    assert "2 trained, 0 kept from before, 1 failed" in done.stdout
    assert "batch=1" in done.stdout
    page = smoke_home / "book" / "notebooks" / "runs" / "yolov8n_e1_sz32_lr0.0005_s1.html"
    assert "batch=1" in page.read_text(encoding="utf-8")
    assert "yolov8n_e1_sz32_lr0.0005_s1" in (smoke_home / "decision.md").read_text(encoding="utf-8")
    client = tracking.connect(smoke_home, "failing")
    run = next(
        run
        for run in tracking.search(client, "failing", {Tag.STUDY: "failing"})
        if run.info.run_name == "yolov8n_e1_sz32_lr0.0005_s1"
    )
    assert run.info.status == "FAILED"
    tracking.artifact(client, run.info.run_id, Artifact.NOTEBOOK)
    tracking.artifact(client, run.info.run_id, Artifact.TRACEBACK)


class Loads(HTMLParser):
    """Collects what a page makes the browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag in ("script", "img", "iframe", "source", "video"):
            self.found.append(values.get("src") or "")
        if tag == "link" and values.get("rel") not in ("canonical", "author"):
            self.found.append(values.get("href") or "")


def test_no_page_loads_anything_from_elsewhere(smoke_home: Path) -> None:
    pages = list((smoke_home / "book").rglob("*.html"))
    assert len(pages) > 8
    for page in pages:
        content = page.read_text(encoding="utf-8")
        parser = Loads()
        parser.feed(content)
        assert not [url for url in parser.found if re.match(r"(https?:)?//", url)], page
        assert not re.search(r"import\(?\s*[\"']https?://", content), page
    for sheet in (smoke_home / "book" / "_static").rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?https?://", sheet.read_text("utf-8")), sheet


def test_the_landing_page_has_verdict_criteria_and_picture(smoke_home: Path) -> None:
    page = (smoke_home / "book" / "book" / "index.html").read_text(encoding="utf-8")
    assert "Verdict" in page
    assert "<table" in page
    assert "comparison.png" in page


def test_no_table_of_the_book_is_cut_short_or_left_as_text(smoke_home: Path) -> None:
    for part in ("book", "notebooks"):
        for page in (smoke_home / "book" / part).rglob("*.html"):
            content = page.read_text(encoding="utf-8")
            assert "| Critère |" not in content, page
            assert not re.search(r"\.\.\.</td>", content), page
            assert "report.css" in content, page
    decided = (smoke_home / "book" / "notebooks" / "4_decide.html").read_text(encoding="utf-8")
    assert decided.count("<table") >= 4


def test_the_book_says_what_would_change_the_decision(smoke_home: Path) -> None:
    page = (smoke_home / "book" / "book" / "index.html").read_text(encoding="utf-8")
    assert "Ce qui changerait cette décision" in page
    assert re.search(r"politiques? essayées", page)


def test_the_same_notebooks_run_against_a_tracking_server(
    server: MlflowServer, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    done = promotion("report", *STUDY, home=home, MLFLOW_TRACKING_URI=server.uri)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (home / "decision.json").exists()
    assert (home / "book" / "index.html").exists()
    assert not (home / "mlflow.db").exists()
    assert not (home / "artifacts").exists()


def test_the_notebooks_run_by_hand_from_top_to_bottom(smoke_home: Path) -> None:
    environment = {**clean_environment(), "PROMOTION_HOME": str(smoke_home)}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--nbval-lax",
            "notebooks",
            "-q",
            "-p",
            "no:cacheprovider",
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]
