"""What speaks for a promotion and what speaks against it, the strongest first.

Strength is what an argument does to the decision, then how far it stands from where it would be
none, in halves of its interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

from promotion.canary import Criterion
from promotion.comparison import Evidence, MetricComparison, point_bounds
from promotion.decision import Gate, ObjectiveOutcome, measure
from promotion.metrics import COSTS, MEASURES, METRICS
from promotion.outside import as_markdown
from promotion.report import words
from promotion.report.sentences import gate_sentence, reason_of_verdict
from promotion.report.words import sentence, text

if TYPE_CHECKING:
    from promotion.report.publication import Publication

# Reasons of a verdict that objectives, gates and the audit tell with their numbers.
TOLD_APART = ("no_gain", "lost", "objective_open", "gate_broken", "gate_open", "blocked")


Interval: TypeAlias = tuple[float | None, float | None]


class Rank(IntEnum):
    """What an argument does to the decision; the first is the strongest."""

    DECIDES = 0
    LEAVES_OPEN = 1
    ESTABLISHED = 2
    MEASURED = 3


@dataclass(frozen=True)
class Argument:
    """An argument in words; `distance` is in halves of its interval, 0 where it has none."""

    rank: Rank
    distance: float
    told: str


def arguments_for(decision: Publication, evidence: Evidence) -> list[str]:
    """What is established in the candidate's favour, the strongest first."""
    return _ordered(
        [*_gained(decision, evidence), *_faster(evidence), *_limits_kept(decision, evidence)]
    )


def arguments_against(decision: Publication, evidence: Evidence) -> list[str]:
    """What speaks against it, established or only measured, the strongest first."""
    return _ordered(
        [
            *_reasons(decision),
            *_objectives_missed(decision, evidence),
            *_limits_missed(decision),
            *_lost(decision, evidence),
            *_lost_in_canary(decision),
            *_lost_by_run(decision, evidence),
            *_lost_slices(decision, evidence),
            *_slower(evidence),
            *_dearer(evidence),
        ]
    )


def _ordered(arguments: Iterable[Argument]) -> list[str]:
    return [one.told for one in sorted(arguments, key=lambda one: (one.rank, -one.distance))]


def _distance(value: float, neutral: float, interval: Interval) -> float:
    """How far a value is from where it would say nothing, in halves of its interval."""
    low, high = interval
    if low is None or high is None or high <= low:
        return 0.0
    return abs(value - neutral) / ((high - low) / 2)


def _excludes(neutral: float, interval: Interval) -> bool:
    """Whether an interval, where there is one, leaves out what would say nothing."""
    low, high = interval
    return low is not None and high is not None and low < high and not low <= neutral <= high


def _difference(one: MetricComparison) -> dict[str, str]:
    return {
        "metric": text(f"metric.{one.metric}"),
        "candidate": words.number(one.candidate),
        "baseline": words.number(one.baseline),
        "difference": words.signed(one.difference),
        "interval": words.interval(one.interval),
    }


def _gained(decision: Publication, evidence: Evidence) -> Iterator[Argument]:
    asked = {one.metric for one in decision.objectives}
    for one in evidence.comparison:
        if one.probability_better < decision.policy.confidence:
            continue
        told = text("argument.better").format(
            **_difference(one), probability=words.probability(one.probability_better)
        )
        rank = Rank.DECIDES if one.metric in asked else Rank.ESTABLISHED
        yield Argument(rank, _distance(one.difference, 0.0, one.interval), told)


def _limits_kept(decision: Publication, evidence: Evidence) -> Iterator[Argument]:
    """Limits that hold: without them there is no promotion, but they tell no two models apart."""
    for judged in decision.objectives:
        found = evidence.compared(judged.metric)
        if judged.outcome == "kept" and found.probability_better < decision.policy.confidence:
            yield _about_objective(Rank.MEASURED, decision, judged, found)
    for gate in decision.gates:
        if gate.passed:
            yield _about_gate(Rank.MEASURED, gate)


