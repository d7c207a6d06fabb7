"""What speaks for a promotion and what speaks against it, the strongest first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from promotion.comparison import Evidence, MetricComparison
from promotion.decision import measure
from promotion.metrics import COSTS, MEASURES, METRICS
from promotion.outside import as_markdown
from promotion.report import words
from promotion.report.sentences import gate_sentence
from promotion.report.words import text

if TYPE_CHECKING:
    from promotion.report.publication import Publication


def arguments_for(decision: Publication, evidence: Evidence) -> list[str]:
    """What is established in the candidate's favour: differences by their confidence, gates."""
    better = [
        one for one in evidence.comparison if one.probability_better >= decision.policy.confidence
    ]
    told = [
        text("argument.better").format(
            **_difference(one), probability=words.probability(one.probability_better)
        )
        for one in better
    ]
    return told + [gate_sentence(gate) for gate in decision.gates if gate.passed]


def arguments_against(decision: Publication, evidence: Evidence) -> list[str]:
    """What speaks against it, established or only measured, which each sentence says."""
    return [
        *(gate_sentence(gate) for gate in decision.gates if gate.state == "broken"),
        *_lost(decision, evidence),
        *_lost_in_canary(decision),
        *_lost_by_run(decision),
        *_lost_slices(evidence),
        *_dearer(evidence),
    ]


def _difference(one: MetricComparison) -> dict[str, str]:
    return {
        "metric": text(f"metric.{one.metric}"),
        "candidate": words.number(one.candidate),
        "baseline": words.number(one.baseline),
        "difference": words.signed(one.difference),
        "interval": words.interval(one.interval),
    }


def _lost(decision: Publication, evidence: Evidence) -> Iterator[str]:
    for one in evidence.comparison:
        if one.probability_better <= 1 - decision.policy.confidence:
            yield text("argument.worse").format(**_difference(one))


def _lost_in_canary(decision: Publication) -> Iterator[str]:
    for one in decision.canary.last.criteria if decision.canary else []:
        if one.is_difference and one.value is not None and one.value < 0:
            yield text("argument.canary").format(
                criterion=text(f"canary.{one.name}"),
                difference=words.signed(one.value),
                bounds=words.interval(one.bounds),
            )


def _lost_by_run(decision: Publication) -> Iterator[str]:
    """The run that would be registered against the baseline's, which seeds alone may explain."""
    ours, theirs = decision.candidate.metrics, decision.baseline.metrics
    for name in METRICS:
        if name in ours and name in theirs and ours[name] < theirs[name]:
            yield text("argument.run").format(
                metric=text(f"metric.{name}"),
                candidate=words.measured(name, ours[name]),
                baseline=words.measured(name, theirs[name]),
            )


def _lost_slices(evidence: Evidence) -> Iterator[str]:
    for one in sorted(evidence.slices, key=lambda one: one.difference):
        if one.difference < 0:
            yield text("argument.slice").format(
                slice=as_markdown(
                    words.named(words.slice_name(one.column), words.slice_name(one.value))
                ),
                difference=words.signed(one.difference),
                interval=words.interval(one.interval),
                persons=words.number(one.persons, 0),
            )


def _dearer(evidence: Evidence) -> Iterator[str]:
    """The costs that are higher, by the digits that are shown."""
    for name in COSTS:
        ours, theirs = measure(name, evidence), measure(name, evidence, evidence.baseline_run)
        if not MEASURES[name].told or ours is None or theirs is None:
            continue
        candidate, baseline = words.measured(name, ours), words.measured(name, theirs)
        if ours > theirs and candidate != baseline:
            yield text("argument.cost").format(
                metric=text(f"metric.{name}"), candidate=candidate, baseline=baseline
            )
