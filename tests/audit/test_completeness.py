"""What else makes a comparison worthless, and that each check says when it cannot look."""

from __future__ import annotations

import re
from pathlib import Path

import mlflow
import pytest

from promotion.audit import AuditedRun, Experiment, Finding, audit, read_experiment
from promotion.audit.experiment import Placement, Recalls
from promotion.audit.sameness import significant_digits
from promotion.checksums import sha256_of
from promotion.comparison import ConfidenceDistribution, MetricComparison
from promotion.paths import ROOT
from promotion.report.sentences import finding_sentence
from promotion.store import Artifact, Tag, connect
from tests.audit.stores import filled

pytestmark = pytest.mark.slow


def run(seed: int, rate: str, **changes: object) -> AuditedRun:
    value = 0.31234 + seed / 1000 + float(rate)
    facts: dict[str, object] = {
        "name": f"lr{rate}_s{seed}",
        "seed": seed,
        "asked": {"lr0": rate, "seed": str(seed)},
        "applied": {},
        "metrics": {
            "mAP50": value,
            "mAP50-95": value / 2,
            "precision": 0.7,
            "recall": 0.6,
            "train_seconds": 61.234 + value,
        },
    }
    return AuditedRun.model_validate({**facts, **changes})


RUNS = [run(seed, rate) for rate in ("0.01", "0.02") for seed in (1, 2, 3)]


def of(runs: list[AuditedRun], **facts: object) -> dict[str, Finding]:
    known: dict[str, object] = {"name": "x", "runs": runs, "missing": {}, "constraints": {}}
    found = Experiment.model_validate({**known, **facts})
    return {one.id: one for one in audit(found)}


def with_first(**changes: object) -> list[AuditedRun]:
    return [RUNS[0].model_copy(update=changes), *RUNS[1:]]


def test_of_a_clean_experiment_nothing_is_a_flaw_but_what_is_not_there() -> None:
    assert [one.id for one in of(RUNS).values() if one.failed] == ["untrained"]


def test_every_outcome_is_worded_and_has_its_section_in_the_book() -> None:
    """A check without words would end the audit in the middle of its list."""
    bare = [AuditedRun(name="a", seed=None, asked={}, applied={}, metrics={})]
    page = (ROOT / "book" / "audit.md").read_text(encoding="utf-8")
    labels = set(re.findall(r"^\(([a-z-]+)\)=$", page, re.MULTILINE))
    for findings in (of(RUNS), of(bare), of(RUNS[:1])):
        assert set(findings) == labels
        for one in findings.values():
            assert "{" not in finding_sentence(one)


def test_a_run_that_ended_well_and_measured_nothing_is_empty() -> None:
    found = of(with_first(metrics={}))["empty-run"]
    assert found.blocks
    assert RUNS[0].name in finding_sentence(found)
    assert of(RUNS)["empty-run"].passed is None


def test_metrics_that_are_another_run_s_are_copies() -> None:
    """Copied over two settings: no missing effect of one of them can explain it."""
    found = of(with_first(metrics=RUNS[-1].metrics))
    assert found["copied-metrics"].facts["names"] == ["lr0.01_s1 = lr0.02_s3"]
    assert found["parameter-effect"].passed
    assert found["seed-effect"].passed


def test_a_repetition_is_a_copy_only_if_it_took_as_long() -> None:
    again = run(1, "0.01", name="again")
    longer = again.model_copy(update={"metrics": {**again.metrics, "train_seconds": 62.5}})
    assert of([*RUNS, again])["copied-metrics"].failed
    assert of([*RUNS, longer])["copied-metrics"].passed


def test_lack_of_effect_is_not_told_as_copying() -> None:
    idle = [one.model_copy(update={"metrics": {"mAP50": 0.31234}}) for one in RUNS]
    found = of(idle)
    assert found["copied-metrics"].passed
    assert found["parameter-effect"].failed
    assert found["seed-effect"].failed


def test_latencies_of_two_machines_are_not_compared() -> None:
    timed = [
        one.model_copy(
            update={"metrics": {**one.metrics, "latency_p95_ms": 20.0}, "hardware": machine}
        )
        for one, machine in zip(RUNS, ["laptop"] * 3 + ["server"] * 3, strict=True)
    ]
    assert of(timed)["same-hardware"].facts["names"] == ["laptop", "server"]
    assert of(timed[:3])["same-hardware"].passed
    assert of(RUNS)["same-hardware"].said == "untimed"


def test_what_only_some_runs_tell_is_not_passed_for_all() -> None:
    known = {"dataset": "d", "code": "c", "registrable": "f", "measured": "f", "stored": "f"}
    found = of(with_first(**known, applied={"lr0": "0.01"}))
    for identity in (
        "same-conditions",
        "measured-artifact",
        "artifact-intact",
        "applied-as-requested",
    ):
        assert found[identity].passed is None, identity
        assert found[identity].said == "partly"


