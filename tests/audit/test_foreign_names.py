"""Experiments of others: their names are matched by meaning, and no run is lost or accused."""

from __future__ import annotations

import json
import math
import shutil
import time
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow.tracking import MlflowClient
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.tree import DecisionTreeClassifier

from promotion.audit import Experiment, Finding, audit, read_experiment
from promotion.audit.names import is_fine, meaning, setting, split_of
from promotion.lab.published import RATES, RUNS
from promotion.report.sentences import finding_sentence
from promotion.store import connect, search
from tests.audit.stores import filled, repeat_in_place

pytestmark = pytest.mark.slow

NAMINGS = {
    "lab": ("mAP50", "mAP50-95", "precision", "recall"),
    "callback": (
        "metrics/mAP50B",
        "metrics/mAP50-95B",
        "metrics/precisionB",
        "metrics/recallB",
    ),
    "slashes": ("metrics/mAP50", "metrics/mAP50-95", "metrics/precision", "metrics/recall"),
    "underscores": ("mAP_50", "mAP_50_95", "precision", "recall"),
    "lower_case": ("val/map50", "val/map50-95", "val/precision", "val/recall"),
}
TRUE_OF_THE_LAB = {
    "applied-as-requested",
    "parameter-effect",
    "enough-seeds",
    "operating-point",
    "within-seeds",
    "untrained",
}


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def home(empty_store: Path, tmp_path: Path) -> Path:
    shutil.copy(empty_store, tmp_path)
    return tmp_path


def by_id(found: Experiment) -> dict[str, Finding]:
    return {one.id: one for one in audit(found)}


def failed(found: Experiment) -> set[str]:
    return {one.id for one in audit(found) if one.failed}


def lab_runs(names: tuple[str, ...]) -> list[tuple[str, dict[str, object], dict[str, float]]]:
    return [
        (
            f"yolov8n_e3_sz{imgsz}_lr{rate}_s{seed}",
            {"epochs": 3, "imgsz": imgsz, "lr0": rate, "optimizer": "auto", "seed": seed},
            dict(zip(names, values, strict=False)),
        )
        for (imgsz, seed), values in RUNS.items()
        for rate in RATES
    ]


@pytest.mark.parametrize("naming", NAMINGS)
def test_the_lab_s_table_has_the_same_flaws_under_every_name(naming: str, home: Path) -> None:
    """A flaw that hides behind a spelling is a flaw that gets promoted."""
    found = read_experiment(filled(home, naming, lab_runs(NAMINGS[naming])), naming)
    assert failed(found) == TRUE_OF_THE_LAB
    findings = by_id(found)
    assert findings["parameter-effect"].facts["parameters"] == ["lr0"]
    assert len(findings["parameter-effect"].facts["names"]) == 4
    assert findings["seed-effect"].passed


def test_a_single_known_metric_is_enough_for_a_parameter_without_effect(home: Path) -> None:
    found = read_experiment(filled(home, "one", lab_runs(("metrics/mAP50",))), "one")
    assert "parameter-effect" in failed(found)
    contract = by_id(found)["metric-contract"]
    assert contract.passed is None
    assert contract.facts["names"] == ["mAP50-95", "precision", "recall"]


@pytest.mark.parametrize("metric", ["val_wasserstein", "quality", "Panoptic/PQ"])
def test_any_numeric_metric_tells_two_runs_apart(metric: str, home: Path) -> None:
    """What a metric is called by nobody else still says whether a momentum does anything."""
    idle = [
        (f"m{m}_s{seed}", {"momentum": m, "seed": seed}, {metric: 0.71234 + seed / 100})
        for m in (0.8, 0.9)
        for seed in (1, 2, 3)
    ]
    works = [(name, p, {metric: v[metric] + p["momentum"] / 7}) for name, p, v in idle]
    client = filled(home, "idle", idle)  # type: ignore[arg-type]
    filled(home, "works", works)  # type: ignore[arg-type]
    found = by_id(read_experiment(client, "idle"))["parameter-effect"]
    assert found.failed
    assert "momentum" in finding_sentence(found)
    assert by_id(read_experiment(client, "works"))["parameter-effect"].passed


