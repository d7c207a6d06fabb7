"""When two runs are one and the same, and which settings an experiment sweeps."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from promotion.audit.experiment import AuditedRun
from promotion.audit.names import CHANCES, is_cost, is_fine, is_neutral, is_result

# Nearer than this, two values are one.
SAME_METRIC = 1e-9
# So many digits must agree before chance is ruled out; more where many pairs had the chance.
TELLING_DIGITS = 4.0
CERTAIN = 99
# Enough copies to tell; a store where everything agrees would take hours.
MOST_COPIES = 50
# MLflow's SQL stores hold infinity as the largest number there is.
INFINITE = 1e308

Group = tuple[str, ...]


@dataclass(frozen=True)
class Sweep:
    """What varies in an experiment: settings that always vary together are one, joined by `+`.

    `values` (a row a run) are the values of these, in the order of `names`.
    """

    names: tuple[str, ...]
    values: list[tuple[str, ...]]


@dataclass(frozen=True)
class Likeness:
    """What pairs of runs that differ in one thing alone have in common.

    `twins` are those that are one and the same; `coarse` those that agree in too few digits to
    tell; `compared` says how many pairs could be compared at all.
    """

    twins: list[Group]
    coarse: list[Group]
    compared: int
    differing: int


def sweep_of(runs: Sequence[AuditedRun]) -> Sweep:
    """The settings that vary over these runs, without the seed and those that only name a run."""
    keys = sorted({key for run in runs for key in run.asked if key not in CHANCES})
    bundles: dict[object, list[str]] = defaultdict(list)
    columns: dict[object, tuple[str, ...]] = {}
    for key in keys:
        column = tuple(run.asked.get(key, "") for run in runs)
        if len(set(column)) > 1 and not is_neutral(key):
            shape = _shape(column)
            bundles[shape].append(key)
            columns.setdefault(shape, column)
    kept = [shape for shape in bundles if not _names_the_run(columns[shape], len(bundles))]
    names = tuple("+".join(bundles[shape]) for shape in kept)
    rows = list(zip(*(columns[shape] for shape in kept), strict=True)) or [()] * len(runs)
    return Sweep(names, rows)


def _shape(column: Sequence[str]) -> object:
    """What two settings have in common that always vary together.

    Two that are new in each of many runs vary together only if their values are the same.
    """
    codes: dict[str, int] = {}
    shape = tuple(codes.setdefault(value, len(codes)) for value in column)
    return (shape, *column) if len(codes) == len(column) > 2 else shape


def _names_the_run(column: Sequence[str], swept: int) -> bool:
    """Whether a setting beside others has a word of its own for each run."""
    return swept > 1 and len(set(column)) == len(column) > 2 and not any(map(_is_number, column))


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def pairs_by_parameter(
    runs: Sequence[AuditedRun], sweep: Sweep, index: int
) -> Iterator[list[AuditedRun]]:
    """Groups of runs that differ in this swept setting alone, a run a value."""
    groups: dict[object, dict[str, AuditedRun]] = defaultdict(dict)
    for run, values in zip(runs, sweep.values, strict=True):
        rest = (*values[:index], *values[index + 1 :], run.seed)
        groups[rest].setdefault(values[index], run)
    return (list(group.values()) for group in groups.values() if len(group) > 1)


def pairs_by_seed(runs: Sequence[AuditedRun], sweep: Sweep) -> Iterator[list[AuditedRun]]:
    """Groups of runs that differ in their known seeds alone, a run a seed."""
    groups: dict[object, dict[int, AuditedRun]] = defaultdict(dict)
    for run, values in zip(runs, sweep.values, strict=True):
        if run.seed is not None:
            groups[values].setdefault(run.seed, run)
    return (list(group.values()) for group in groups.values() if len(group) > 1)


def likeness(groups: Iterable[Sequence[AuditedRun]]) -> Likeness:
    """Which runs of each group are one: the same weights, or all comparable values agree.

    Of each group, sorted by their values, neighbours are compared: those that agree stand side by
    side. Chance is ruled out by the digits that agree, in one pair or, where all pairs agree, in
    all of them together.
    """
    agreed: list[tuple[AuditedRun, AuditedRun, int]] = []
    compared = differing = 0
    for group in groups:
        ordered = sorted(group, key=_signature)
        for one, other in pairwise(ordered):
            digits = agreement(one, other)
            if digits is None:
                continue
            compared += 1
            if digits < 0:
                differing += 1
            else:
                agreed.append((one, other, digits))
    all_agree = not differing and sum(digits for *_, digits in agreed) >= TELLING_DIGITS
    least = TELLING_DIGITS + math.log10(max(compared, 1))
    sure = [all_agree or digits >= least for *_, digits in agreed]
    return Likeness(
        twins=_chains(pair[:2] for pair, known in zip(agreed, sure, strict=True) if known),
        coarse=_chains(pair[:2] for pair, known in zip(agreed, sure, strict=True) if not known),
        compared=compared,
        differing=differing,
    )


def _signature(run: AuditedRun) -> tuple[str, list[tuple[str, float]]]:
    return run.parameters or "", sorted(results(run.metrics).items())


def results(metrics: Mapping[str, float]) -> dict[str, float]:
    """The finite values among metrics that tell of the model."""
    return {name: value for name, value in metrics.items() if is_result(name) and is_finite(value)}


def is_finite(value: float) -> bool:
    """Whether a value is a number at all, as MLflow's stores hold them."""
    return math.isfinite(value) and abs(value) < INFINITE


