"""The check of a student's work: right, half-done and wrong, on real stores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow.tracking import MlflowClient

from promotion.checksums import digest_of
from promotion.detection import Seen
from promotion.errors import DocumentError
from promotion.lab.homework import (
    CHAPTERS,
    Point,
    Work,
    check_work,
    latency_bounds,
    read_answers,
)
from promotion.registry import roll_back
from promotion.report.sentences import hint_sentence
from promotion.store import Artifact, Role, Tag, load_table, log_table, search, start_run
from promotion.study import Study, load_study
from tests.builders import SMOKE, connect_to, invoke, opening, put_in_production, registered_in
from tests.lab.review.builders import OURS, our_store

pytestmark = pytest.mark.slow

CANDIDATE, BASELINE = "yolov8n_e1_sz416_lr0.01_s1", "yolov8n_e1_sz320_lr0.01_s1"
SETTINGS = (
    f"experiment={OURS}",
    "grid={epochs: [1], imgsz: [320, 416], lr0: [0.01], seed: [1, 2], batch: [8]}",
    "baseline={imgsz: 320}",
)
OF_OURS = [part for setting in SETTINGS for part in ("--set", setting)]
Answers = dict[str, dict[str, object]]
# The milliseconds of a hundred pictures, a few of them slow.
TIMES = np.random.default_rng(8).gamma(9.0, 4.0, 100)
MISSED, ALARM = 3, 1


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(SMOKE, list(SETTINGS))


@pytest.fixture(scope="module")
def place(empty_store: Path, tmp_path_factory: pytest.TempPathFactory, study: Study) -> Path:
    """The home of a student who trained, opened the test and registered."""
    place = tmp_path_factory.mktemp("student")
    (place / "mlflow.db").write_bytes(empty_store.read_bytes())
    connect_to(place)
    client = our_store(place)
    for run in search(client, OURS, {Tag.ROLE: Role.VARIANT}):
        client.log_metric(run.info.run_id, "energy_wh", 0.8)
        client.set_tag(run.info.run_id, Tag.ENERGY_METHOD, "estimated")
    for slower in (1.0, 2.0):
        chosen = start_run(client, OURS, "selection", {Tag.ROLE: Role.SELECTION})
        table = pd.DataFrame({CANDIDATE: slower * TIMES, BASELINE: TIMES})
        log_table(client, chosen, Artifact.LATENCIES, table)
    policy = digest_of(study.policy.model_dump(mode="json"))[:12]
    asked = opening("q1", study=study.name, policy=policy)
    for run in search(client, OURS, {Tag.ROLE: Role.DATASET}):
        client.set_tag(run.info.run_id, Tag.TEST_DIGEST, "t1")
        client.set_tag(run.info.run_id, Tag.opening("q1"), asked.model_dump_json())
    model = registered_in(client, study.model.registered_name)
    put_in_production(model)
    put_in_production(model)
    roll_back(model, "complaints")
    return place


@pytest.fixture
def client(place: Path) -> MlflowClient:
    return connect_to(place)


def ran(client: MlflowClient, name: str) -> dict[str, float]:
    found = [run for run in search(client, OURS, {}) if run.info.run_name == name]
    return dict(found[0].data.metrics)


@pytest.fixture(scope="module")
def right(place: Path, study: Study) -> Answers:
    """What a student who works well writes down, taken from MLflow and counted image by image."""
    client = connect_to(place)
    metrics = ran(client, CANDIDATE)
    work = Work(study, client, {}, Path())
    assert work.records
    sides = [work.seen(work.records.run(name)) for name in (CANDIDATE, BASELINE)]
    assert sides[0]
    assert sides[1]
    persons = sides[0].matches.persons
    counts = []
    for side in sides:
        assert side
        hit = side.matches.found[0] & (side.matches.confidence >= side.threshold)
        counts.append(np.bincount(side.matches.image[hit], minlength=len(persons)))
    gained = counts[0] - counts[1]
    rng = np.random.default_rng(4)
    drawn = rng.integers(0, len(persons), (4000, len(persons)))
    low, high = np.quantile(gained[drawn].sum(axis=1) / persons[drawn].sum(axis=1), [0.025, 0.975])
    resampled = np.quantile(rng.choice(TIMES, (4000, len(TIMES))), 0.95, axis=1)
    slow = [round(float(one), 2) for one in np.quantile(resampled, [0.025, 0.975])]
    p95 = f"{np.quantile(TIMES, 0.95):.2f}".replace(".", ",")
    cost = {"latency_p95_ms": p95, "low": slow[0], "high": slow[1], "energy_wh": 0.8}
    point = {key: round(metrics[key], 3) for key in ("precision", "recall")}
    thresholds = np.arange(0.01, 1, 0.01)
    totals = [
        MISSED * (persons.sum() - found) + ALARM * (shown - found)
        for found, shown in (counted(sides[0], threshold) for threshold in thresholds)
    ]
    cheapest = round(float(thresholds[int(np.argmin(totals))]), 2)
    found, shown = counted(sides[0], cheapest)
    chosen = {
        "precision": round(found / shown, 3),
        "recall": round(found / int(persons.sum()), 3),
    }
    pair = {"candidate": CANDIDATE, "baseline": BASELINE}
    return {
        "run": {"name": CANDIDATE, **point, "dataset": "d1", "model": "weights/model.onnx"},
        "grid": {"best": "yolov8n_e1_sz416_lr0.01"},
        "error": {"distinct": 4, "persons": 2, "boxes_per_image": 300},
        "chance": {
            **pair,
            "difference": round(float(gained.sum() / persons.sum()), 3),
            "low": round(float(low), 3),
            "high": round(float(high), 3),
        },
        "threshold": {
            "run": CANDIDATE,
            "missed": MISSED,
            "alarm": ALARM,
            "threshold": cheapest,
            **chosen,
        },
        "cost": {"run": CANDIDATE, **cost, "energy": "estimée"},
        "policy": {
            "reasons": dict.fromkeys(("mAP50", "recall", "latency_p50_ms", "energy_wh"), "because")
        },
        "decide": {"document": "decision.md"},
        "registry": {"production": 1, "events": 5},
    }


def counted(seen: Seen, threshold: float) -> tuple[int, int]:
    """The persons found and the boxes shown at a threshold, row by row."""
    kept = seen.matches.confidence >= threshold
    return int(seen.matches.found[0][kept].sum()), int(kept.sum())


def states(work: Work, chapter: str) -> dict[str, str]:
    return {point.id: point.state for point in check_work(work, chapter)}


def folder_with(decision: str, place: Path) -> Path:
    (place / "decision.md").write_text(decision, encoding="utf-8")
    return place


HONEST = f"""# Décision
## Objectifs et contraintes
- Objectif : rappel
## Candidat promu
- Run : `{CANDIDATE}`
- Mesures : rappel = RECALL
## Comparaison
- Alternative : `{BASELINE}` ; la différence de mAP et de précision est dans le hasard.
## Risques et mitigations
- Peu d’images : en annoter davantage.
## Décision
- Promouvoir : non
"""


def honest(right: Answers) -> str:
    """A decision whose number is the run's."""
    return HONEST.replace("RECALL", str(right["run"]["recall"]))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_right_work_holds(
    client: MlflowClient, study: Study, right: Answers, tmp_path: Path, chapter: str
) -> None:
    work = Work(study, client, right, folder_with(honest(right), tmp_path))
    assert set(states(work, chapter).values()) == {"held"}, check_work(work, chapter)


