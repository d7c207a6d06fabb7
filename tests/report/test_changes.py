"""What changed between two decisions is told, and nothing that did not."""

from __future__ import annotations

from pathlib import Path

import pytest

from promotion.comparison import Evidence
from promotion.decision import decide
from promotion.errors import MissingRunsError, PromotionError, RegistryError
from promotion.report import tables
from promotion.report.changes import changes, read_publication
from promotion.report.publication import publish
from promotion.store import (
    Artifact,
    Role,
    Tag,
    VersionTag,
    log_bytes,
    log_fact,
    start_run,
)
from tests.builders import (
    POLICY,
    REGISTERED_MODEL,
    canary,
    compared,
    connect_to,
    evidence,
    invoke,
    law_above,
    put_in_production,
    registered_in,
)
from tests.report.builders import published, registration


def test_the_same_decision_has_not_changed() -> None:
    assert changes(published(evidence()), published(evidence())) == []


def test_a_change_tells_the_old_and_the_new() -> None:
    """A reviewer who reads only this list must not miss why the verdict is another."""
    before = published(evidence(), registration(), canary("go"))
    after = published(evidence(worth=0.5, dataset_digest="e" * 64, code_version="other"))
    found = {(one.aspect, one.name): (one.before, one.after) for one in changes(before, after)}
    assert found[("verdict", "verdict")] == ("promote", "inconclusive")
    assert found[("origin", "dataset")] == ("d" * 64, "e" * 64)
    assert found[("origin", "code")][1] == "other"
    assert found[("canary", "canary")] == ("go", None)
    assert not [aspect for aspect, _ in found if aspect in ("policy", "side", "gate")]


def test_a_policy_is_compared_rule_by_rule() -> None:
    gates = [rule.model_copy(update={"at_most": 30.0}) for rule in POLICY.gates[:1]]
    other = POLICY.model_copy(update={"confidence": 0.9, "gates": gates})
    ours = evidence()
    found = changes(publish(decide(ours, POLICY, []), ours), publish(decide(ours, other, []), ours))
    rules = {one.name: (one.before, one.after) for one in found if one.aspect == "policy"}
    assert rules["confidence"] == (POLICY.confidence, 0.9)
    assert rules["gates.latency_p95_ms.at_most"] == (50.0, 30.0)
    assert set(rules) == {"confidence", "gates.latency_p95_ms.at_most"}


def test_every_kind_of_change_has_its_words() -> None:
    """A missing word would stop the command on the one decision that it is needed for."""
    before = published(evidence(), registration(), canary("go"))
    comparison = [compared("mAP50", 0.01, 0.7, law_above(0.02, 0.5)), *evidence().comparison[1:]]
    other: Evidence = evidence(
        comparison=comparison, candidate_run="big_s2", dataset_findings=[], measured={}
    )
    found = changes(before, published(other))
    table = tables.changes(found)
    assert len(table) == len(found) > 5
    assert "différence de mAP@50" in table.index


def test_decisions_are_found_by_file_by_run_and_in_production(home: Path) -> None:
    client = connect_to(home, "diff")
    first = published(evidence(), registration("1"), canary("go"))
    newer = published(evidence(worth=0.5))
    tags = {Tag.STUDY: first.study, Tag.ROLE: Role.CANARY, Tag.COMPLETE: "true"}
    for publication in (first, newer):
        run_id = start_run(client, "diff", "canary", tags)
        log_fact(client, run_id, Artifact.DECISION_JSON, publication)
    put_in_production(registered_in(client), run_id)
    client.set_model_version_tag(REGISTERED_MODEL, "1", VersionTag.STUDY, first.study)
    assert changes(read_publication(registered_in(client), "production"), first) == []
    assert changes(read_publication(registered_in(client), run_id), newer) == []
    path = home / "decision.json"
    path.write_text(newer.model_dump_json(), encoding="utf-8")
    assert changes(read_publication(registered_in(client), str(path)), newer) == []
    done = invoke("diff", "production", str(path), home=home)
    assert done.exit_code == 0, done.output
    assert "non concluant" in done.stdout
    assert "nothing changed" in invoke("diff", str(path), run_id, home=home).stdout


def test_what_is_no_decision_is_said_in_one_line(home: Path, tmp_path: Path) -> None:
    client = connect_to(home, "diff")
    with pytest.raises(RegistryError, match="no version is in Production"):
        read_publication(registered_in(client), "production")
    with pytest.raises(MissingRunsError, match="is no decision"):
        read_publication(registered_in(client), "nothing")
    other = tmp_path / "other.json"
    other.write_text("{}", encoding="utf-8")
    with pytest.raises(PromotionError, match="holds no decision"):
        read_publication(registered_in(client), str(other))
    run_id = start_run(client, "diff", "empty", {})
    log_bytes(client, run_id, Artifact.DECISION_JSON, b"no JSON")
    with pytest.raises(PromotionError, match="holds no decision"):
        read_publication(registered_in(client), run_id)
