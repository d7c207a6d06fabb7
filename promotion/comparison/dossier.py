"""The dossier of evidence: what each of the comparison's three notebooks leaves to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from promotion.comparison.bootstrap import REPLICATES, MetricComparison
from promotion.comparison.bounds import Bounds
from promotion.comparison.campaign import (
    Campaign,
    load_campaign,
    load_detector,
    load_ground_truth,
    load_groups,
    load_images,
    load_manifest,
    load_seen,
)
from promotion.comparison.confirmation import bounds_on_test, confirm, cost_bounds, seed_bounds
from promotion.comparison.evidence import (
    Evidence,
    IncumbentFacts,
    LabelFacts,
    SplitFacts,
    UntrainedFacts,
)
from promotion.comparison.incumbent import measure_incumbent
from promotion.comparison.openings import Ledger
from promotion.comparison.selection import Selection, summarise
from promotion.comparison.slices import SliceComparison
from promotion.comparison.untrained import Untrained, measure_untrained
from promotion.datasets import SPLITS, measured_on
from promotion.detection import (
    Diagnosis,
    Seen,
    Telling,
    detect_split,
    diagnose,
    see,
    suspected_labels,
    telling_images,
    without_suspects,
)
from promotion.facts import Fact
from promotion.store import (
    Artifact,
    Role,
    Session,
    code_version,
    given_or_latest,
    hardware,
    load_fact,
    load_table,
    log_fact,
    log_measures,
    log_table,
    log_values,
)
from promotion.training import starting_weights


class Chosen(Fact):
    """What `3_choose` leaves: the runs that were compared on val, and what val chose of them.

    `run_id` is its own run, which holds the latencies.
    """

    run_id: str
    run_ids: list[str]
    selection: Selection
    optimism: float


class Confirmed(Fact):
    """What `3_confirm` leaves: what test says of what val chose, and of the starting model."""

    chosen: Chosen
    ledger: Ledger
    test_metrics: dict[str, dict[str, float]]
    measured: dict[str, Bounds]
    baseline_measured: dict[str, Bounds]
    comparison: list[MetricComparison]
    slices: list[SliceComparison]
    untrained: UntrainedFacts
    incumbent: IncumbentFacts | None


def record_selection(
    session: Session,
    campaign: Campaign,
    selection: Selection,
    optimism: float,
    milliseconds: pd.DataFrame,
) -> None:
    """Log what val chose and the latencies measured, for the steps that follow."""
    chosen = Chosen(
        run_id=session.run_id,
        run_ids=[run.run_id for run in campaign.runs],
        selection=selection,
        optimism=optimism,
    )
    log_fact(session.client, session.run_id, Artifact.SELECTION, chosen)
    log_table(session.client, session.run_id, Artifact.LATENCIES, milliseconds)


def load_selection(session: Session, run_id: str) -> tuple[Chosen, Campaign]:
    """Read what val chose, with the runs it chose from; an empty id takes the newest."""
    run_id = given_or_latest(session, run_id, Role.SELECTION)
    chosen = load_fact(session.client, run_id, Artifact.SELECTION, Chosen)
    return chosen, load_campaign(session, chosen.run_ids)


def open_test(session: Session, campaign: Campaign, selection: Selection) -> dict[str, Seen]:
    """What every run of the two chosen configurations sees on test, by run name.

    The test split is looked at here for the first time, and only by what val has chosen. A run
    that was tested before keeps its detections: the model and the pictures are the same.
    """
    client = session.client
    truth = load_ground_truth(session, campaign, "test")
    groups = load_groups(session, campaign, "test")
    images = load_images(session, campaign, "test")
    path = Artifact.detections("test")
    test = measured_on(load_manifest(session, campaign), "test")
    opened: dict[str, Seen] = {}
    for run in campaign.members(selection.candidate) + campaign.members(selection.baseline):
        known = client.list_artifacts(run.run_id, path.rpartition("/")[0])
        if any(file.path == path for file in known):
            table = load_table(client, run.run_id, path)
        else:
            table = detect_split(load_detector(session, run), images)
            log_table(client, run.run_id, path, table)
        opened[run.run_name] = see(truth, table, run.metrics["threshold"], groups)
    for run in campaign.runs:
        if run.run_name in opened:
            metrics = opened[run.run_name].metrics()
            named = {f"test/{name}": v for name, v in metrics.items() if name != "threshold"}
            log_measures(client, run.run_id, {test: named})
    return opened


def side(opened: Mapping[str, Seen], campaign: Campaign, configuration: str) -> list[Seen]:
    """What the runs of one configuration saw on test."""
    return [opened[run.run_name] for run in campaign.members(configuration)]


def measure_starting_model(session: Session, campaign: Campaign, selection: Selection) -> Untrained:
    """The starting model at the candidate's image size, on val and on test."""
    imgsz = int(campaign.run(selection.candidate_run).params["imgsz"])
    val, test = (
        (load_images(session, campaign, split), load_ground_truth(session, campaign, split))
        for split in ("val", "test")
    )
    model = session.study.model
    return measure_untrained(
        f"{model.name}_e0_sz{imgsz}",
        starting_weights(model, session.home),
        imgsz,
        session.scratch,
        val,
        test,
        session.study.policy.operating_point,
    )