@pytest.mark.parametrize("chapter", sorted(set(CHAPTERS) - {"decide"}))
def test_work_that_is_not_begun_is_missing_and_has_a_hint(
    client: MlflowClient, study: Study, tmp_path: Path, chapter: str
) -> None:
    points = check_work(Work(study, client, {}, tmp_path), chapter)
    open_ones = [one for one in points if one.state != "held"]
    assert open_ones
    assert {one.state for one in open_ones} == {"missing"}
    assert all(hint_sentence(one) for one in open_ones)


@pytest.mark.parametrize(
    ("chapter", "key", "answer"),
    [
        ("run", "name", "yolov8n_e9_sz416_lr0.01_s1"),
        ("run", "recall", 0.99),
        ("run", "precision", "much"),
        ("run", "dataset", "d2"),
        ("run", "model", "weights/checkpoint.pt"),
        ("grid", "best", "yolov8n_e1_sz320_lr0.01"),
        ("error", "distinct", 8),
        ("error", "persons", 6),
        ("error", "boxes_per_image", 3),
        ("chance", "difference", -0.5),
        ("chance", "low", -0.5),
        ("chance", "high", ".nan"),
        ("threshold", "threshold", 30),
        ("threshold", "recall", 0.01),
        ("cost", "latency_p95_ms", 0.0415),
        ("cost", "low", 10.0),
        ("cost", "high", 700.0),
        ("cost", "energy", "mesurée"),
        ("registry", "production", "none"),
        ("registry", "events", 1),
    ],
)
def test_a_wrong_answer_is_named_and_never_corrected(
    client: MlflowClient, study: Study, right: Answers, chapter: str, key: str, answer: object
) -> None:
    wrong = {**right, chapter: {**right[chapter], key: answer}}
    points = {one.id: one for one in check_work(Work(study, client, wrong, Path()), chapter)}
    point = points[f"{chapter}.{key}"]
    assert point.state == "wrong"
    kept = str(right[chapter][key])
    assert len(kept) < 3 or kept not in hint_sentence(point)


