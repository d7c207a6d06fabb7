"""Registration: the artifact that was evaluated, once, and only while the decision is true."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
from mlflow.entities import LoggedModelStatus
from mlflow.tracking import MlflowClient

from promotion import registry
from promotion.errors import ChecksumError, RegistryError
from promotion.registry import PRODUCTION, RegisteredModel, open_version, registration
from promotion.registry.parity import Parity
from promotion.registry.registration import MOST_DESCRIPTION, Registration
from promotion.store import Session, VersionTag
from promotion.study import Policy, Study
from tests.builders import POLICY, REGISTERED_MODEL, registered_in
from tests.registry.builders import SAME, Registered

pytestmark = pytest.mark.slow


def test_the_version_tells_which_run_it_is_and_what_was_decided(
    registered: Registered, model: RegisteredModel
) -> None:
    """Years later the registry alone must answer where a model came from."""
    version = registry.version(model, registered.number)
    assert version.run_id == registered.run_id
    assert version.tags[VersionTag.VERDICT] == "promote"
    assert version.tags[VersionTag.RUN_NAME] == "big_s3"
    assert version.tags[VersionTag.FINGERPRINT] == "f" * 64
    assert version.tags[VersionTag.DATASET_DIGEST] == registered.evidence.dataset_digest
    assert float(version.tags[VersionTag.THRESHOLD]) == 0.3
    assert version.tags[VersionTag.difference("mAP50")] == (
        "0.5500 - 0.5000 = +0.0500 [+0.0300, +0.0700]"
    )


def test_the_registered_model_says_what_it_is(registered: Registered, client: MlflowClient) -> None:
    """A client who finds it needs no document; a server needs neither PyTorch nor a pickle."""
    model = mlflow.pyfunc.load_model(f"models:/{REGISTERED_MODEL}/{registered.number}")
    metadata = model.metadata
    assert metadata.signature is not None
    assert metadata.saved_input_example_info is not None
    assert metadata.metadata["classes"] == ["person"]
    assert metadata.metadata["dataset_digest"] == registered.evidence.dataset_digest
    address = f"models:/{REGISTERED_MODEL}/{registered.number}"
    place = Path(mlflow.artifacts.download_artifacts(address))
    requirements = (place / "requirements.txt").read_text(encoding="utf-8")
    assert "onnxruntime==" in requirements
    assert "torch" not in requirements
    assert "ultralytics" not in requirements
    assert not list(place.rglob("*.pkl"))


def test_registering_leaves_the_run_s_duration_as_it_was_measured(
    registered: Registered, client: MlflowClient
) -> None:
    info = client.get_run(registered.run_id).info
    assert (info.status, info.end_time) == ("FINISHED", registered.ended)


def test_what_stands_is_registered_and_staged_only_once(
    registered: Registered, model: RegisteredModel
) -> None:
    """A command that is run again must not fill the registry with twins."""
    before = registry.history(model), registry.aliases(model)
    assert registration.register(model, registered.decision, registered.evidence) == "1"
    again = registration.stage(model, registered.decision, "decided", "1", SAME)
    assert again == Registration(decision_run="decided", version="1", parity=SAME)
    assert [str(one.version) for one in registry.versions(model)] == ["1"]
    assert (registry.history(model), registry.aliases(model)) == before
    assert registry.aliases(model) == {PRODUCTION: "1"}
    assert registry.place_of(model, "1") == "production"


def test_the_version_is_of_the_model_that_the_run_listed(
    registered: Registered, client: MlflowClient, model: RegisteredModel
) -> None:
    """Its metrics and its notebook are one click away."""
    version = registry.version(model, registered.number)
    (listed,) = client.get_run(registered.run_id).outputs.model_outputs
    assert version.source == f"models:/{listed.model_id}"
    assert version.run_id == registered.run_id
    assert client.get_logged_model(listed.model_id).status == LoggedModelStatus.READY


def test_one_model_under_two_names_has_the_same_files(
    registered: Registered, client: MlflowClient, model: RegisteredModel
) -> None:
    """Written twice, they would break the digest of the version that was first."""
    other = registered_in(client, "ana-detector")
    try:
        assert registration.register(other, registered.decision, registered.evidence) == "1"
        twin, first = registry.version(other, "1"), registry.version(model, registered.number)
        assert twin.source == first.source
        assert open_version(other, "1").threshold == open_version(model, "1").threshold
    finally:
        client.delete_registered_model(other.name)


@pytest.mark.parametrize("verdict", ["reject", "inconclusive"])
def test_other_verdicts_register_and_stage_nothing(
    verdict: str, registered: Registered, model: RegisteredModel
) -> None:
    refused = registered.decision.model_copy(update={"verdict": verdict})
    assert registration.register(model, refused, registered.evidence) is None
    nothing = registration.stage(model, refused, "decided", None, None)
    assert nothing == Registration(decision_run="decided", version=None, parity=None)
    assert len(registry.versions(model)) == 1


def test_an_artifact_that_changed_since_evaluation_is_not_registered(
    registered: Registered, model: RegisteredModel
) -> None:
    """Else what serves would be a file whose quality nobody measured."""
    runs = [
        one.model_copy(update={"weights_sha256": "0" * 64}) if one.run_name == "big_s3" else one
        for one in registered.evidence.runs
    ]
    other = registered.evidence.model_copy(update={"runs": runs})
    with pytest.raises(ChecksumError):
        registration.register(model, registered.decision, other)


def test_a_model_unlike_its_checkpoint_is_not_staged(
    registered: Registered, model: RegisteredModel
) -> None:
    poor = Parity.model_validate({**SAME.model_dump(), "share": 0.8})
    with pytest.raises(RegistryError, match="does not see what its checkpoint sees"):
        registration.stage(model, registered.decision, "decided", registered.number, poor)


def session(
    registered: Registered, client: MlflowClient, smoke: Study, policy: Policy = POLICY
) -> Session:
    study = smoke.model_copy(update={"policy": policy})
    return Session(study, registered.home, client, registered.run_id)


def test_a_decision_that_is_not_true_any_more_is_refused(
    registered: Registered, client: MlflowClient, smoke: Study
) -> None:
    """A promotion that rests on other data, runs or rules promotes what nobody judged."""
    decision, found = registered.decision, registered.evidence
    digest, runs = found.dataset_digest, [run.run_id for run in found.runs]
    now = session(registered, client, smoke)
    registration.check_still_true(now, decision, found, digest, runs)
    with pytest.raises(RegistryError, match="the dataset"):
        registration.check_still_true(now, decision, found, "0" * 64, runs)
    with pytest.raises(RegistryError, match="the set of trained runs"):
        registration.check_still_true(now, decision, found, digest, runs[1:])
    stricter = POLICY.model_copy(update={"confidence": 0.99})
    changed = session(registered, client, smoke, stricter)
    with pytest.raises(RegistryError, match="the study's policy"):
        registration.check_still_true(changed, decision, found, digest, runs)


def test_what_registration_did_is_found_again(
    registered: Registered, client: MlflowClient, smoke: Study
) -> None:
    """The canary and the report read it; they do not register once more to know it."""
    done = Registration(decision_run="decided", version="1", parity=SAME)
    now = session(registered, client, smoke)
    registration.record_registration(now, done)
    assert registration.load_registration(now, registered.run_id) == done


def test_a_long_document_is_cut_where_the_reader_is_told_so(
    registered: Registered, model: RegisteredModel
) -> None:
    """A server's database refuses more; half a sentence without a word would pass for all."""
    registration.describe(model, registered.number, "# Décision", "…")
    assert registry.version(model, registered.number).description == "# Décision"
    registration.describe(model, registered.number, "x" * 2 * MOST_DESCRIPTION, "… the rest")
    kept = registry.version(model, registered.number).description
    assert len(kept) == MOST_DESCRIPTION
    assert kept.endswith("x… the rest")
    registration.describe(model, None, "of nothing", "…")
