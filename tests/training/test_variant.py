"""A variant's run holds all that later steps read of it."""

from __future__ import annotations

import json

import pytest

from promotion.checksums import sha256_of
from promotion.datasets import PreparedDataset
from promotion.store import (
    Artifact,
    Session,
    Tag,
    artifact,
    library_versions,
    listed_model,
    load_table,
)
from promotion.training import (
    evaluate_variant,
    load_history,
    record_variant,
    starting_weights,
    train_variant,
)

pytestmark = pytest.mark.slow


def test_a_variant_is_trained_evaluated_and_recorded_with_what_it_came_from(
    session: Session, streets: PreparedDataset
) -> None:
    variant = session.study.variants[0].model_copy(update={"epochs": 2, "lr0": 0.003})
    trained = train_variant(session, variant, streets, threads=1)
    evaluated = evaluate_variant(trained, streets, session.study.policy.operating_point)
    record_variant(session, streets, trained, evaluated)

    run = session.client.get_run(session.run_id)
    tags, params, metrics = run.data.tags, run.data.params, run.data.metrics
    model = artifact(session.client, session.run_id, Artifact.MODEL)
    checkpoint = artifact(session.client, session.run_id, Artifact.CHECKPOINT)
    assert tags[Tag.WEIGHTS_SHA256] == sha256_of(model) == tags[Tag.MEASURED_SHA256]
    assert tags[Tag.CHECKPOINT_SHA256] == sha256_of(checkpoint)
    assert tags[Tag.PARAMETERS_SHA256] == trained.model.parameters_sha256
    assert json.loads(tags[Tag.LIBRARIES]) == library_versions()
    assert tags[Tag.ENERGY_METHOD] in ("measured", "estimated")

    assert params["lr0"] == params["applied_lr0"] == "0.003"
    assert (params["threads"], params["nbs"], params["epochs"]) == ("1", "8", "2")
    for name, value in evaluated.seen.metrics().items():
        assert metrics[name] == pytest.approx(value)
    assert metrics["energy_wh"] > 0
    assert metrics["train_seconds"] > 0

    listed = listed_model(session.client, run)
    assert listed is not None
    found = {(one.key, one.dataset_name) for one in listed.metrics or []}
    assert {("mAP50", "street_scenes_val"), ("energy_wh", "street_scenes_train")} <= found
    assert listed.params["lr0"] == "0.003"

    boxes = load_table(session.client, session.run_id, Artifact.detections("val"))
    assert len(boxes) == len(evaluated.seen.detections)
    contexts = {one.dataset.name: one.tags[0].value for one in run.inputs.dataset_inputs}
    assert contexts == {
        "street_scenes_train": "training",
        "street_scenes_val": "validation",
    }
    history = load_history(session)
    assert history.index.tolist() == [1, 2]
    assert history.notna().all(axis=None)
    assert starting_weights(session.study.model, session.home).is_file()


def test_a_run_that_logged_no_epoch_has_an_empty_history(session: Session) -> None:
    assert load_history(session).empty