def test_without_a_metric_nothing_is_said_to_have_an_effect(home: Path) -> None:
    runs = [(f"m{m}", {"momentum": m}, {"epoch": 3.0}) for m in (0.8, 0.9)]
    found = by_id(read_experiment(filled(home, "blind", runs), "blind"))["parameter-effect"]
    assert found.passed is None
    assert "momentum" in finding_sentence(found)


def test_ties_of_counts_accuse_nobody(home: Path) -> None:
    """Two models that are right as often are not one model."""
    runs = [
        (f"C{c}_s{seed}", {"C": c, "seed": seed}, {"accuracy": 0.973333333, "f1_score": 0.9733})
        for c in (1, 10)
        for seed in (1, 2)
    ]
    found = by_id(read_experiment(filled(home, "ties", runs), "ties"))
    assert found["parameter-effect"].passed is None
    assert found["seed-effect"].passed is None
    assert "C1_s1" in finding_sentence(found["parameter-effect"])
    assert found["copied-metrics"].passed


def test_one_metric_that_ties_makes_no_twins_of_runs_that_differ(home: Path) -> None:
    runs = [
        ("s1", {"seed": 1}, {"recall": 0.77419, "mAP_50": 0.32275}),
        ("s2", {"seed": 2}, {"recall": 0.77419, "mAP_50": 0.30132}),
    ]
    assert by_id(read_experiment(filled(home, "tie", runs), "tie"))["seed-effect"].passed


def test_settings_that_always_vary_together_are_one(home: Path) -> None:
    """Lightning logs a rate of the model and of the optimizer: it is the same rate."""
    runs = [
        (f"r{r}", {"model/lr": r, "optimizer/lr": r, "name": f"r{r}"}, {"val_loss": 0.71234})
        for r in (0.1, 0.2)
    ]
    found = by_id(read_experiment(filled(home, "twice", runs), "twice"))["parameter-effect"]
    assert found.failed
    assert found.facts["parameters"] == ["lr0+optimizer/lr"]


def test_a_hole_in_the_grid_is_named(home: Path) -> None:
    """Seven of eight are no complete grid, whoever made it."""
    client = filled(home, "seven", lab_runs(NAMINGS["lab"])[:-1])
    found = by_id(read_experiment(client, "seven"))
    assert found["complete-grid"].failed
    assert found["complete-grid"].facts["names"] == ["imgsz=320, lr0=0.01, seed=1"]
    assert found["seed-balance"].failed


def test_runs_without_a_plan_are_not_said_to_be_complete(home: Path) -> None:
    rng = np.random.default_rng(0)
    runs = [
        (f"r{n}", {"lr": rng.random(), "decay": rng.random()}, {"val_loss": rng.random()})
        for n in range(9)
    ]
    found = by_id(read_experiment(filled(home, "random", runs), "random"))
    assert found["complete-grid"].passed is None
    assert found["parameter-effect"].passed is None


def test_runs_of_one_name_are_all_read(home: Path) -> None:
    """Most of the world calls its runs `train`."""
    runs = [("train", {}, {"val_loss": value}) for value in (0.31, 0.41, 0.51)]
    found = read_experiment(filled(home, "train", runs), "train")
    assert len({run.name for run in found.runs}) == 3


def test_the_parent_of_a_sweep_is_set_aside_and_not_accused(home: Path) -> None:
    client = connect(home, "nested")
    with mlflow.start_run(run_name="sweep"):
        mlflow.log_param("trials", 8)
        for name, parameters, metrics in lab_runs(NAMINGS["lab"]):
            with mlflow.start_run(run_name=name, nested=True):
                mlflow.log_params(parameters)
                mlflow.log_metrics(metrics)
    found = read_experiment(client, "nested")
    assert failed(found) == TRUE_OF_THE_LAB
    assert found.aside == ("sweep",)
    assert "1 run parent" in finding_sentence(by_id(found)["complete-grid"])


def test_numbers_that_are_none_are_told_in_short(home: Path) -> None:
    metrics = {"mAP50": math.inf, "val_loss": math.nan, "mAP50-95": -math.inf, "recall": -0.1}
    found = by_id(read_experiment(filled(home, "odd", [("odd", {}, metrics)]), "odd"))
    told = finding_sentence(found["metric-range"])
    assert found["metric-range"].failed
    assert all(shown in told for shown in ("∞", "NaN", "-0.1"))
    assert all(len(finding_sentence(one)) < 400 for one in found.values())


