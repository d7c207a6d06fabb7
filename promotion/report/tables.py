"""The report's tables: values in, a table in words out, ready to be shown by a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from statistics import stdev
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pandas as pd
from IPython.display import HTML
from mlflow.entities.model_registry import ModelVersion

from promotion.audit import Finding
from promotion.canary import CanaryResult, Criterion, Look
from promotion.comparison import (
    ConfigurationFacts,
    FailedVariant,
    IncumbentFacts,
    LabelFacts,
    MetricComparison,
    RunFacts,
    Selection,
    SliceComparison,
    by_configuration,
)
from promotion.comparison.slices import SIZE
from promotion.datasets import SPLITS, Manifest, PreparedDataset, slices_of
from promotion.decision import Gate, TippingPoint
from promotion.detection import Diagnosis
from promotion.facts import Note
from promotion.metrics import COSTS, METRICS
from promotion.outside import visible
from promotion.registry import Event
from promotion.registry.parity import LEAST_SHARE, MOST_MAP_GAP, Parity
from promotion.report.prose import check_title
from promotion.report.sentences import (
    demand_name,
    demand_value,
    demanded,
    failure_sentence,
    finding_sentence,
    note_sentence,
    reason_sentence,
    turns_sentence,
)
from promotion.report.words import (
    MISSING,
    NBSP,
    has_text,
    interval,
    listed,
    measured,
    moment,
    named,
    number,
    percent,
    probability,
    rule_value,
    signed,
    slice_name,
    text,
)
from promotion.store import VersionTag
from promotion.study import CanaryDataset, Policy
from promotion.training import Energy

if TYPE_CHECKING:
    from promotion.report.changes import Change

# A reason cut short with dots, or a run left out, is not what a report is for.
for _option in ("max_colwidth", "max_rows", "max_columns"):
    pd.set_option(f"display.{_option}", None)

QUALITY = (*METRICS, "threshold")
# Which texts name what changed, and which say its values.
NAMED_AS: dict[str, str] = {
    "origin": "origin",
    "side": "role",
    "metric": "metric",
    "difference": "metric",
    "gate": "metric",
}
# So much of a digest tells it from another.
DIGITS = 12
SAID_AS: dict[str, str] = {
    "verdict": "verdict",
    "gate": "gate",
    "canary": "canary",
    "audit": "passed",
}


def _table(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    table = pd.DataFrame(list(rows))
    return _with_row_names(table)


def _with_row_names(table: pd.DataFrame) -> pd.DataFrame:
    """Make the first column the rows' names, its title in the corner of the header.

    A page holds the table as HTML within Markdown, which an empty line in a cell would end.
    """
    table = table.map(lambda value: visible(value) if isinstance(value, str) else value)
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


def findings(notes: Sequence[Note]) -> pd.DataFrame:
    """One row a warning of the integrity checks; one that says so if there is none."""
    messages = [note_sentence(note) for note in notes] or [text("findings.none")]
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


def runs(facts: Sequence[RunFacts], names: Sequence[str] = QUALITY) -> pd.DataFrame:
    """One row a run: its metrics on val."""
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
    facts: Sequence[ConfigurationFacts], names: Sequence[str] = QUALITY
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


def costs(facts: Sequence[ConfigurationFacts]) -> pd.DataFrame:
    """One row a configuration: its costs, mean over seeds ± standard deviation."""
    return configurations(facts, COSTS)


def _mean_and_sd(name: str, facts: ConfigurationFacts) -> str:
    sd = facts.sd[name]
    mean = measured(name, facts.mean[name])
    return mean if sd is None else f"{mean}{NBSP}±{NBSP}{measured(name, sd)}"


def variance(found: Sequence[MetricComparison]) -> pd.DataFrame:
    """One row a metric: the error of the difference that images give, and that seeds give."""
    return _table(
        [
            {
                text("column.metric"): text(f"metric.{one.metric}"),
                text("column.difference"): signed(one.difference),
                text("column.image_error"): number(one.image_error),
                text("column.seed_error"): number(one.seed_error),
                text("column.seed_share"): percent(_seed_share(one)),
            }
            for one in found
        ]
    )


def _seed_share(one: MetricComparison) -> float | None:
    if one.seed_error is None:
        return None
    total = one.image_error**2 + one.seed_error**2
    return one.seed_error**2 / total if total else None


def seeds(runs: Sequence[RunFacts], metric: str) -> pd.DataFrame:
    """One row a configuration: its spread over seeds on val, and its worst seed."""
    rows = []
    for name, members in by_configuration(runs).items():
        values = {run.seed: run.metrics[metric] for run in members}
        worst = min(values, key=lambda seed: values[seed])
        rows.append(
            {
                text("column.configuration"): name,
                text("column.seeds"): len(values),
                text("column.sd"): number(stdev(values.values()) if len(values) > 1 else None),
                text("column.range"): number(max(values.values()) - min(values.values())),
                text("column.worst"): named(str(worst), number(values[worst])),
            }
        )
    return _table(rows)


def points(diagnosis: Diagnosis) -> pd.DataFrame:
    """The operating point that each rule would choose on val; the study's own first."""
    return _table(
        [
            {
                text("column.rule"): text(f"rule.{point.rule.rule}").format(
                    floor=number(point.rule.floor, 2)
                )
                + (text("rule.out_of_reach") if point.out_of_reach else ""),
                text("metric.threshold"): number(point.threshold),
                text("metric.precision"): number(point.precision),
                text("metric.recall"): number(point.recall),
            }
            for point in diagnosis.points
        ]
    )