HALF: dict[str, tuple[Answers, dict[str, str]]] = {
    "run": (
        {"run": {"name": CANDIDATE}},
        {"run.name": "held"}
        | dict.fromkeys(("run.recall", "run.precision", "run.dataset", "run.model"), "missing"),
    ),
    "grid": ({}, {"grid.complete": "held", "grid.best": "missing"}),
    "error": (
        {"error": {"distinct": 4}},
        {"error.distinct": "held", "error.persons": "missing", "error.boxes_per_image": "missing"},
    ),
    "chance": (
        {"chance": {"candidate": CANDIDATE, "low": 0.1}},
        {"chance.candidate": "held"}
        | dict.fromkeys(
            ("chance.baseline", "chance.difference", "chance.low", "chance.high"), "missing"
        ),
    ),
    "threshold": (
        {"threshold": {"run": CANDIDATE, "threshold": 0.3}},
        {"threshold.run": "held", "threshold.threshold": "held"}
        | dict.fromkeys(
            (f"threshold.{one}" for one in ("precision", "recall", "costs", "cheapest")), "missing"
        ),
    ),
    "cost": (
        {"cost": {"run": CANDIDATE, "energy": "estimated", "energy_wh": "0,8"}},
        {"cost.run": "held", "cost.energy_wh": "held", "cost.energy": "held"}
        | dict.fromkeys(("cost.latency_p95_ms", "cost.low", "cost.high"), "missing"),
    ),
    "policy": (
        {"policy": {"reasons": {"recall": "whoever is missed"}}},
        {"policy.reasons": "missing", "policy.first": "held"},
    ),
    "decide": ({}, {"decide.document": "held", "decide.review": "wrong"}),
    "registry": (
        {"registry": {"production": 1}},
        {
            "registry.production": "held",
            "registry.events": "missing",
            "registry.rollback": "held",
        },
    ),
}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_half_of_the_work_is_half_found(
    client: MlflowClient, study: Study, right: Answers, tmp_path: Path, chapter: str
) -> None:
    """What is done is found, and every other point has a hint."""
    answers, expected = HALF[chapter]
    begun = honest(right).partition("## Risques")[0]
    work = Work(study, client, answers, folder_with(begun, tmp_path))
    assert states(work, chapter) == expected
    points = [point for point in check_work(work, chapter) if point.state != "held"]
    assert all(hint_sentence(point) for point in points)


def test_a_threshold_must_be_the_cheapest_of_the_costs_that_are_told(
    client: MlflowClient, study: Study, right: Answers
) -> None:
    """Any threshold can be defended by some costs, but not by these."""
    for change, state in (
        ({"missed": 1000, "threshold": 0.9}, "wrong"),
        ({"alarm": 1000}, "wrong"),
        ({"missed": 30, "alarm": 10}, "held"),
    ):
        answers = {"threshold": {**right["threshold"], **change}}
        assert states(Work(study, client, answers, Path()), "threshold")["threshold.cheapest"] == (
            state
        )
    unpaid = {"threshold": {**right["threshold"], "alarm": 0}}
    found = states(Work(study, client, unpaid, Path()), "threshold")
    assert (found["threshold.costs"], found["threshold.cheapest"]) == ("wrong", "missing")


def test_latencies_of_an_earlier_measurement_stay_right(
    client: MlflowClient, study: Study, right: Answers
) -> None:
    """A policy that is changed has them measured anew, after the student read them."""
    twice = {
        key: 2 * value if isinstance(value, float) else value
        for key, value in right["cost"].items()
    }
    twice |= {"latency_p95_ms": 2 * float(np.quantile(TIMES, 0.95)), "energy_wh": 0.8}
    found = states(Work(study, client, {"cost": twice}, Path()), "cost")
    assert set(found.values()) == {"held"}
    mixed = {"cost": {**twice, "low": right["cost"]["low"]}}
    assert states(Work(study, client, mixed, Path()), "cost")["cost.low"] == "wrong"


def test_a_quantile_of_too_few_latencies_has_no_interval() -> None:
    """The hint says how many it takes."""
    found = latency_bounds(TIMES[:30])
    assert (found.high, found.needed) == (None, 72)
    hint = hint_sentence(Point(id="cost.high", state="missing", facts={}))
    assert "72 images" in hint.replace("\u00a0", " ")