def _about_objective(
    rank: Rank, decision: Publication, judged: ObjectiveOutcome, found: MetricComparison
) -> Argument:
    least = decision.policy.required_differences[judged.metric]
    told = text("argument.objective").format(
        **_difference(found),
        outcome=text(f"outcome.{judged.outcome}"),
        least=words.signed(least),
    )
    return Argument(rank, _distance(found.difference, least, found.interval), told)


def _about_gate(rank: Rank, gate: Gate) -> Argument:
    value = gate.limit if gate.value is None else gate.value
    return Argument(rank, _distance(value, gate.limit, (gate.low, gate.high)), gate_sentence(gate))


def _reasons(decision: Publication) -> Iterator[Argument]:
    """What else made the verdict what it is, and what the audit forbids."""
    rank = Rank.DECIDES if decision.verdict == "reject" else Rank.LEAVES_OPEN
    for check in decision.audit:
        if check.blocks:
            told = text("reason.blocked").format(check=as_markdown(check.message))
            yield Argument(Rank.DECIDES, 0.0, told)
    for reason in decision.reasons:
        if reason.id not in TOLD_APART:
            yield Argument(rank, 0.0, reason_of_verdict(reason))


def _objectives_missed(decision: Publication, evidence: Evidence) -> Iterator[Argument]:
    ranks = {"no_gain": Rank.DECIDES, "lost": Rank.DECIDES, "open": Rank.LEAVES_OPEN}
    for judged in decision.objectives:
        if judged.outcome in ranks:
            found = evidence.compared(judged.metric)
            yield _about_objective(ranks[judged.outcome], decision, judged, found)


def _limits_missed(decision: Publication) -> Iterator[Argument]:
    for gate in decision.gates:
        if not gate.passed:
            broken = gate.state == "broken"
            yield _about_gate(Rank.DECIDES if broken else Rank.LEAVES_OPEN, gate)


def _lost(decision: Publication, evidence: Evidence) -> Iterator[Argument]:
    told_apart = {one.metric for one in decision.objectives if one.outcome not in ("gain", "kept")}
    for one in evidence.comparison:
        if one.difference < 0 and one.metric not in told_apart:
            certain = one.probability_better <= 1 - decision.policy.confidence
            yield Argument(
                Rank.ESTABLISHED if certain else Rank.MEASURED,
                _distance(one.difference, 0.0, one.interval),
                text("argument.worse").format(**_difference(one)),
            )


def _lost_in_canary(decision: Publication) -> Iterator[Argument]:
    if decision.canary is None:
        return
    for one in decision.canary.last.criteria:
        rank = _rank_in_canary(one, decision.canary.verdict == "continue")
        if rank is not None:
            told = text("argument.canary").format(
                criterion=text(f"canary.{one.name}"),
                value=words.signed(one.value) if one.is_difference else words.number(one.value),
                bounds=words.interval(one.bounds),
                limit=words.number(one.limit),
                sign="≤" if one.is_drift else "≥",
                state=text(f"state.{one.state}"),
            )
            neutral = one.limit if rank < Rank.ESTABLISHED else 0.0
            yield Argument(rank, _distance(one.value, neutral, one.bounds), told)


def _rank_in_canary(one: Criterion, went_on: bool) -> Rank | None:
    """A stop leaves the other criteria open, which says nothing; None: it speaks for no one."""
    if one.state == "broken":
        return Rank.DECIDES
    if one.state == "open" and went_on:
        return Rank.LEAVES_OPEN
    if one.is_difference and one.value < 0:
        return Rank.ESTABLISHED if _excludes(0.0, one.bounds) else Rank.MEASURED
    return None


def _lost_by_run(decision: Publication, evidence: Evidence) -> Iterator[Argument]:
    """The run that would be registered against the baseline's, which seeds alone may explain."""
    ours, theirs = decision.candidate.metrics, decision.baseline.metrics
    for name in METRICS:
        if name in ours and name in theirs and ours[name] < theirs[name]:
            told = text("argument.run").format(
                metric=text(f"metric.{name}"),
                candidate=words.measured(name, ours[name]),
                baseline=words.measured(name, theirs[name]),
                difference=_of_runs(name, evidence),
            )
            yield _about_runs(name, evidence, told)


