"""The report's tables: values in, a French table out, ready to be shown by a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from mlflow.entities.model_registry import ModelVersion

from promotion.comparison import Selection
from promotion.costs import Energy
from promotion.datasets import Manifest
from promotion.datasets.manifest import SPLITS
from promotion.decision import AuditFinding
from promotion.evidence import ConfigurationFacts, FailedVariant, MetricComparison, RunFacts
from promotion.texts import (
    MISSING,
    NBSP,
    interval,
    measured,
    number,
    percent,
    probability,
    signed,
    text,
)

METRICS = ("mAP50", "mAP50-95", "precision", "recall", "threshold")
COSTS = ("latency_p50_ms", "latency_p95_ms", "latency_ratio", "energy_wh", "train_seconds")


def _table(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    table = pd.DataFrame(list(rows))
    return _with_row_names(table)


def _with_row_names(table: pd.DataFrame) -> pd.DataFrame:
    """Make the first column the rows' names, its title in the corner of the header."""
    title = table.columns[0]
    return table.set_index(title).rename_axis(index=None, columns=title)


def splits(manifest: Manifest) -> pd.DataFrame:
    """Images and persons of each split."""
    return _table(
        [
            {
                text("column.split"): text(f"split.{split}"),
                text("column.images"): number(manifest.images[split], 0),
                text("column.persons"): number(manifest.instances[split], 0),
                text("column.persons_per_image"): number(
                    manifest.instances[split] / manifest.images[split], 1
                ),
            }
            for split in SPLITS
        ]
    )


def findings(manifest: Manifest) -> pd.DataFrame:
    """One row a warning of the integrity checks; one that says so if there is none."""
    messages = [finding.message for finding in manifest.findings] or [text("findings.none")]
    return _table(
        [
            {text("column.check"): place, text("column.message"): message}
            for place, message in enumerate(messages, start=1)
        ]
    )


def requested_and_applied(
    asked: Mapping[str, object], applied: Mapping[str, object]
) -> pd.DataFrame:
    """What was asked of the training beside what it really used."""
    keys = [key for key in asked if f"applied_{key}" in applied]
    return _table(
        [
            {
                text("column.parameter"): key,
                text("column.requested"): str(asked[key]),
                text("column.applied"): str(applied[f"applied_{key}"]),
            }
            for key in keys
        ]
    )


def metrics(values: Mapping[str, float]) -> pd.DataFrame:
    """One row a metric."""
    return _table(
        [
            {
                text("column.metric"): text(f"metric.{name}"),
                text("column.value"): measured(name, value),
            }
            for name, value in values.items()
        ]
    )


def runs(facts: Sequence[RunFacts], names: Sequence[str] = METRICS) -> pd.DataFrame:
    """One row a run: its metrics on val (or its COSTS)."""
    return _table(
        [
            {text("column.run"): run.run_name}
            | {
                text(f"metric.{name}"): measured(name, run.metrics[name])
                for name in names
                if name in run.metrics
            }
            for run in facts
        ]
    )


def energy(found: Energy) -> pd.DataFrame:
    """Duration and energy of a training, and whether a meter measured it."""
    table = metrics({"train_seconds": found.seconds, "energy_wh": found.watt_hours})
    table.loc[text("column.method")] = text(f"energy.{found.method}")
    return table


def selection(chosen: Selection) -> pd.DataFrame:
    """The two configurations that val chose to compare, and the run that stands for each."""
    names = [text(f"column.{key}") for key in ("role", "configuration", "run")]
    rows = [
        (text("role.candidate"), chosen.candidate, chosen.candidate_run),
        (text("role.baseline"), chosen.baseline, chosen.baseline_run),
    ]
    return _with_row_names(pd.DataFrame(rows, columns=names))


def configurations(
    facts: Sequence[ConfigurationFacts], names: Sequence[str] = METRICS
) -> pd.DataFrame:
    """One row a configuration: mean over seeds ± standard deviation."""
    return _table(
        [
            {
                text("column.configuration"): one.name,
                text("column.seeds"): ", ".join(str(seed) for seed in one.seeds),
            }
            | {
                text(f"metric.{name}"): _mean_and_sd(name, one)
                for name in names
                if name in one.mean
            }
            for one in facts
        ]
    )


def _mean_and_sd(name: str, facts: ConfigurationFacts) -> str:
    sd = facts.sd[name]
    mean = measured(name, facts.mean[name])
    return mean if sd is None else f"{mean}{NBSP}±{NBSP}{measured(name, sd)}"


def failures(failed: Sequence[FailedVariant]) -> pd.DataFrame:
    """One row a variant without a complete run, with its error."""
    return pd.DataFrame(
        [{text("column.run"): one.run_name, text("column.error"): one.error} for one in failed],
        columns=[text("column.run"), text("column.error")],
    )


def comparison(found: Sequence[MetricComparison], confidence: float) -> pd.DataFrame:
    """One row a metric on test: both means, the difference, its interval, its probability."""
    level = text("column.interval").format(level=percent(confidence))
    return _table(
        [
            {
                text("column.metric"): text(f"metric.{one.metric}"),
                text("column.candidate"): number(one.candidate),
                text("column.baseline"): number(one.baseline),
                text("column.difference"): signed(one.difference),
                level: interval(one.interval),
                text("column.probability"): probability(one.probability_better),
            }
            for one in found
        ]
    )


def checks(findings: Sequence[AuditFinding]) -> pd.DataFrame:
    """One row a check on the experiment."""
    return _table(
        [
            {
                text("column.check"): check.id,
                text("column.severity"): text(f"check.{check.severity}"),
                text("column.outcome"): text("check.passed" if check.passed else "check.failed"),
                text("column.message"): check.message,
            }
            for check in findings
        ]
    )


def registered(versions: Sequence[ModelVersion], aliases: Mapping[str, str]) -> pd.DataFrame:
    """One row a registered version, newest first."""
    names = [text(f"column.{key}") for key in ("version", "alias", "run", "verdict")]
    rows = [
        (
            version.version,
            ", ".join(alias for alias, number in aliases.items() if number == str(version.version)),
            version.tags.get("run_name", MISSING),
            text(f"verdict.{version.tags['verdict']}") if "verdict" in version.tags else MISSING,
        )
        for version in versions
    ]
    return _with_row_names(pd.DataFrame(rows, columns=names))
