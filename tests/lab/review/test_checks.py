"""The review of decisions about real runs: what holds is left alone, what does not is named."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from promotion.errors import DocumentError
from promotion.lab import read_again
from promotion.lab.review import (
    Records,
    Remark,
    Review,
    check_claims,
    read_decision,
    read_records,
)
from promotion.lab.review.chance import by_seeds, persons_behind
from promotion.paths import ROOT
from tests.lab.review.builders import (
    BASELINE,
    CANDIDATE,
    LAB,
    OURS,
    about,
    decision,
    lab_store,
    our_store,
)

VARIANTS = ("honest", "padded", "wrong_run", "wrong_number", "english", "lists", "original")
BIG, SMALL = "yolov8n_e1_sz416_lr0.01_s1", "yolov8n_e1_sz320_lr0.01_s1"


@pytest.fixture(scope="module")
def client(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> MlflowClient:
    """One store with the lab's experiment and one that the product made."""
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    home = tmp_path_factory.mktemp("review")
    shutil.copy(empty_store, home)
    our_store(home)
    return lab_store(home)


def reviewed(client: MlflowClient, text: str) -> Review:
    return check_claims(text, read_records(client, text, LAB))


def failed(review: Review) -> set[tuple[str, str]]:
    return {(one.id, one.said) for one in review.remarks if one.failed}


def only(review: Review, identity: str, said: str) -> Remark:
    (found,) = [one for one in review.remarks if (one.id, one.said) == (identity, said)]
    return found


def test_an_honest_decision_holds(client: MlflowClient) -> None:
    review = reviewed(client, decision("honest"))
    assert failed(review) == set()
    assert review.holds
    assert only(review, "number", "passed").facts["count"] == 10
    assert only(review, "constraint", "passed").facts["known"] == {"latency_p95_ms": 41.5}
    assert only(review, "difference", "admitted")


def test_words_without_numbers_are_found_line_by_line(client: MlflowClient) -> None:
    review = reviewed(client, decision("padded"))
    lines = {one.line for one in review.remarks if one.id == "adjective"}
    assert lines == {13, 14, 20}
    assert failed(review) >= {
        ("difference", "within"),
        ("stability", "few"),
        ("constraint", "no_limit_measured"),
        ("precision", "failed"),
    }


def test_a_run_that_is_not_there_is_named_and_nothing_is_said_of_it(client: MlflowClient) -> None:
    review = reviewed(client, decision("wrong_run"))
    assert failed(review) == {("run", "absent"), ("difference", "within")}
    assert only(review, "run", "absent").facts["name"] == "yolov8n_e3_sz640_lr0.01_s42"


def test_each_wrong_number_is_told_for_what_it_is(client: MlflowClient) -> None:
    review = reviewed(client, decision("wrong_number"))
    assert failed(review) == {
        ("parameter", "failed"),
        ("contradiction", "failed"),
        ("number", "differs"),
        ("number", "other_run"),
        ("number", "percent"),
        ("difference", "within"),
    }
    assert only(review, "number", "differs").facts["value"] == 0.32275
    assert only(review, "number", "other_run").facts["other"] == BASELINE
    assert only(review, "precision", "passed")


def test_an_english_decision_is_read_as_a_french_one(client: MlflowClient) -> None:
    review = reviewed(client, decision("english"))
    assert failed(review) == {
        ("constraint", "broken"),
        ("setting", "identical"),
        ("difference", "within"),
        ("adjective", "measured"),
        ("precision", "failed"),
    }
    assert only(review, "number", "passed").facts["count"] == 6


def test_identical_runs_are_no_better_than_each_other(client: MlflowClient) -> None:
    review = reviewed(client, decision("lists"))
    same = only(review, "difference", "identical")
    assert same.facts["other"] == CANDIDATE
    assert only(review, "setting", "identical").facts["pairs"] == 4
    assert only(review, "stability", "few").facts["seeds"] == 2
    assert only(review, "constraint", "unmeasured").facts["constraint"] == "latence faible"
    assert only(review, "precision", "failed").facts["boxes"] == pytest.approx(125)