def agreement(one: AuditedRun, other: AuditedRun) -> int | None:
    """In how many digits two runs agree; −1 if they differ, None if nothing can be compared.

    The weights decide where both are known. Else every result that both have must agree, and only
    fine ones, which chance does not repeat, count.
    """
    if one.parameters is not None and other.parameters is not None:
        return CERTAIN if one.parameters == other.parameters else -1
    ours, theirs = results(one.metrics), results(other.metrics)
    shared = ours.keys() & theirs.keys()
    if not shared:
        return None
    if any(abs(ours[name] - theirs[name]) >= SAME_METRIC for name in shared):
        return -1
    return sum(significant_digits(value) for value in {ours[n] for n in shared if is_fine(n)})


def significant_digits(value: float) -> int:
    """How many digits a value was written with; none for a whole number."""
    if value == round(value):
        return 0
    mantissa = f"{abs(value):.15g}".partition("e")[0]
    return len(mantissa.replace(".", "").strip("0"))


def _chains(pairs: Iterable[tuple[AuditedRun, AuditedRun]]) -> list[Group]:
    """Pairs with a run in common as one group each, by the runs' names."""
    chains: list[list[str]] = []
    for one, other in pairs:
        if chains and chains[-1][-1] == one.name:
            chains[-1].append(other.name)
        else:
            chains.append([one.name, other.name])
    return [tuple(sorted(chain)) for chain in chains]


def copies(runs: Sequence[AuditedRun], sweep: Sweep) -> list[Group]:
    """Groups of runs with every number in common, costs too, that no lack of effect explains.

    Runs that differ in one setting or in the seed alone are told by the checks of these. Two
    trainings of one configuration and seed may agree, but never in what they cost.
    """
    alike: dict[object, list[int]] = defaultdict(list)
    for index, run in enumerate(runs):
        numbers = {name: value for name, value in run.metrics.items() if is_finite(value)}
        alike[tuple(sorted(numbers.items()))].append(index)
    least = TELLING_DIGITS + math.log10(max(len(runs) * (len(runs) - 1) / 2, 1))
    found = []
    for members in alike.values():
        if len(members) < 2 or _digits(runs[members[0]]) < least:
            continue
        if any(_unexplained(runs, sweep, one, members) for one in members[:MOST_COPIES]):
            found.append(tuple(runs[one].name for one in members))
    return found


def _digits(run: AuditedRun) -> int:
    return sum(
        significant_digits(value)
        for value in {v for n, v in run.metrics.items() if is_fine(n) or is_cost(n)}
        if is_finite(value)
    )


def _unexplained(
    runs: Sequence[AuditedRun], sweep: Sweep, one: int, members: Sequence[int]
) -> bool:
    return not any(
        _explained(runs, sweep, one, other) for other in members[:MOST_COPIES] if other != one
    )


def _explained(runs: Sequence[AuditedRun], sweep: Sweep, one: int, other: int) -> bool:
    ours, theirs = runs[one], runs[other]
    if ours.parameters is not None and theirs.parameters is not None:
        return ours.parameters == theirs.parameters
    values = zip(sweep.values[one], sweep.values[other], strict=True)
    differences = sum(a != b for a, b in values) + (ours.seed != theirs.seed)
    if differences == 0:
        return not any(is_cost(name) and significant_digits(v) for name, v in ours.metrics.items())
    return differences == 1