def error_kinds(diagnoses: Mapping[str, Diagnosis]) -> HTML:
    """One row a kind of error: how often each model makes it, and what mending it would give.

    Each number leads to the pictures of the gallery that show these errors.
    """
    first = next(iter(diagnoses.values()))
    return _linked(
        [
            {text("column.error"): text(f"kind.{kind.name}")}
            | {
                escape(text("kind.shown").format(model=name)): _in_gallery(
                    number(one.errors[place].count, 0), {"model": name, "what": kind.name}
                )
                + f" ({signed(one.errors[place].cost)})"
                for name, one in diagnoses.items()
            }
            for place, kind in enumerate(first.errors)
        ]
    )


def _linked(rows: Sequence[Mapping[str, object]]) -> HTML:
    """A table whose cells are HTML."""
    return HTML(_table(rows).to_html(escape=False))  # type: ignore[no-untyped-call]


def _in_gallery(shown: str, asked: Mapping[str, str]) -> str:
    """Words that lead to the pictures of the gallery that answer its filters."""
    query = escape(urlencode(asked))
    return f'<a href="../book/gallery.html?{query}#pictures">{escape(shown)}</a>'


def _filter_of(column: str) -> str:
    """The filter of the gallery for a way of slicing."""
    return column if column == SIZE else f"slice-{column}"


def suspects(labels: LabelFacts) -> HTML:
    """One row a suspected label of test, the surest first; it leads to their pictures."""
    return _linked(
        [
            {
                text("column.image"): _in_gallery(visible(one.image), {"what": "suspect"}),
                text("column.suspect"): text(f"suspect.{one.kind}"),
                text("column.box"): ", ".join(number(value, 0) for value in one.box),
                text("column.confidence"): number(one.score),
                text("column.shown_by"): number(one.runs, 0),
            }
            for one in labels.suspects
        ]
        or [{text("column.suspect"): text("suspects.none")}]
    )


def without_suspects(found: Sequence[MetricComparison], labels: LabelFacts) -> pd.DataFrame:
    """One row a metric: the difference, and what it is without the suspected labels."""
    without = {one.metric: one for one in labels.comparison}
    return _table(
        [
            {
                text("column.metric"): text(f"metric.{one.metric}"),
                text("column.difference"): f"{signed(one.difference)} {interval(one.interval)}",
                text("column.without_suspects"): f"{signed(without[one.metric].difference)} "
                f"{interval(without[one.metric].interval)}",
            }
            for one in found
        ]
    )


def sizes(diagnoses: Mapping[str, Diagnosis]) -> pd.DataFrame:
    """One row a size of persons: their number, and each model's mAP on them."""
    first = next(iter(diagnoses.values()))
    return _table(
        [
            {
                text("column.size"): text(f"size.{size.name}"),
                text("column.persons"): number(size.persons, 0),
            }
            | {name: number(one.sizes[place].ap) for name, one in diagnoses.items()}
            for place, size in enumerate(first.sizes)
        ]
    )


def failures(failed: Sequence[FailedVariant]) -> pd.DataFrame:
    """One row a variant without a complete run, with its error."""
    rows = [(one.run_name, failure_sentence(one)) for one in failed] or [
        (MISSING, text("failures.none"))
    ]
    columns = [text("column.run"), text("column.error")]
    return _with_row_names(pd.DataFrame(rows, columns=columns))


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


def three_ways(found: Sequence[MetricComparison], policy: Policy) -> pd.DataFrame:
    """One row an objective: confidence that the candidate is worse, equivalent or better."""
    compared = {one.metric: one for one in found}
    rows = []
    for objective in policy.objectives:
        law = compared[objective.metric].law
        shares = law.worse_equivalent_better(objective.smallest_gain)
        names = ("column.worse", "column.equivalent", "column.better")
        rows.append(
            {text("column.metric"): text(f"metric.{objective.metric}")}
            | {text(name): probability(share) for name, share in zip(names, shares, strict=True)}
        )
    return _table(rows)


