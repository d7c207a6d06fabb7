"""One report on the smoke study, as a user runs it: what stands in the home, in MLflow, in place.

No test here changes the home.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from promotion import registry
from promotion.checksums import sha256_of
from promotion.comparison import Evidence
from promotion.decision import EXIT_CODES, Decision
from promotion.registry import PRODUCTION
from promotion.report.publication import load_decision
from promotion.store import Artifact, Role, Session, Tag, VersionTag, artifact, load_fact
from promotion.study import Study
from tests.builders import promotion, registered_in
from tests.end_to_end.builders import STUDY, published, runs

pytestmark = pytest.mark.end_to_end


def test_the_state_lies_where_the_design_says(smoke_home: Path) -> None:
    for name in (
        "mlflow.db",
        "artifacts",
        "datasets",
        "notebooks",
        "book/index.html",
        "book/smoke/fr/index.html",
    ):
        assert (smoke_home / name).exists(), name
    assert (smoke_home / "decision.md").read_text(encoding="utf-8").startswith("# Décision")
    assert not list((smoke_home / "scratch").glob("*"))


def test_the_decision_has_every_field_that_others_read(smoke_home: Path) -> None:
    decision = json.loads((smoke_home / "decision.json").read_text(encoding="utf-8"))
    assert decision["study"] == "smoke"
    assert decision["verdict"] == "promote"
    assert (decision["split"], decision["images"]) == ("test", 32)
    for side in ("candidate", "baseline"):
        assert set(decision[side]) >= {"run_name", "run_id", "config", "params", "metrics"}
    for metric in decision["comparison"]:
        assert {"metric", "candidate", "baseline", "difference", "interval"} <= set(metric)
        assert 0 <= metric["probability_better"] <= 1
    for gate in decision["gates"]:
        assert {"name", "value", "limit", "passed"} <= set(gate)
    for check in decision["audit"]:
        assert {"id", "severity", "passed", "message"} <= set(check)
    assert len(decision["risks"]) == len(decision["risk_notes"]) > 0
    assert len(decision["next_steps"]) == len(decision["next_step_notes"]) > 0
    assert {"model_version", "parity", "canary", "place"} <= set(decision)


def test_the_decision_holds_when_it_is_reviewed_as_a_person_s_would_be(smoke_home: Path) -> None:
    """The product says nothing in it that its own runs do not bear out."""
    done = promotion("review", str(smoke_home / "decision.md"), home=smoke_home)
    assert done.returncode == 0, done.stdout


def test_check_tells_the_verdict_by_its_exit_code(smoke_home: Path) -> None:
    expected = EXIT_CODES[published(smoke_home).verdict]
    assert promotion("check", *STUDY, home=smoke_home).returncode == expected


def test_each_variant_has_the_lab_s_metrics_its_artifacts_and_its_dataset(
    client: MlflowClient,
) -> None:
    found = runs(client, Role.VARIANT)
    assert sorted(run.info.run_name for run in found) == [
        "yolov8n_e1_sz160_lr0.002_s1",
        "yolov8n_e1_sz160_lr0.002_s2",
        "yolov8n_e1_sz96_lr0.002_s1",
        "yolov8n_e1_sz96_lr0.002_s2",
    ]
    for run in found:
        names = ("mAP50", "mAP50-95", "precision", "recall", "threshold")
        costs = ("latency_p50_ms", "latency_p95_ms", "energy_wh", "train_seconds")
        assert set(run.data.metrics) >= {*names, *costs}
        assert run.data.metrics["threshold"] >= 0.01
        assert run.data.params["applied_lr0"] == run.data.params["lr0"] == "0.002"
        assert len(run.inputs.dataset_inputs) == 2
        model = artifact(client, run.info.run_id, Artifact.MODEL)
        assert sha256_of(model) == run.data.tags[Tag.WEIGHTS_SHA256]
        artifact(client, run.info.run_id, Artifact.NOTEBOOK)


def test_each_step_left_one_run_with_its_notebook(client: MlflowClient) -> None:
    """A step that ran twice would have asked for its minutes, or its verdict, twice."""
    for role in (
        Role.DATASET,
        Role.SELECTION,
        Role.COMPARISON,
        Role.DIAGNOSIS,
        Role.DECISION,
        Role.REGISTRATION,
        Role.CANARY,
    ):
        (run,) = runs(client, role)
        artifact(client, run.info.run_id, Artifact.NOTEBOOK)
        assert run.data.tags[Tag.SOURCE].startswith("notebooks/")


def test_the_version_leads_to_its_documents_in_both_languages(client: MlflowClient) -> None:
    """Who finds a model in the registry finds why it is there, and its card."""
    model = registered_in(client)
    version = client.get_model_version_by_alias(model.name, PRODUCTION)
    (last,) = runs(client, Role.CANARY)
    for language in ("fr", "en"):
        for document in ("decision.md", "decision.html", "decision.json", "model_card.md"):
            name = Artifact.document(document, language)
            assert version.tags[VersionTag.document(name)] == f"runs:/{last.info.run_id}/{name}"
            assert artifact(client, last.info.run_id, name).stat().st_size > 1000
    english = artifact(client, last.info.run_id, "decision.en.md").read_text(encoding="utf-8")
    assert english.startswith("# Promotion decision")


def test_the_evidence_stands_on_the_diagnosis_and_on_the_decision(
    client: MlflowClient, smoke: Study, smoke_home: Path
) -> None:
    """The audit of this experiment reads the one, registration the other: they are the same."""
    diagnosis, decision = (runs(client, role)[0] for role in (Role.DIAGNOSIS, Role.DECISION))
    session = Session(smoke, smoke_home, client, decision.info.run_id)
    decided, evidence = load_decision(session, "")
    gathered = load_fact(client, diagnosis.info.run_id, Artifact.EVIDENCE, Evidence)
    assert evidence == gathered
    assert isinstance(decided, Decision)
    assert decided.candidate == published(smoke_home).candidate
    study = load_fact(client, diagnosis.info.run_id, Artifact.STUDY, Study)
    assert study == smoke


def test_the_report_ends_in_production_after_a_real_canary(
    smoke_home: Path, client: MlflowClient
) -> None:
    decision = published(smoke_home)
    assert (decision.verdict, decision.place) == ("promote", "production")
    assert decision.parity is not None
    assert decision.parity.passed
    assert decision.canary is not None
    assert decision.canary.verdict == "go"
    assert decision.canary.last.images <= decision.canary.images_available
    assert decision.canary.champion == decision.baseline.run_name
    document = (smoke_home / "decision.md").read_text(encoding="utf-8")
    assert document.count("- [x]") == 3
    assert registry.aliases(registered_in(client))[PRODUCTION] == "1"

    version = registry.version(registered_in(client), "1")
    assert version.run_id == decision.candidate.run_id
    assert version.current_stage == "Production"
    assert version.description.startswith("# Décision de promotion")
    assert version.tags[VersionTag.VERDICT] == "promote"
    first = decision.comparison[0]
    low, high = first.interval
    told = version.tags[VersionTag.difference(first.metric)]
    assert told.endswith(f"= {first.difference:+.4f} [{low:+.4f}, {high:+.4f}]")
    assert version.tags[VersionTag.CANARY] == "go"
    events = registry.history(registered_in(client))
    assert [event.action for event in events] == ["promote", "stage"]


def test_the_product_s_own_experiment_is_audited_whole(smoke_home: Path) -> None:
    done = promotion("audit", "--experiment", "smoke", home=smoke_home)
    assert done.returncode == 0, done.stdout
    assert "unknown" not in done.stdout
    assert "enough-seeds" in done.stdout


def test_a_report_that_is_run_again_keeps_everything(
    smoke_home: Path, client: MlflowClient
) -> None:
    """No variant is trained, no step executed, no version made and no book built once more."""

    def state() -> dict[str, object]:
        every = client.search_runs([client.get_experiment_by_name("smoke").experiment_id])
        return {
            "runs": {run.info.run_id for run in every},
            "history": registry.history(registered_in(client)),
            "book": (smoke_home / "book" / "smoke" / "fr" / "index.html").stat().st_mtime_ns,
            "decision": (smoke_home / "decision.json").read_bytes(),
            "document": (smoke_home / "decision.md").read_bytes(),
        }

    before = state()
    done = promotion("report", *STUDY, home=smoke_home)
    assert done.returncode == 0, done.stderr
    assert "0 trained, 4 kept from before, 0 failed" in done.stdout
    assert "version 1: in Production; canary go after" in done.stdout.replace("\n", " ")
    assert state() == before


def test_a_decision_that_is_not_true_any_more_is_refused(smoke_home: Path) -> None:
    """Another policy is another decision: the old one neither registers nor passes a check."""
    done = promotion("check", *STUDY, "--set", "policy.confidence=0.7", home=smoke_home)
    assert done.returncode == 1
    assert "has no decision on its current data, runs and policy" in done.stderr