def test_a_recall_that_halves_and_shifted_labels_are_told_apart() -> None:
    """Harder images lose the persons; shifted labels leave a box beside each."""
    recalls = {"a": Recalls(val=0.8, test=0.3)}
    harder = {"a": Placement(strict=0.3, loose=0.35, val=0.8)}
    shifted = {"a": Placement(strict=0.3, loose=0.75, val=0.8)}
    assert of(RUNS, recalls=recalls, placements=harder)["threshold-transfer"].failed
    assert of(RUNS, recalls=recalls, placements=harder)["shifted-labels"].passed
    assert of(RUNS, recalls=recalls, placements=shifted)["shifted-labels"].failed
    assert of(RUNS)["shifted-labels"].passed is None


@pytest.mark.parametrize(
    ("candidate", "untrained", "better", "passed"),
    [
        (0.0068, 0.0072, 0.0, None),
        (0.0, 0.0, 0.0, None),
        (0.2, 0.3, 0.01, False),
        (0.2, 0.3, 0.3, True),
        (0.3, 0.2, 0.99, True),
    ],
)
def test_an_untrained_model_beats_only_by_digits_that_are_shown(
    candidate: float, untrained: float, better: float, passed: bool | None
) -> None:
    compared = MetricComparison(
        metric="mAP50",
        collapsed=[],
        law=ConfidenceDistribution(centre=0.0, scale=0.1, freedom=1e6, low=-1.0, high=1.0),
        candidate=candidate,
        baseline=untrained,
        difference=candidate - untrained,
        interval=(-0.1, 0.1),
        candidate_interval=(0, 1),
        baseline_interval=(0, 1),
        candidate_seed_sd=0.01,
        baseline_seed_sd=0.01,
        image_error=0.01,
        seed_error=0.01,
        probability_better=better,
    )
    found = of(RUNS, untrained=compared)["untrained"]
    assert found.passed is passed
    assert ("bat le candidat" in finding_sentence(found)) == (passed is False)


def test_the_best_of_others_must_beat_the_next_by_more_than_seeds() -> None:
    near = [
        one.model_copy(update={"metrics": {"val_acc": 0.9 + (one.seed or 0) / 50 + shift}})
        for one, shift in zip(RUNS, [0] * 3 + [0.001] * 3, strict=True)
    ]
    far = [
        one.model_copy(update={"metrics": {"val_loss": (one.seed or 0) / 500 + shift}})
        for one, shift in zip(RUNS, [0.1] * 3 + [0.3] * 3, strict=True)
    ]
    assert of(near)["within-seeds"].failed
    found = of(far)["within-seeds"]
    assert found.passed
    assert found.facts["one"] == "lr0=0.01"


def test_a_file_replaced_after_its_measure_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    client = connect(tmp_path, "kept")
    model = tmp_path / "model.onnx"
    model.write_bytes(b"measured")
    for name in ("kept", "replaced"):
        with mlflow.start_run(run_name=name):
            mlflow.log_metrics({"mAP50": 0.3, "mAP50-95": 0.2})
            mlflow.set_tags({Tag.WEIGHTS_SHA256: sha256_of(model)})
            mlflow.log_artifact(str(model), Artifact.MODEL.rpartition("/")[0])
    findings = {one.id: one for one in audit(read_experiment(client, "kept"))}
    assert findings["artifact-intact"].passed
    stored = next((tmp_path / "artifacts").rglob("model.onnx"))
    stored.write_bytes(b"another")
    findings = {one.id: one for one in audit(read_experiment(client, "kept"))}
    assert findings["artifact-intact"].blocks


def test_recalls_of_others_are_read_on_both_splits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    metrics = {"val/map50": 0.5, "val/recall": 0.8, "test/recall": 0.3}
    client = filled(tmp_path, "both", [("a", {}, metrics)])
    assert read_experiment(client, "both").recalls == {"a": Recalls(val=0.8, test=0.3)}


def test_of_many_runs_the_newest_are_asked_for_their_epochs_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question a run takes minutes in a large store; what was not asked is not passed."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("promotion.audit.foreign.MOST_HISTORIES", 2)
    client = connect(tmp_path, "many")
    best = tmp_path / "best.pt"
    best.write_bytes(b"weights")
    for _ in range(3):
        with mlflow.start_run(run_name="train"):
            for epoch, value in enumerate((0.2, 0.3)):
                mlflow.log_metric("metrics/mAP50-95B", value, step=epoch)
            mlflow.log_artifact(str(best), "weights")
    found = read_experiment(client, "many")
    assert [run.measured for run in found.runs] == [None, "epoch 1", "epoch 1"]
    findings = {one.id: one for one in audit(found)}
    assert findings["measured-artifact"].facts == {"known": 2, "total": 3}
    assert findings["measured-artifact"].passed is None


@pytest.mark.parametrize(
    ("value", "digits"),
    [(0.0, 0), (1.0, 0), (1797.0, 0), (0.007, 1), (0.32275, 5), (1e-7, 1), (61.5, 3)],
)
def test_digits_are_those_that_were_written(value: float, digits: int) -> None:
    assert significant_digits(value) == digits