def test_the_lab_s_own_decision_is_taken_apart_without_mlflow() -> None:
    """The counts are those of the page that reads it again."""
    review = check_claims(decision("original"), None)
    assert not review.holds
    (chance,) = only(review, "difference", "within").facts["chances"]
    again = read_again()
    assert chance["way"] == "lab"
    assert chance["found"] == (again.counts.candidate, again.counts.baseline)
    assert (chance["persons"], chance["images"]) == (again.counts.persons, again.counts.images)
    assert chance["interval"] == pytest.approx(again.difference_interval)
    assert chance["p_value"] == pytest.approx(again.p_value)
    assert failed(review) == {
        ("number", "unnamed"),
        ("precision", "failed"),
        ("difference", "within"),
        ("stability", "written"),
        ("constraint", "no_number"),
        ("adjective", "failed"),
    }
    assert {one.line for one in review.remarks if one.id == "adjective"} == {14, 18, 26, 27}


@pytest.mark.parametrize("name", VARIANTS)
def test_without_mlflow_no_number_is_called_true(name: str) -> None:
    review = check_claims(decision(name), None)
    assert not review.holds
    assert not [
        one for one in review.remarks if one.passed and one.id in ("run", "number", "artifact")
    ]


@pytest.mark.slow
def test_stored_detections_give_a_difference_its_interval(client: MlflowClient) -> None:
    """Where the product made the runs, images and seeds both count."""
    text = about(BIG, SMALL, recall="0,9")
    records = read_records(client, text)
    assert records is not None
    assert records.experiment == OURS
    review = check_claims(text, records)
    chances = [
        chance
        for one in review.remarks
        if one.id == "difference"
        for chance in one.facts["chances"]
    ]
    assert {one["way"] for one in chances} == {"images"}
    assert {one["images"] for one in chances} == {12}
    assert {one["seeds"] for one in chances} == {2}
    assert only(review, "artifact", "passed")


@pytest.mark.slow
def test_a_lost_person_more_is_beyond_chance_only_where_it_is(client: MlflowClient) -> None:
    text = about(BIG, SMALL, recall="0,9")
    review = check_claims(text, read_records(client, text))
    beyond = only(review, "difference", "beyond").facts["chances"]
    assert "recall" in [one["measure"] for one in beyond]
    assert all(one["interval"][0] > 0 or one["interval"][1] < 0 for one in beyond)


def test_the_registered_model_is_that_of_the_promoted_run(client: MlflowClient) -> None:
    text = about(CANDIDATE, BASELINE, recall="0,774")
    records = read_records(client, text)
    assert isinstance(records, Records)
    assert not [one for one in check_claims(text, records).remarks if one.said == "registered"]
    other = records.run(BASELINE)
    assert other is not None
    mlflow.set_tracking_uri(client.tracking_uri)
    client.create_registered_model("detector")
    client.create_model_version("detector", source="s3://none", run_id=other.run_id)
    review = check_claims(text, read_records(client, text))
    assert only(review, "artifact", "registered").facts["other"] == BASELINE


def test_an_unknown_experiment_is_told_with_those_there_are(client: MlflowClient) -> None:
    with pytest.raises(DocumentError, match=LAB):
        read_records(client, "", "gone")


def test_a_document_of_no_known_run_is_not_held_against_an_experiment(client: MlflowClient) -> None:
    """Two experiments have runs, and it names none of either."""
    assert read_records(client, "a model of mine") is None


def test_a_configuration_s_numbers_are_the_means_of_its_seeds(client: MlflowClient) -> None:
    """A table whose rows are configurations, the candidate's marked as such."""
    table = (
        "\n## Comparaison\n\n| Configuration | mAP@50 | Rappel |\n|---|---|---|\n"
        "| `yolov8n_e3_sz416_lr0.01` (candidat) | 0,312 ± 0,015 | 0,774 |\n"
        "| `yolov8n_e3_sz320_lr0.01` (référence) | 0,300 | 0,710 |\n"
    )
    review = reviewed(client, f"## Candidat promu\n- Run : `{CANDIDATE}`\n{table}")
    wrong = only(review, "number", "mean").facts
    assert wrong["configuration"] == "yolov8n_e3_sz320_lr0.01"
    assert wrong["value"] == pytest.approx((0.27404 + 0.27068) / 2)
    assert only(review, "number", "passed").facts["count"] == 3


def test_a_column_says_whose_its_numbers_are_before_a_row_does(client: MlflowClient) -> None:
    text = (
        f"Candidat `{CANDIDATE}`, référence `{BASELINE}`.\n\n## Comparaison\n\n"
        "| Mesure | Candidat | Référence |\n|---|---|---|\n"
        "| mAP@50 (run retenu) | 0,3228 | 0,274 |\n"
    )
    assert only(reviewed(client, text), "number", "passed").facts["count"] == 2


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_template_is_read_and_left_open(language: str) -> None:
    """What a student has not written yet is asked for, and nothing else is held against it."""
    path = ROOT / "book" / "templates" / f"decision_to_write.{language}.md"
    review = check_claims(read_decision(path), None)
    assert failed(review) == {("run", "unnamed"), ("number", "none"), ("verdict", "failed")}