def compare_with_incumbent(
    session: Session, campaign: Campaign, candidate: Seen
) -> IncumbentFacts | None:
    """The run that would be registered against the version in Production; None without one."""
    found = measure_incumbent(session, campaign)
    if found is None:
        return None
    return IncumbentFacts(
        version=found.number,
        run_name=found.run_name,
        test_metrics=found.seen.metrics(),
        comparison=confirm([candidate], [found.seen], session.study.policy),
        known=found.known,
    )


def measure_runs(
    session: Session, campaign: Campaign, chosen: Chosen, ledger: Ledger, opened: Mapping[str, Seen]
) -> dict[str, dict[str, Bounds]]:
    """Bounds of every measure of the run that would be registered and of the baseline's, by name.

    What is measured on test takes the error that this opening may take; a cost, the policy's.
    """
    policy, selection = session.study.policy, chosen.selection
    latencies = load_table(session.client, chosen.run_id, Artifact.LATENCIES)
    baseline = campaign.members(selection.baseline)
    measured = {}
    for run_name, members in (
        (selection.candidate_run, campaign.members(selection.candidate)),
        (selection.baseline_run, baseline),
    ):
        first = policy.objectives[0].metric
        seeds = {run.run_name: opened[run.run_name].metrics()[first] for run in members}
        costs = cost_bounds(
            campaign.run(run_name),
            latencies,
            campaign.energy_method,
            [run.run_name for run in baseline],
            policy.confidence,
        )
        on_test = bounds_on_test(opened[run_name], 1 - ledger.level)
        spread = seed_bounds(seeds, policy.confidence)
        measured[run_name] = {**on_test, **costs, "seed_spread": spread}
    return measured


def record_confirmation(
    session: Session,
    chosen: Chosen,
    ledger: Ledger,
    opened: Mapping[str, Seen],
    measured: Mapping[str, Mapping[str, Bounds]],
    comparison: Sequence[MetricComparison],
    slices: Sequence[SliceComparison],
    untrained: UntrainedFacts,
    incumbent: IncumbentFacts | None,
) -> None:
    """Log what test says, for the diagnosis to read; `measured` is what `measure_runs` gives."""
    selection = chosen.selection
    confirmed = Confirmed(
        chosen=chosen,
        ledger=ledger,
        test_metrics={name: seen.metrics() for name, seen in opened.items()},
        measured=dict(measured[selection.candidate_run]),
        baseline_measured=dict(measured[selection.baseline_run]),
        comparison=list(comparison),
        slices=list(slices),
        untrained=untrained,
        incumbent=incumbent,
    )
    log_fact(session.client, session.run_id, Artifact.CONFIRMATION, confirmed)
    log_values(session.client, session.run_id, _logged(comparison))


def load_confirmation(session: Session, run_id: str) -> tuple[Confirmed, Campaign]:
    """Read what test says, with the runs it speaks of; an empty id takes the newest."""
    run_id = given_or_latest(session, run_id, Role.COMPARISON)
    confirmed = load_fact(session.client, run_id, Artifact.CONFIRMATION, Confirmed)
    return confirmed, load_campaign(session, confirmed.chosen.run_ids)


