"""The check of a student's work: right, half-done and wrong, on real stores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from mlflow.tracking import MlflowClient

from promotion.checksums import digest_of
from promotion.errors import DocumentError
from promotion.lab.homework import CHAPTERS, Work, check_work, read_answers
from promotion.report.sentences import hint_sentence
from promotion.store import Role, Tag, load_table, search
from promotion.study import Study, load_study
from tests.builders import SMOKE, connect_to, invoke, opening, put_in_production, registered_in
from tests.lab.review.builders import OURS, our_store

CANDIDATE, BASELINE = "yolov8n_e1_sz416_lr0.01_s1", "yolov8n_e1_sz320_lr0.01_s1"
SETTINGS = (
    f"experiment={OURS}",
    "grid={epochs: [1], imgsz: [320, 416], lr0: [0.01], seed: [1, 2], batch: [8]}",
    "baseline={imgsz: 320}",
)
OF_OURS = [part for setting in SETTINGS for part in ("--set", setting)]
Answers = dict[str, dict[str, object]]


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
        client.log_metric(run.info.run_id, "latency_p95_ms", 41.5)
        client.log_metric(run.info.run_id, "energy_wh", 0.8)
    policy = digest_of(study.policy.model_dump(mode="json"))[:12]
    asked = opening("q1", study=study.name, policy=policy)
    for run in search(client, OURS, {Tag.ROLE: Role.DATASET}):
        client.set_tag(run.info.run_id, Tag.TEST_DIGEST, "t1")
        client.set_tag(run.info.run_id, Tag.opening("q1"), asked.model_dump_json())
    put_in_production(registered_in(client, study.model.registered_name))
    return place


@pytest.fixture
def client(place: Path) -> MlflowClient:
    return connect_to(place)


def ran(client: MlflowClient, name: str) -> dict[str, float]:
    found = [run for run in search(client, OURS, {}) if run.info.run_name == name]
    return dict(found[0].data.metrics)


@pytest.fixture
def right(client: MlflowClient, study: Study) -> Answers:
    """What a student who works well writes down, taken from MLflow and counted image by image."""
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
    cost = {"latency_p95_ms": "41,5", "energy_wh": 0.8}
    point = {key: round(metrics[key], 3) for key in ("precision", "recall")}
    pair = {"candidate": CANDIDATE, "baseline": BASELINE}
    return {
        "run": {"name": CANDIDATE, **point},
        "grid": {"best": "yolov8n_e1_sz416_lr0.01"},
        "error": {"distinct": 4, "persons": 2, "boxes_per_image": 300},
        "chance": {
            **pair,
            "difference": round(float(gained.sum() / persons.sum()), 3),
            "low": round(float(low), 3),
            "high": round(float(high), 3),
        },
        "threshold": {"run": CANDIDATE, "threshold": 0.3, **point},
        "cost": {"run": CANDIDATE, **cost},
        "policy": {"reasons": dict.fromkeys(("mAP50", "recall", "latency_p50_ms"), "because")},
        "decide": {"document": "decision.md"},
        "registry": {"production": 1, "events": 2},
    }


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


def test_half_of_the_work_is_half_found(client: MlflowClient, study: Study, right: Answers) -> None:
    half = {"run": {"name": right["run"]["name"]}}
    found = states(Work(study, client, half, Path()), "run")
    assert found == {"run.name": "held", "run.recall": "missing", "run.precision": "missing"}


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
    assert (done.exit_code, "0 of 3 points hold" in done.stdout) == (1, True)
    answers.write_text(yaml.safe_dump(right), encoding="utf-8")
    done = invoke(*command, home=place)
    assert (done.exit_code, "3 of 3 points hold" in done.stdout) == (0, True)
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