def slices(found: Sequence[SliceComparison], confidence: float) -> HTML:
    """One row a slice of test, the worst first: both recalls, their difference, its interval.

    Each leads to the pictures where a person of the slice is missed.
    """
    level = text("column.interval").format(level=percent(confidence))
    return _linked(
        [
            {
                text("column.slice"): _in_gallery(
                    named(slice_name(one.column), slice_name(one.value)),
                    {"what": "missed", _filter_of(one.column): one.value},
                ),
                text("column.images"): number(one.images, 0),
                text("column.persons"): number(one.persons, 0),
                text("column.candidate"): number(one.candidate),
                text("column.baseline"): number(one.baseline),
                text("column.recall_difference"): signed(one.difference),
                level: interval(one.interval),
            }
            for one in found
        ]
        or [{text("column.slice"): MISSING}]
    )


def incumbent(found: IncumbentFacts | None, confidence: float) -> pd.DataFrame | str:
    """The run that would be registered against the version in Production, if there is one."""
    if found is None:
        return text("incumbent.none")
    return comparison(found.comparison, confidence)


def gates(found: Sequence[Gate]) -> pd.DataFrame:
    """One row a gate: its limit, what was measured, its bound, and what it protects from."""
    names = ("gate", "limit", "value", "bound", "outcome", "protects")
    columns = [text(f"column.{key}") for key in names]
    rows = [
        (
            text(f"metric.{gate.name}"),
            f"{'≥' if gate.at_least else '≤'}{NBSP}{measured(gate.name, gate.limit)}",
            measured(gate.name, gate.value),
            measured(gate.name, gate.bound),
            text(f"gate.{gate.state}"),
            text(f"protects.{gate.name}"),
        )
        for gate in found
    ]
    return _with_row_names(pd.DataFrame(rows, columns=columns))


def tipping_points(found: Sequence[TippingPoint]) -> pd.DataFrame:
    """One row a limit: what was measured against it, and where the verdict turns if it moves."""
    return _table(
        [
            {
                text("column.criterion"): demand_name(one.demand),
                text("column.limit"): demanded(one.demand),
                text("column.value"): demand_value(one.demand, one.demand.measured),
                text("column.bound"): demand_value(one.demand, one.demand.bound),
                text("column.margin"): demand_value(one.demand, one.demand.margin),
                text("column.turns"): turns_sentence(one),
            }
            for one in found
        ]
    )


def checks(findings: Sequence[Finding]) -> HTML:
    """One row a check on the experiment, with a link to the page that explains it."""
    return _linked(
        [
            {
                text("column.check"): f'<a href="../book/audit.html#{check.id}">'
                f"{escape(check_title(check.id))}</a>",
                text("column.severity"): text(f"check.{check.severity}"),
                text("column.outcome"): text(f"check.{_outcome(check)}"),
                text("column.message"): escape(finding_sentence(check)),
            }
            for check in findings
        ]
    )


def _outcome(check: Finding) -> str:
    return {True: "passed", False: "failed", None: "unknown"}[check.passed]


def parity(found: Parity | None) -> pd.DataFrame | str:
    """How the registered model agrees with its checkpoint, beside what is required."""
    if found is None:
        return text("parity.none")
    share = text("parity.limit.share").format(limit=percent(LEAST_SHARE))
    gap = text("parity.limit.map").format(limit=number(MOST_MAP_GAP))
    boxes = text("parity.boxes").format(images=found.images)
    names = [text(f"column.{key}") for key in ("metric", "value", "limit")]
    rows = [
        (boxes, number(found.boxes, 0), MISSING),
        (text("parity.share"), percent(found.share, 1), share),
        (text("parity.iou"), number(found.median_iou), MISSING),
        (text("parity.gap"), number(found.largest_confidence_gap), MISSING),
        (text("parity.map"), number(found.map_gap, 4), gap),
    ]
    return _with_row_names(pd.DataFrame(rows, columns=names))


def canary_pictures(
    asked: CanaryDataset, pictures: PreparedDataset, findings: Sequence[Note]
) -> pd.DataFrame:
    """Which pictures a canary takes: from where, of what domain, and what they say of themselves.

    The kinds are counted picture by picture, from what is known of each, not from the study file.
    """
    drawn = asked.source == "street_scenes"
    name = asked.path.name if asked.path else ""
    source = text(f"canary.pictures.{asked.source}").format(seed=asked.seed, name=name)
    rows = [(text("canary.pictures.source"), source)]
    if drawn:
        domain = f"{asked.domain} ({text(f'domain.{asked.domain}')})"
        rows.append((text("canary.pictures.domain"), domain))
    manifest = pictures.manifest
    rows += [
        (text("column.images"), number(manifest.images["canary"], 0)),
        (text("column.persons"), number(manifest.instances["canary"], 0)),
    ]
    kinds = slices_of(pictures.folder, "canary").drop(columns="image")
    for column in kinds:
        counts = kinds[column].value_counts()
        told = [named(slice_name(str(kind)), number(count, 0)) for kind, count in counts.items()]
        rows.append((slice_name(str(column)), listed(told)))
    warnings = [note_sentence(note) for note in findings] or [text("findings.none")]
    rows += [(text("canary.pictures.warning"), warning) for warning in warnings]
    columns = [text("canary.pictures"), text("column.value")]
    return _with_row_names(pd.DataFrame(rows, columns=columns))