def _of_runs(name: str, evidence: Evidence) -> str:
    """The difference of the two runs with its interval, as an argument ends; empty if unknown."""
    found = evidence.run_difference(name)
    told = words.bounded(name, found) if found else ""
    return text("argument.difference").format(difference=told) if told else ""


def _about_runs(name: str, evidence: Evidence, told: str) -> Argument:
    """An argument of the two runs alone: established where the interval leaves out no difference.

    Of a metric it is never that: another seed may turn it.
    """
    found = evidence.run_difference(name) or point_bounds(None)
    interval = (found.low, found.high)
    certain = MEASURES[name].kind == "cost" and _excludes(0.0, interval)
    distance = _distance(found.value or 0.0, 0.0, interval)
    return Argument(Rank.ESTABLISHED if certain else Rank.MEASURED, distance, told)


def _lost_slices(decision: Publication, evidence: Evidence) -> Iterator[Argument]:
    """The slice that loses most, with the number of those that lose."""
    lost = [one for one in evidence.slices if one.difference < 0]
    if not lost:
        return
    worst = min(lost, key=lambda one: one.difference)
    told = sentence(
        "argument.slice",
        {
            "slice": as_markdown(
                words.named(words.slice_name(worst.column), words.slice_name(worst.value))
            ),
            "difference": words.signed(worst.difference),
            "interval": words.interval(worst.interval),
            "persons": worst.persons,
            "lost": len(lost),
            "slices": len(evidence.slices),
        },
    )
    # One of several slices may look lost by chance.
    level = (1 - decision.policy.confidence) / len(evidence.slices)
    certain = any(one.law.probability_above(0.0) <= level for one in lost)
    rank = Rank.ESTABLISHED if certain else Rank.MEASURED
    yield Argument(rank, _distance(worst.difference, 0.0, worst.interval), told)


def _faster(evidence: Evidence) -> Iterator[Argument]:
    yield from (one for one in _latency(evidence, faster=True) if one.rank == Rank.ESTABLISHED)


def _slower(evidence: Evidence) -> Iterator[Argument]:
    yield from _latency(evidence, faster=False)


def _latency(evidence: Evidence, faster: bool) -> Iterator[Argument]:
    """The time of an answer beside the baseline's, if it is faster, or slower, by what is shown."""
    name = "latency_p50_ms"
    ours, theirs = measure(name, evidence), measure(name, evidence, evidence.baseline_run)
    if not ours or not theirs or words.measured(name, ours) == words.measured(name, theirs):
        return
    if (ours < theirs) != faster:
        return
    # The median of the same images' ratios, where there are bounds of it.
    ratio = evidence.measured.get("latency_ratio", point_bounds(ours / theirs))
    value, interval = ratio.value or ours / theirs, (ratio.low, ratio.high)
    told = text("argument.latency").format(
        ratio=words.measured("latency_ratio", value),
        candidate=words.measured(name, ours),
        baseline=words.measured(name, theirs),
    )
    rank = Rank.ESTABLISHED if _excludes(1.0, interval) else Rank.MEASURED
    yield Argument(rank, _distance(value, 1.0, interval), told)


def _dearer(evidence: Evidence) -> Iterator[Argument]:
    """The other costs that are higher, by the digits that are shown."""
    for name in COSTS:
        ours, theirs = measure(name, evidence), measure(name, evidence, evidence.baseline_run)
        unit = MEASURES[name]
        if not unit.told or unit.unit == "ms" or ours is None or theirs is None:
            continue
        candidate, baseline = words.measured(name, ours), words.measured(name, theirs)
        if ours > theirs and candidate != baseline:
            told = text("argument.cost").format(
                metric=text(f"metric.{name}"),
                candidate=candidate,
                baseline=baseline,
                difference=_of_runs(name, evidence),
            )
            yield _about_runs(name, evidence, told)