def test_nobody_else_s_rollback_counts(empty_store: Path, tmp_path: Path, study: Study) -> None:
    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    client = connect_to(tmp_path)
    for name, state in (("ana-detector", "missing"), ("person-detector-essai", "held")):
        model = registered_in(client, name)
        put_in_production(model)
        put_in_production(model)
        roll_back(model, "complaints")
        found = states(Work(study, client, {}, tmp_path), "registry")
        assert found["registry.rollback"] == state


def test_a_grid_that_is_not_whole_says_how_much_is_done(client: MlflowClient) -> None:
    larger = load_study(
        SMOKE, [*SETTINGS[:1], SETTINGS[1].replace("[1, 2]", "[1, 2, 3]"), SETTINGS[2]]
    )
    point, *_ = check_work(Work(larger, client, {}, Path()), "grid")
    assert (point.state, point.facts) == ("missing", {"done": 4, "asked": 6})


def test_a_policy_changed_after_the_test_was_opened_is_told(
    client: MlflowClient, right: Answers
) -> None:
    lenient = load_study(SMOKE, [*SETTINGS, "policy.gates=[{measure: latency_p50_ms, at_most: 9}]"])
    found = states(Work(lenient, client, right, Path()), "policy")
    assert found == {"policy.reasons": "held", "policy.first": "wrong"}


def test_a_decision_that_claims_too_much_does_not_hold(
    client: MlflowClient, study: Study, right: Answers, tmp_path: Path
) -> None:
    claims = HONEST.replace("RECALL", "0,99")
    work = Work(study, client, right, folder_with(claims, tmp_path))
    assert states(work, "decide") == {"decide.document": "held", "decide.review": "wrong"}


def test_a_decision_that_is_not_there_is_missing(
    client: MlflowClient, study: Study, tmp_path: Path
) -> None:
    assert states(Work(study, client, {}, tmp_path), "decide") == {"decide.document": "missing"}


def test_an_empty_home_misses_everything_and_nothing_fails(
    empty_store: Path, tmp_path: Path, study: Study, right: Answers
) -> None:
    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    work = Work(study, connect_to(tmp_path), right, tmp_path)
    for chapter in set(CHAPTERS) - {"error", "policy"}:
        assert "held" not in list(states(work, chapter).values())[-1:], chapter


def test_the_exit_code_serves_ci(place: Path, right: Answers, tmp_path: Path) -> None:
    answers = tmp_path / "answers.yaml"
    command = ("lab", "check", "run", "--study", str(SMOKE), *OF_OURS, "--answers", str(answers))
    done = invoke(*command, home=place)
    assert (done.exit_code, "0 of 5 points hold" in done.stdout) == (1, True)
    done = invoke("lab", "check", "error", *command[3:], home=place)
    assert (done.exit_code, "parameter-effect" in done.stdout) == (1, False)
    answers.write_text(yaml.safe_dump(right), encoding="utf-8")
    done = invoke(*command, home=place)
    assert (done.exit_code, "5 of 5 points hold" in done.stdout) == (0, True)
    done = invoke("lab", "check", "error", *command[3:], home=place)
    assert (done.exit_code, "3 of 3 points hold" in done.stdout) == (0, True)
    # What the audit finds in the table is shown to who has found it.
    assert "parameter-effect" in done.stdout
    done = invoke("lab", "check", "nothing", *command[3:], home=place)
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("content", [b"run: [", b"- 1", b"run: 3", b"\xff\xfe", b"a: &a [*a"])
def test_answers_that_cannot_be_read_are_one_line(tmp_path: Path, content: bytes) -> None:
    answers = tmp_path / "answers.yaml"
    answers.write_bytes(content)
    with pytest.raises(DocumentError) as raised:
        read_answers(answers)
    assert "\n" not in str(raised.value)


def test_what_nobody_wrote_is_no_answer(tmp_path: Path) -> None:
    assert read_answers(tmp_path / "none.yaml") == {}
    (tmp_path / "empty.yaml").write_text("")
    assert read_answers(tmp_path / "empty.yaml") == {}


def test_the_builders_runs_have_what_they_saw(client: MlflowClient) -> None:
    """Without detections, every number of the chapters on chance would be missing, not checked."""
    run = next(one for one in search(client, OURS, {}) if one.info.run_name == CANDIDATE)
    assert len(load_table(client, run.info.run_id, "evaluation/detections_val.parquet"))