def logged_by_sklearn(client: MlflowClient, experiment: str) -> Experiment:
    mlflow.sklearn.autolog(log_models=False, silent=True)
    try:
        yield_runs(experiment)
    finally:
        mlflow.sklearn.autolog(disable=True)
    return read_experiment(client, experiment)


def yield_runs(experiment: str) -> None:
    X, y = load_iris(return_X_y=True)
    if experiment == "classifiers":
        for rate in (0.1, 1.0, 10.0):
            with mlflow.start_run():
                LogisticRegression(C=rate, max_iter=300, random_state=None).fit(X, y)
    elif experiment == "idle":
        X, Z, y, z = train_test_split(X, y, random_state=0)
        for pruned in (0.0, 1e-9):
            for seed in (1, 2, 3):
                with mlflow.start_run(run_name=f"a{pruned}_s{seed}"):
                    tree = DecisionTreeClassifier(
                        ccp_alpha=pruned, random_state=seed, max_depth=3, splitter="random"
                    ).fit(X, y)
                    mlflow.log_metric("val_accuracy", tree.score(Z, z))
    elif experiment == "forests":
        X, y = load_diabetes(return_X_y=True)
        X, Z, y, z = train_test_split(X, y, random_state=0)
        for trees in (5, 10):
            for seed in (1, 2, 3):
                with mlflow.start_run(run_name=f"t{trees}_s{seed}"):
                    forest = RandomForestRegressor(n_estimators=trees, random_state=seed).fit(X, y)
                    mlflow.log_metric("val_r2", forest.score(Z, z))
    else:
        with mlflow.start_run(run_name="search"):
            GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2, 3]}, cv=3).fit(X, y)


def test_sklearn_s_own_logging_is_read_with_a_random_state_of_none(home: Path) -> None:
    found = logged_by_sklearn(connect(home, "classifiers"), "classifiers")
    assert [run.seed for run in found.runs] == [None] * 3
    assert failed(found) == set()
    findings = by_id(found)
    assert findings["parameter-effect"].passed
    assert findings["parameter-effect"].facts["effective"] == ["C"]
    assert findings["enough-seeds"].passed is None
    assert "training_log_loss" in finding_sentence(findings["metric-contract"])
    assert findings["within-seeds"].said == "no_metric"


def test_a_setting_of_sklearn_without_effect_is_found(home: Path) -> None:
    """Its trees are the same, and so is the loss that each has in training."""
    found = logged_by_sklearn(connect(home, "idle"), "idle")
    findings = by_id(found)
    assert findings["parameter-effect"].facts["parameters"] == ["ccp_alpha"]
    assert findings["seed-effect"].passed
    assert failed(found) == {"parameter-effect"} | ({"within-seeds"} & failed(found))


def test_regressions_are_served_too(home: Path) -> None:
    found = logged_by_sklearn(connect(home, "forests"), "forests")
    findings = by_id(found)
    for identity in ("parameter-effect", "seed-effect", "enough-seeds", "complete-grid"):
        assert findings[identity].passed, identity
    assert findings["within-seeds"].facts["metric"] == "val_r2"
    assert failed(found) <= {"within-seeds"}
    assert findings["operating-point"].said == "no_detector"


def test_a_grid_search_is_read_by_its_children(home: Path) -> None:
    found = logged_by_sklearn(connect(home, "search"), "search")
    assert len(found.runs) == 3
    assert found.aside == ("search",)
    assert failed(found) == set()


def lightning_runs(idle: bool) -> list[tuple[str, dict[str, object], dict[str, float]]]:
    """Runs with names as Lightning's MLFlowLogger gives them."""
    return [
        (
            "lightning_logs",
            {"optimizer/lr": rate, "model/hidden": 64, "trainer/max_epochs": 5, "seed": seed}
            | {"trainer/default_root_dir": f"/tmp/{rate}-{seed}"},
            {
                "epoch": 4.0,
                "train_loss_step": 0.31 + seed / 137 + (0 if idle else rate / 3),
                "train_loss_epoch": 0.29 + seed / 131 + (0 if idle else rate / 3),
                "val_loss": 0.35 + seed / 1370 + (0 if idle else rate / 3),
                "val_acc": 0.9,
                "lr-Adam": rate,
            },
        )
        for rate in (0.1, 0.2)
        for seed in (1, 2, 3)
    ]