def contenders(result: CanaryResult) -> pd.DataFrame:
    """What both sides did on the canary's pictures, all together."""
    titles = {"challenger": result.challenger, "champion": result.champion}
    return _table(
        [
            {text("column.metric"): text(f"metric.{name}")}
            | {
                f"{text(f'contender.{side}')} ({titles[side]})": measured(name, metrics[name])
                for side, metrics in result.metrics.items()
            }
            for name in result.metrics["challenger"]
        ]
    )


def criteria(look: Look) -> pd.DataFrame:
    """One row a criterion of stability after a look."""
    return _table(
        [
            {
                text("column.criterion"): text(f"canary.{one.name}"),
                text("column.value"): _criterion_value(one),
                text("column.bounds"): interval(one.bounds),
                text("column.limit"): f"{'≤' if one.is_drift else '≥'}{NBSP}{number(one.limit)}",
                text("column.state"): text(f"state.{one.state}"),
            }
            for one in look.criteria
        ]
    )


def looks(found: Sequence[Look]) -> pd.DataFrame:
    """One row a batch: all that was known after it."""
    return _table(
        [
            {
                text("column.batch"): place,
                text("column.images"): number(look.images, 0),
                text("column.persons"): number(look.persons, 0),
            }
            | {text(f"canary.{one.name}"): _criterion_value(one) for one in look.criteria}
            | {text("column.verdict"): text(f"canary.{look.verdict}")}
            for place, look in enumerate(found, start=1)
        ]
    )


def _criterion_value(one: Criterion) -> str:
    return signed(one.value) if one.is_difference else number(one.value)


def registered(versions: Sequence[ModelVersion], aliases: Mapping[str, str]) -> pd.DataFrame:
    """One row a registered version, newest first."""
    names = [text(f"column.{key}") for key in ("version", "alias", "run", "verdict", "canary")]
    rows = [
        (
            version.version,
            ", ".join(alias for alias, number in aliases.items() if number == str(version.version)),
            version.tags.get(VersionTag.RUN_NAME, MISSING),
            _said(version, VersionTag.VERDICT),
            _said(version, VersionTag.CANARY),
        )
        for version in versions
    ]
    return _with_row_names(pd.DataFrame(rows, columns=names))


def _said(version: ModelVersion, tag: str) -> str:
    said = version.tags.get(tag, MISSING)
    return text(f"{tag}.{said}") if has_text(f"{tag}.{said}") else said


def history(events: Sequence[Event]) -> pd.DataFrame:
    """One row a transition of the registry, newest first."""
    names = [text(f"column.{key}") for key in ("when", "action", "version", "who", "why")]
    rows = [
        (
            moment(event.when),
            text(f"action.{event.action}"),
            event.version,
            event.who,
            reason_sentence(event),
        )
        for event in events
    ]
    return _with_row_names(pd.DataFrame(rows, columns=names))


def changes(found: Sequence[Change]) -> pd.DataFrame:
    """One row a thing that changed from one decision to the next, by the digits that are shown."""
    names = [text(f"column.{key}") for key in ("changed", "before", "after")]
    rows = [
        (_changed(one), _changed_value(one, one.before), _changed_value(one, one.after))
        for one in found
    ]
    seen = [row for row in rows if row[1] != row[2]]
    return _with_row_names(pd.DataFrame(seen, columns=names))


def _changed(one: Change) -> str:
    kind = NAMED_AS.get(one.aspect)
    return text(f"change.{one.aspect}").format(
        name=text(f"{kind}.{one.name}") if kind else one.name
    )


def _changed_value(one: Change, value: Any) -> str:
    if value is None:
        return MISSING
    if one.aspect == "metric":
        return measured(one.name, value)
    if one.aspect == "difference":
        difference, low, high = value
        return f"{signed(difference)} {interval((low, high))}"
    if one.aspect == "origin":
        told = moment(value) if one.name == "when" else str(value)
        return told[:DIGITS] if one.name in ("dataset", "code") else told
    if one.aspect in SAID_AS:
        return text(f"{SAID_AS[one.aspect]}.{value}")
    if one.aspect == "policy":
        return rule_value(value)
    return str(value)