def test_a_run_of_any_name_is_known_by_the_line_that_names_it() -> None:
    review = check_claims(
        "## Candidate\n- Run name / ID: upbeat-shark-7.\n- recall = 0.774\n", None
    )
    assert only(review, "run", "no_runs").facts["names"] == ["upbeat-shark-7"]


def test_a_number_of_another_split_contradicts_nothing() -> None:
    text = "## Candidate\n- Run: my-run\n- mAP@50 (val) 0.32, test: 0.29\n- mAP@50 (val): 0.35\n"
    wrong = only(check_claims(text, None), "contradiction", "failed").facts
    assert (wrong["one"], wrong["other"]) == ("0.32", "0.35")


def test_what_nobody_claims_is_not_held_against_the_document() -> None:
    """Fears, weak points, steps to come, and conclusions about a setting of another run."""
    text = (
        "## Comparaison\n\n### Alternative A : `yolov8n_e3_sz416_lr0.01_s1`\n\n"
        "**Points faibles** :\n\n- Conclusion : seed=42 suffit\n\n"
        "| Cause | Probabilité |\n|---|---|\n| Peu d’images | élevée |\n\n"
        "## Décision\n- Étapes suivantes :\n  - Un modèle plus rapide, avec un rappel de 0,9\n"
    )
    found = {(one.id, one.said) for one in check_claims(text, None).remarks if one.failed}
    assert not found & {("adjective", "failed"), ("parameter", "name"), ("number", "unnamed")}


def test_a_limit_written_as_the_template_asks_is_read(client: MlflowClient) -> None:
    """The word before the colon names no measure of its own: the one behind it has the limit."""
    text = about(CANDIDATE, BASELINE, recall="0,774")
    constraint = "- Contraintes :\n  - latence faible : latence p95 ≤ 50 ms\n"
    text = text.replace("## Candidat promu", f"{constraint}\n## Candidat promu")
    review = reviewed(client, text)
    assert only(review, "constraint", "passed").facts["known"] == {"latency_p95_ms": 41.5}
    slower = reviewed(client, text.replace("50 ms", "20 ms"))
    assert ("constraint", "broken") in failed(slower)


def test_a_constraint_of_which_no_measure_is_known_is_left_open() -> None:
    text = "## Objectifs et contraintes\n- Contrainte : équité (hommes, femmes)\n"
    assert only(check_claims(text, None), "constraint", "unknown").passed is None


@pytest.mark.parametrize(
    ("said", "decides"),
    [
        ("Promouvoir : oui, en Staging", True),
        ("Nous ne promouvons pas ce run.", True),
        ("We promote it.", True),
        ("Rejected: too few images.", True),
        ("Promouvoir : oui / non", False),
        ("À voir.", False),
    ],
)
def test_a_decision_decides(said: str, decides: bool) -> None:
    found = check_claims(f"## Décision\n- {said}\n", None).remarks
    assert (("verdict", "failed") in {(one.id, one.said) for one in found}) != decides


def test_recalls_tell_how_many_persons_they_are_shares_of() -> None:
    assert persons_behind([(0.7742, 1e-4), (0.710, 1e-3)]) == 31
    assert persons_behind([(0.7742, 1e-4)]) is None
    assert persons_behind([(0.77, 1e-2), (0.71, 1e-2)]) is None


def test_persons_that_are_only_guessed_settle_nothing() -> None:
    text = about("run-one", "run-two", recall="0,8333").replace(
        "`run-two`", "`run-two`, rappel = 0,6667"
    )
    review = check_claims(text.replace("Alternative :", "Run :"), None)
    chance = only(review, "difference", "unknown").facts["chances"][0]
    assert (chance["way"], chance["persons"]) == ("guess", 6)


def test_seeds_alone_never_rule_chance_out() -> None:
    """Images have chances of their own, which seeds do not show."""
    found = by_seeds("mAP50", [0.9, 0.91, 0.9], [0.1, 0.11, 0.1])
    assert found is not None
    assert found.interval is not None
    assert found.interval[0] > 0
    assert found.within is None
    assert by_seeds("recall", [0.7, 0.7], [0.6, 0.6]) is None