def test_lightning_s_names_are_read(home: Path) -> None:
    client = filled(home, "idle", lightning_runs(idle=True))
    filled(home, "works", lightning_runs(idle=False))
    idle, works = read_experiment(client, "idle"), read_experiment(client, "works")
    assert failed(idle) == {"parameter-effect", "within-seeds"} & failed(idle)
    assert by_id(idle)["parameter-effect"].facts["parameters"] == ["lr0"]
    assert failed(works) - {"within-seeds"} == set()
    for identity in ("parameter-effect", "seed-effect", "enough-seeds", "seed-balance"):
        assert by_id(works)[identity].passed, identity


@pytest.fixture
def recorded(home: Path) -> MlflowClient:
    """A store with the runs that Lightning's autolog once logged (`record_lightning`)."""
    record = json.loads(Path(__file__).with_name("lightning.json").read_text(encoding="utf-8"))
    for experiment, runs in record["experiments"].items():
        told = [(run["name"], run["params"], run["metrics"]) for run in runs]
        client = filled(home, experiment, told)
    return client


def test_lightning_s_own_logging_is_read(recorded: MlflowClient) -> None:
    """Its runs have one name for each seed, as Lightning seeds what draws the names too."""
    found = read_experiment(recorded, "lr")
    assert len(found.runs) == 6
    assert failed(found) == set()


def test_a_setting_of_lightning_without_effect_is_found(recorded: MlflowClient) -> None:
    """Without momentum there is nothing to dampen."""
    found = read_experiment(recorded, "idle")
    assert by_id(found)["parameter-effect"].facts["parameters"] == ["dampening"]
    assert failed(found) == {"parameter-effect"}


def test_a_run_of_a_classifier_without_a_metric_that_others_have_is_named(home: Path) -> None:
    runs = lightning_runs(idle=False)
    del runs[0][2]["val_acc"]
    found = by_id(read_experiment(filled(home, "gap", runs), "gap"))["metric-contract"]
    assert found.failed
    assert not found.blocks
    assert "val_acc" in finding_sentence(found)


# Reading and auditing may take so many times what MLflow takes to hand the runs over.
MOST_TIMES_THE_SEARCH = 2.5


def test_thousands_of_runs_are_all_read_and_hardly_slower_than_mlflow(home: Path) -> None:
    parameters = {"imgsz": 320, "lr0": 0.01, "seed": 0, **{f"p{n}": n for n in range(20)}}
    metrics = dict(zip(NAMINGS["callback"], (0.31234, 0.21234, 0.512, 0.612), strict=True))
    client = filled(home, "many", [("train", parameters, metrics)])
    repeat_in_place(home, search(client, "many", {})[0].info.run_id, 4999)
    start = time.perf_counter()
    assert len(search(client, "many", {})) == 5000
    searched = time.perf_counter()
    found = read_experiment(client, "many")
    findings = audit(found)
    done = time.perf_counter()
    assert len(found.runs) == len({run.name for run in found.runs}) == 5000
    assert not any(one.blocks for one in findings)
    assert done - searched < MOST_TIMES_THE_SEARCH * (searched - start)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("metrics/mAP50(B)", "mAP50"),
        ("metrics/mAP_0.5", "mAP50"),
        ("metrics/mAP_0.5:0.95", "mAP50-95"),
        ("bbox_mAP_50", "mAP50"),
        ("Val/MAP", "mAP50-95"),
        ("test_recall", "recall"),
        ("train/map50", None),
        ("map_75", None),
        ("training_precision_score", None),
        ("latency-p95-ms", "latency_p95_ms"),
    ],
)
def test_a_metric_is_known_by_its_meaning(name: str, meant: str | None) -> None:
    assert meaning(name) == meant


def test_names_tell_their_split_their_setting_and_how_fine_they_are() -> None:
    assert [split_of(name) for name in ("val_loss", "test/x", "train_loss_epoch", "map")] == [
        "val",
        "test",
        "train",
        "",
    ]
    assert [setting(name) for name in ("optimizer/lr", "clf__random_state", "gamma")] == [
        "lr0",
        "seed",
        "gamma",
    ]
    assert [is_fine(name) for name in ("val_loss", "val_acc", "epoch_time", "lr/pg0")] == [
        True,
        False,
        False,
        False,
    ]