def load_latencies(session: Session, confirmed: Confirmed) -> pd.DataFrame:
    """The milliseconds per image and run that were measured when the candidate was chosen."""
    return load_table(session.client, confirmed.chosen.run_id, Artifact.LATENCIES)


def load_models(session: Session, campaign: Campaign, selection: Selection) -> dict[str, Seen]:
    """What the two runs that stand for the configurations saw on test, the candidate's first."""
    names = (selection.candidate_run, selection.baseline_run)
    return load_seen(session, campaign, [campaign.run(name) for name in names], "test")


def diagnose_runs(
    session: Session, campaign: Campaign, models: Mapping[str, Seen]
) -> dict[str, Diagnosis]:
    """How each of these runs errs on test, where it was opened."""
    on_val = load_seen(session, campaign, [campaign.run(name) for name in models], "val")
    rule = session.study.policy.operating_point
    return {name: diagnose(on_val[name], seen, rule) for name, seen in models.items()}


def doubt_labels(session: Session, campaign: Campaign, selection: Selection) -> LabelFacts:
    """The labels of test that both sides put in doubt, and the comparison without them."""
    runs = [campaign.members(name) for name in (selection.candidate, selection.baseline)]
    seen = load_seen(session, campaign, [run for side in runs for run in side], "test")
    suspects = suspected_labels(list(seen.values()))
    ours, theirs = (
        [without_suspects(seen[run.run_name], suspects) for run in side] for side in runs
    )
    return LabelFacts(suspects=suspects, comparison=confirm(ours, theirs, session.study.policy))


def telling_pictures(
    session: Session, campaign: Campaign, models: Mapping[str, Seen], selection: Selection
) -> dict[Path, list[Telling]]:
    """The test pictures that tell most of the two models, best first, each with its reasons."""
    images = load_images(session, campaign, "test")
    return telling_images(images, models[selection.candidate_run], models[selection.baseline_run])


def gather_evidence(
    session: Session,
    campaign: Campaign,
    confirmed: Confirmed,
    diagnoses: Mapping[str, Diagnosis],
    labels: LabelFacts,
) -> Evidence:
    """Everything that was measured, as the one value that the decision reads."""
    manifest = load_manifest(session, campaign)
    selection = confirmed.chosen.selection
    return Evidence(
        study=session.study.name,
        dataset_source=manifest.source,
        dataset_digest=manifest.digest,
        dataset_findings=manifest.findings,
        splits={
            split: SplitFacts(
                images=manifest.images[split],
                persons=manifest.instances[split],
                groups=manifest.independent(split),
            )
            for split in SPLITS
        },
        runs=campaign.runs,
        configurations=summarise(campaign.runs),
        failed=campaign.failed,
        candidate_configuration=selection.candidate,
        baseline_configuration=selection.baseline,
        candidate_run=selection.candidate_run,
        baseline_run=selection.baseline_run,
        test_metrics=confirmed.test_metrics,
        measured=confirmed.measured,
        baseline_measured=confirmed.baseline_measured,
        comparison=confirmed.comparison,
        slices=confirmed.slices,
        ledger=confirmed.ledger,
        untrained=confirmed.untrained,
        incumbent=confirmed.incumbent,
        optimism=confirmed.chosen.optimism,
        diagnoses=dict(diagnoses),
        labels=labels,
        confidence=session.study.policy.confidence,
        replicates=REPLICATES,
        energy_method=campaign.energy_method,
        hardware=hardware(),
        code_version=code_version(),
    )


def record_evidence(session: Session, evidence: Evidence) -> None:
    """Log the evidence with the study's policy, for the decision to read."""
    log_fact(session.client, session.run_id, Artifact.EVIDENCE, evidence)
    log_fact(session.client, session.run_id, Artifact.STUDY, session.study)


def load_evidence(session: Session, run_id: str) -> Evidence:
    """Read the evidence of a diagnosis run; an empty id takes the study's newest."""
    run_id = given_or_latest(session, run_id, Role.DIAGNOSIS)
    return load_fact(session.client, run_id, Artifact.EVIDENCE, Evidence)


def _logged(comparison: Sequence[MetricComparison]) -> dict[str, float]:
    values = {f"test/{one.metric}_difference": one.difference for one in comparison}
    return values | {f"test/{one.metric}_p_better": one.probability_better for one in comparison}
