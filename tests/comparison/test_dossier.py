"""Each notebook of the comparison finds what the last one left, by MLflow alone."""

from __future__ import annotations

import pandas as pd
import pytest

from promotion import comparison
from promotion.comparison import Campaign
from promotion.errors import MissingRunsError
from promotion.metrics import MEASURES, METRICS
from promotion.store import (
    Artifact,
    Role,
    Session,
    Tag,
    load_table,
    log_bytes,
    set_tags,
)
from tests.comparison.builders import next_notebook

pytestmark = pytest.mark.slow


def choose(session: Session) -> Campaign:
    """What the notebook that chooses does."""
    campaign = comparison.load_campaign(session, [])
    milliseconds = comparison.measure_latencies(session, campaign)
    campaign = comparison.record_latency(session, campaign, milliseconds)
    baseline = session.study.baseline_configuration
    selection = comparison.select(campaign.runs, baseline, session.study.policy)
    comparison.record_selection(session, campaign, selection, 0.01, milliseconds)
    set_tags(session.client, session.run_id, {Tag.COMPLETE: "true"})
    return campaign


def test_each_notebook_of_the_comparison_reads_what_the_last_one_left(filled: Session) -> None:
    """From the choice on val to the evidence that the decision reads, by MLflow alone."""
    choosing = next_notebook(filled, Role.SELECTION)
    measured = choose(choosing)

    confirming = next_notebook(filled, Role.COMPARISON)
    chosen, campaign = comparison.load_selection(confirming, "")
    assert chosen.optimism == 0.01
    assert campaign.runs == measured.runs
    assert campaign.run(chosen.selection.candidate_run).metrics["latency_ratio"] > 1
    opened = comparison.open_test(confirming, campaign, chosen.selection)
    sides = [
        comparison.side(opened, campaign, name)
        for name in (chosen.selection.candidate, chosen.selection.baseline)
    ]
    policy = confirming.study.policy
    confirmation = comparison.confirm(*sides, policy, 50)
    untrained = comparison.measure_starting_model(confirming, campaign, chosen.selection)
    # The models are the starting one: untouched, it must see what they see.
    assert untrained.test.metrics() == pytest.approx(sides[0][0].metrics())
    facts = untrained.facts(comparison.confirm(sides[0], [untrained.test], policy, 50))
    assert facts.difference("mAP50").difference == pytest.approx(0)
    ledger = comparison.open_ledger(confirming, campaign, chosen.selection)
    assert ledger.number == 1
    measured = comparison.measure_runs(confirming, campaign, chosen, ledger, opened)
    runs = chosen.selection.candidate_run, chosen.selection.baseline_run
    assert list(measured) == list(runs)
    assert {frozenset(bounds) for bounds in measured.values()} == {frozenset(MEASURES)}
    columns = comparison.load_slices(confirming, campaign, "test")
    slices = comparison.compare_slices(*sides, columns, policy.confidence, 50)
    incumbent = comparison.compare_with_incumbent(
        confirming, campaign, opened[chosen.selection.candidate_run]
    )
    assert incumbent is None
    comparison.record_confirmation(
        confirming, chosen, ledger, opened, measured, confirmation, slices, facts, incumbent
    )
    set_tags(confirming.client, confirming.run_id, {Tag.COMPLETE: "true"})

    diagnosing = next_notebook(filled, Role.DIAGNOSIS)
    confirmed, campaign = comparison.load_confirmation(diagnosing, "")
    assert confirmed.comparison == confirmation
    assert confirmed.measured == measured[runs[0]]
    assert confirmed.baseline_measured == measured[runs[1]]
    assert confirmed.ledger == ledger
    assert confirmed.slices == slices
    selection = confirmed.chosen.selection
    models = comparison.load_models(diagnosing, campaign, selection)
    assert list(models) == [selection.candidate_run, selection.baseline_run]
    diagnoses = comparison.diagnose_runs(diagnosing, campaign, models)
    pictures = comparison.telling_pictures(diagnosing, campaign, models, selection)
    reasons = [why for one in pictures.values() for why in one]
    assert sorted(reasons) == ["best", "fullest", "worst"]
    assert next(iter(pictures.values()))[0] == "best"
    assert all(path.is_file() for path in pictures)
    assert comparison.load_latencies(diagnosing, confirmed).shape == (4, 4)
    labels = comparison.doubt_labels(diagnosing, campaign, selection)
    assert {one.metric for one in labels.comparison} == set(METRICS)
    evidence = comparison.gather_evidence(diagnosing, campaign, confirmed, diagnoses, labels)
    comparison.record_evidence(diagnosing, evidence)
    set_tags(diagnosing.client, diagnosing.run_id, {Tag.COMPLETE: "true"})

    assert comparison.load_evidence(diagnosing, "") == evidence
    assert evidence.energy_method == "estimated"
    assert evidence.candidate_configuration != filled.study.baseline_configuration
    assert set(evidence.test_metrics) == set(opened)


def test_a_run_that_was_tested_before_keeps_its_detections(filled: Session) -> None:
    """The test split is looked at once; a second look would be another measurement."""
    campaign = comparison.load_campaign(filled, [])
    baseline = filled.study.baseline_configuration
    selection = comparison.select(campaign.runs, baseline, filled.study.policy)
    opened = comparison.open_test(filled, campaign, selection)
    run = campaign.run(selection.candidate_run)
    log_bytes(filled.client, run.run_id, Artifact.MODEL, b"unreadable")
    again = comparison.open_test(filled, campaign, selection)
    for name, seen in opened.items():
        pd.testing.assert_frame_equal(again[name].detections, seen.detections)
        logged = filled.client.get_run(campaign.run(name).run_id).data.metrics
        assert logged["test/mAP50"] == pytest.approx(seen.metrics()["mAP50"])


def test_nothing_but_what_val_chose_is_shown_the_test_split(filled: Session) -> None:
    """Looking at test before choosing would make the confirmation worth nothing."""
    campaign = comparison.load_campaign(filled, [])
    one, other = filled.study.configurations
    selection = comparison.select(campaign.runs, one, filled.study.policy)
    alone = selection.model_copy(update={"candidate": one})
    opened = comparison.open_test(filled, campaign, alone)
    assert set(opened) == {run.run_name for run in campaign.members(one)}
    for run in campaign.members(other):
        with pytest.raises(MissingRunsError):
            load_table(filled.client, run.run_id, Artifact.detections("test"))
        assert "test/mAP50" not in filled.client.get_run(run.run_id).data.metrics
