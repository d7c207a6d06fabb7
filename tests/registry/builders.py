"""Builds a home in which one model is registered: real weights, and a run that trained nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from promotion.checksums import sha256_of
from promotion.comparison import Evidence
from promotion.decision import Decision, decide
from promotion.registry import registration, transitions
from promotion.registry.parity import Parity
from promotion.store import Artifact, Tag, log_bytes
from tests.builders import POLICY, connect_to, evidence, registered_in

EXPERIMENT = "registered"
SAME = Parity(
    images=8,
    boxes=50,
    share=1.0,
    median_iou=1.0,
    largest_confidence_gap=0.0,
    checkpoint_map=0.3,
    registered_map=0.3,
)


@dataclass(frozen=True)
class Registered:
    """A promoted run and the version that it became; it is in Production."""

    home: Path
    decision: Decision
    evidence: Evidence
    number: str
    ended: int

    @property
    def run_id(self) -> str:
        """The run that stands for the candidate."""
        return self.decision.candidate.run_id


def register_starter(home: Path, starter: Path) -> Registered:
    """Register the starting weights as a promoted run's model, and put it in Production."""
    client = connect_to(home, EXPERIMENT)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    tags = {Tag.FINGERPRINT: "f" * 64}
    run = client.create_run(experiment.experiment_id, run_name="big_s3", tags=tags)
    run_id = run.info.run_id
    log_bytes(client, run_id, Artifact.MODEL, starter.read_bytes())
    client.set_terminated(run_id, "FINISHED")
    ended = client.get_run(run_id).info.end_time
    sums = {"weights_sha256": sha256_of(starter), "measured_sha256": sha256_of(starter)}
    runs = [
        one.model_copy(update={"run_id": run_id, **sums}) if one.run_name == "big_s3" else one
        for one in evidence().runs
    ]
    found = evidence(runs=runs)
    decision = decide(found, POLICY, [])
    model = registered_in(client)
    number = registration.register(model, decision, found)
    assert number is not None
    registration.stage(model, decision, "decided", number, SAME)
    transitions.promote(model, number, "stable")
    return Registered(home, decision, found, number, ended)
