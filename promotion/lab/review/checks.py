"""The checks of a review: each claim of a document against the runs, and against itself."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from promotion.audit import Finding
from promotion.audit.finding import Severity, finding
from promotion.audit.sameness import TELLING_DIGITS, agreement
from promotion.facts import Fact
from promotion.lab.published import IMAGES, PERSONS
from promotion.lab.review.chance import (
    Chance,
    Counted,
    by_count,
    by_images,
    by_seeds,
    paired_reach,
    persons_behind,
)
from promotion.lab.review.claims import (
    CANDIDATE,
    Claims,
    Figure,
    claims_of,
    notices_false_alarms,
)
from promotion.lab.review.lexicon import (
    ADMITS,
    BETTER,
    COST,
    MAP,
    PRAISED,
    SECTIONS,
    SETTING,
    SHARES,
    STABILITY,
    fold,
    measures_in,
)
from promotion.lab.review.reading import Clause, Document, read_document
from promotion.lab.review.records import Ran, Records
from promotion.metrics import METRICS

# Below this precision, nine boxes in ten are false alarms.
LOW_PRECISION = 0.1
FEWEST_SEEDS = 3
# Loggers keep five digits of a metric, or all.
FINEST = 1e-5
COMPARED = (*METRICS, MAP)
# What is listed, but not what stands in brackets.
_PARTS = re.compile(r"(?:[,;]\s+|\s+et\s+|\s+and\s+)(?![^(]{0,200}\))")
_OBJECTIVE = re.compile(r"objecti[fv]|\bgoals?\b")
_CONSTRAINT = re.compile(r"contrainte|constraint|requirement|limite\b")


class Remark(Finding):
    """A finding about a line of the document (None: about all of it); its block ends at `end`."""

    line: int | None = None
    end: int | None = None


class Review(Fact):
    """A document, and what there is to say of it.

    `experiment` is where its runs were looked up; None where there was none.
    """

    document: Document
    experiment: str | None
    remarks: list[Remark]

    @property
    def holds(self) -> bool:
        """Whether every claim holds: nothing failed, and what matters most could be checked."""
        open_ones = (one for one in self.remarks if one.passed is None)
        return not any(one.failed for one in self.remarks) and all(
            one.severity != "blocking" for one in open_ones
        )


def check_claims(text: str, records: Records | None) -> Review:
    """Check a decision document; without records, what it says is checked against itself."""
    document = read_document(text)
    known = [run.name for run in records.runs] if records else []
    case = _Case(document, claims_of(document, known), records)
    checks = (
        _sections,
        _runs,
        _parameters,
        _contradictions,
        _numbers,
        _false_alarms,
        _differences,
        _setting_effects,
        _stability,
        _constraints,
        _praise,
        _artifact,
        _verdict,
    )
    remarks = [remark for check in checks for remark in check(case)]
    # A word that the runs contradict needs no other number.
    told = {one.line for one in remarks if one.id in ("setting", "stability")}
    remarks = [one for one in remarks if one.id != "adjective" or one.line not in told]
    return Review(
        document=document,
        experiment=records.experiment if records else None,
        remarks=remarks,
    )


@dataclass(frozen=True)
class _Case:
    """What the checks look at."""

    document: Document
    claims: Claims
    records: Records | None

    def run(self, subject: str | None) -> Ran | None:
        """The run in MLflow behind a name of the document."""
        return self.records.run(subject) if self.records and subject else None

    @property
    def candidate(self) -> Ran | None:
        """The promoted run, if MLflow has it."""
        return self.run(self.claims.candidate)

    @property
    def candidate_name(self) -> str:
        """What the document calls the promoted run."""
        return self.claims.candidate or CANDIDATE


def _remark(
    identity: str,
    severity: Severity,
    passed: bool | None,
    said: str = "",
    line: int | None = None,
    end: int | None = None,
    **facts: object,
) -> Remark:
    found = finding(identity, severity, passed, said, **facts)
    return Remark(**found.model_dump(), line=line, end=end)


def _sections(case: _Case) -> Iterator[Remark]:
    """Every section of the template is there."""
    missing = [one for one in SECTIONS if one not in case.document.sections]
    for one in missing:
        yield _remark("section", "warning", False, section=one)
    if not missing:
        yield _remark("section", "warning", True)


def _runs(case: _Case) -> Iterator[Remark]:
    """The runs that are named exist."""
    claims, records = case.claims, case.records
    if not claims.names:
        line = case.document.sections.get("candidate")
        yield _remark("run", "blocking", False, "unnamed", line, line)
        return
    if records is None:
        first = min(claims.names.values())
        yield _remark("run", "blocking", None, "no_runs", first, first, names=list(claims.names))
        return
    for name, line in claims.names.items():
        if records.run(name) is None:
            yield _remark(
                "run",
                "blocking",
                False,
                "absent",
                line,
                line,
                name=name,
                experiment=records.experiment,
                runs=len(records.runs),
            )
    found = [name for name in claims.names if records.run(name) is not None]
    if found:
        yield _remark("run", "blocking", True, names=found, experiment=records.experiment)


_IN_NAME = re.compile(
    r"_e(?P<epochs>\d+)_sz(?P<imgsz>\d+)_lr(?P<lr0>[\d.]+?)(?:_.*)?_s(?P<seed>\d+)$"
)


def _parameters(case: _Case) -> Iterator[Remark]:
    """The settings written are those of the run, or at least those that its name tells."""
    for setting in case.claims.settings:
        if not setting.declared or setting.subject is None or len(setting.values) != 1:
            continue
        run = case.run(setting.subject)
        named = _IN_NAME.search(setting.subject)
        actual = run.settings.get(setting.name) if run else None
        if actual is None and named is not None:
            actual = named.groupdict().get(setting.name)
        if actual is not None and not _same_number(actual, setting.values[0]):
            yield _remark(
                "parameter",
                "blocking",
                False,
                "failed" if run else "name",
                setting.line,
                setting.end,
                setting=setting.name,
                claimed=setting.values[0],
                actual=actual,
                run=setting.subject,
            )


def _same_number(one: str, other: str) -> bool:
    try:
        return float(one) == float(other)
    except ValueError:
        return one == other


def _contradictions(case: _Case) -> Iterator[Remark]:
    """A run has one value of each measure on a split, wherever it is written."""
    seen: dict[tuple[str, str, str | None], Figure] = {}
    for one in case.claims.figures:
        if one.kind != "value" or one.subject is None or one.measure not in METRICS:
            continue
        first = seen.setdefault((one.measure, one.subject, one.split), one)
        if abs(one.value - first.value) > max(one.step, first.step) * (1 + 1e-6):
            yield _remark(
                "contradiction",
                "blocking",
                False,
                line=one.line,
                end=one.end,
                measure=one.measure,
                subject=one.subject,
                one=first.shown,
                other=one.shown,
                first_line=first.line,
            )


def _numbers(case: _Case) -> Iterator[Remark]:
    """Every number says of which run it is, and is that run's to the digits written."""
    yield from _attributions(case)
    figures = [one for one in case.claims.figures if one.kind in ("value", "mean")]
    if not figures:
        yield _remark("number", "blocking", False, "none")
        return
    if case.records is None:
        yield _remark("number", "blocking", None, "no_runs", count=len(figures))
        return
    held = 0
    told: set[tuple[object, ...]] = set()
    for one in figures:
        judged = (_of_a_run if one.kind == "value" else _of_several)(case, case.records, one)
        if judged is None:
            continue
        said, facts = judged
        key = (one.line, one.measure, one.subject, one.shown)
        if said == "passed":
            held += 1
        elif key not in told:
            told.add(key)
            facts |= {"measure": one.measure, "shown": one.shown}
            yield _remark("number", "blocking", False, said, one.line, one.end, **facts)
    if held:
        yield _remark("number", "blocking", True, count=held)


def _attributions(case: _Case) -> Iterator[Remark]:
    """Numbers of what no run is named for, and numbers of nobody."""
    figures = [one for one in case.claims.figures if one.kind == "value"]
    nameless: dict[str, list[Figure]] = defaultdict(list)
    for one in figures:
        named = one.subject in case.claims.names or case.run(one.subject) is not None
        if one.subject is not None and not named:
            nameless[one.subject].append(one)
    for subject, some in nameless.items():
        at = some[0]
        facts = {"subject": subject, "count": len(some)}
        yield _remark("number", "blocking", False, "unnamed", at.line, at.end, **facts)
    loose = [one for one in figures if one.subject is None and one.section != "objectives"]
    if loose:
        shown = [one.shown for one in loose]
        yield _remark("number", "warning", None, "loose", loose[0].line, loose[0].end, shown=shown)


Judged = tuple[str, dict[str, Any]] | None


def _of_several(case: _Case, records: Records, one: Figure) -> Judged:
    """A configuration's number is the mean over its seeds; None where it is of no configuration."""
    runs = records.members(one.subject) if one.subject else []
    values = [run.metrics[one.measure] for run in runs if one.measure in run.metrics]
    if not values:
        return None
    facts = {"configuration": one.subject, "value": mean(values), "runs": len(values)}
    return ("passed" if one.agrees(mean(values)) else "mean"), facts


def _of_a_run(case: _Case, records: Records, one: Figure) -> Judged:
    """Whether a number is its run's, and what the runs say; None where the run is not known."""
    run = case.run(one.subject)
    if run is None:
        return None
    facts: dict[str, Any] = {"run": run.name}
    values = run.measured(one.measure)
    if not values:
        return "unmeasured", facts
    if any(map(one.agrees, values.values())):
        return "passed", facts
    facts["value"] = next(iter(values.values()))
    if one.measure in SHARES:
        for factor in (0.01, 100.0):
            changes = {"value": one.value * factor, "step": one.step * factor}
            if any(map(one.model_copy(update=changes).agrees, values.values())):
                return "percent", facts
    for other in records.runs:
        if other.name != run.name and any(map(one.agrees, other.measured(one.measure).values())):
            return "other_run", {**facts, "other": other.name}
    return "differs", facts


def _false_alarms(case: _Case) -> Iterator[Remark]:
    """A precision of a few in a thousand is noticed."""
    found = [
        one
        for one in case.claims.figures
        if (one.measure, one.kind) == ("precision", "value") and one.subject == case.candidate_name
    ]
    run = case.candidate
    value = found[0].value if found else (run.metrics.get("precision") if run else None)
    if run is not None and "precision" in run.metrics:
        value = run.metrics["precision"]
    if value is None or value >= LOW_PRECISION:
        return
    noticed = notices_false_alarms(case.document)
    line, end = (found[0].line, found[0].end) if found else (None, None)
    yield _remark(
        "precision",
        "warning",
        noticed,
        "passed" if noticed else ("failed" if value > 0 else "nothing"),
        line,
        end,
        value=value,
        boxes=1 / value if value > 0 else None,
    )


def _differences(case: _Case) -> Iterator[Remark]:
    """Of each run that the candidate is compared with: which differences chance could make."""
    for other in _compared(case):
        mine = [one for one in case.claims.figures if one.subject == other]
        line = mine[0].line if mine else case.claims.names.get(other)
        end = mine[0].end if mine else line
        if _identical(case, other):
            yield _remark(
                "difference",
                "blocking",
                False,
                "identical",
                line,
                end,
                candidate=case.candidate_name,
                other=other,
            )
            continue
        found = [_chance(case, other, measure) for measure in COMPARED]
        known = [one for one in found if one is not None]
        for within, said in ((True, "within"), (False, "beyond"), (None, "unknown")):
            some = [one for one in known if one.within is within]
            if not some:
                continue
            admitted = within is True and _admitted(case, other)
            passed = {True: admitted, False: True, None: None}[within]
            yield _remark(
                "difference",
                "warning",
                passed,
                "admitted" if admitted else said,
                line,
                end,
                candidate=case.candidate_name,
                other=other,
                chances=[one.model_dump() for one in some],
            )


def _compared(case: _Case) -> list[str]:
    """Whom the document compares the candidate with: runs with numbers, and runs named."""
    others = [one for one in case.claims.others if one != CANDIDATE]
    named = [one for one in case.claims.names if one != case.claims.candidate]
    ids = {run.run_id for run in map(case.run, [case.candidate_name]) if run}
    found = list(dict.fromkeys([*others, *named]))
    return [one for one in found if (run := case.run(one)) is None or run.run_id not in ids]


def _identical(case: _Case, other: str) -> bool:
    one, two = case.candidate, case.run(other)
    if one is None or two is None or one.run_id == two.run_id:
        return False
    digits = agreement(one.as_audited(), two.as_audited())
    return digits is not None and digits >= TELLING_DIGITS


def _chance(case: _Case, other: str, measure: str) -> Chance | None:
    """What is known of one difference; None where the document or the runs do not give both."""
    one, two = case.candidate, case.run(other)
    ours = case.claims.values(measure, case.candidate_name)
    theirs = case.claims.values(measure, other)
    if measure == MAP and not (ours and theirs):
        return None
    value = _value(ours, one, measure)
    against = _value(theirs, two, measure)
    if value is None or against is None:
        return None
    way = None
    if case.records is not None and one is not None and two is not None:
        split = "test" if _is_of_test(one, measure, ours) else "val"
        way = _by_detections(case.records, one, two, measure, split)
    if way is None and measure == "recall":
        split_facts = _counted(case)
        way = by_count(value, against, split_facts) if split_facts else None
    if way is None and case.records is not None and one is not None and two is not None:
        sides = [
            [run.metrics[measure] for run in case.records.siblings(each) if measure in run.metrics]
            for each in (one, two)
        ]
        way = by_seeds(measure, *sides)
    return way or Chance(measure=measure, difference=value - against)


def _value(figures: list[Figure], run: Ran | None, measure: str) -> float | None:
    if run is not None and measure in run.metrics:
        return run.metrics[measure]
    return figures[0].value if figures else None


def _is_of_test(run: Ran, measure: str, figures: list[Figure]) -> bool:
    on_test = run.on_test.get(measure)
    return bool(figures) and on_test is not None and figures[0].agrees(on_test)


def _by_detections(records: Records, one: Ran, two: Ran, measure: str, split: str) -> Chance | None:
    sides = [
        [seen for run in records.siblings(each) if (seen := records.seen(run, split)) is not None]
        for each in (one, two)
    ]
    return by_images(measure, *sides) if all(sides) else None


def _counted(case: _Case) -> Counted | None:
    """The persons that recalls are shares of: as MLflow tells, as written, or as they must be."""
    if case.records is not None and "val" in case.records.splits:
        split = case.records.splits["val"]
        return Counted(persons=split.persons, images=split.images)
    if case.claims.persons:
        return Counted(persons=case.claims.persons, images=case.claims.images)
    recalls = [
        (one.value, one.step)
        for one in case.claims.figures
        if (one.measure, one.kind) == ("recall", "value")
    ]
    if case.records is not None:
        recalls += [
            (run.metrics["recall"], FINEST) for run in case.records.runs if "recall" in run.metrics
        ]
    persons = persons_behind(recalls)
    if persons == PERSONS:
        # The lab's own split, which its fixed seed draws alike for everybody.
        return Counted(persons=PERSONS, images=IMAGES, way="lab")
    return Counted(persons=persons, way="guess") if persons else None


def _admitted(case: _Case, other: str) -> bool:
    """Whether the document itself says that this difference is not established."""
    for clause in case.document.of(None, "candidate", "comparison", "decision"):
        if ADMITS.search(fold(clause.text)):
            named = [one for one in case.claims.names if one in clause.text]
            if other in named or not named:
                return True
    return False


def _setting_effects(case: _Case) -> Iterator[Remark]:
    """A setting that is said to do better did something, and more than chance does."""
    if case.records is None:
        return
    told: set[str] = set()
    for clause in case.document.of(None, "candidate", "comparison", "decision"):
        said = fold(" ".join((*clause.headings[-1:], *clause.labels, clause.text)))
        if not BETTER.search(fold(clause.text)) or ADMITS.search(fold(clause.text)):
            continue
        for name in {str(one.lastgroup) for one in SETTING.finditer(said)} - {"seed", *told}:
            remark = _effect(case.records, name, clause)
            if remark is not None:
                told.add(name)
                yield remark


def _effect(records: Records, name: str, clause: Clause) -> Remark | None:
    """What a swept setting does to pairs of runs that differ in it alone."""
    groups: dict[object, dict[str, Ran]] = defaultdict(dict)
    for run in records.runs:
        rest = tuple((key, value) for key, value in run.configuration.items() if key != name)
        groups[(rest, run.seed, run.dataset)].setdefault(run.settings.get(name, ""), run)
    pairs = [list(one.values()) for one in groups.values() if len(one) == 2 and "" not in one]
    if not pairs:
        return None
    values = sorted({run.settings[name] for pair in pairs for run in pair}, key=_as_number)
    facts: dict[str, Any] = {"setting": name, "values": values, "pairs": len(pairs)}
    same = [agreement(one.as_audited(), two.as_audited()) for one, two in pairs]
    if all(digits is not None and digits >= TELLING_DIGITS for digits in same):
        runs = [" = ".join(sorted(run.name for run in pair)) for pair in pairs]
        return _remark(
            "setting", "blocking", False, "identical", clause.line, clause.end, **facts, names=runs
        )
    metric = next((m for m in METRICS if all(m in run.metrics for p in pairs for run in p)), None)
    if metric is None or len(values) != 2:
        return None
    ordered = [sorted(pair, key=lambda run: _as_number(run.settings[name])) for pair in pairs]
    gaps = [two.metrics[metric] - one.metrics[metric] for one, two in ordered]
    facts |= {"metric": metric, "difference": mean(gaps)}
    if len(gaps) < 2:
        return _remark("setting", "warning", None, "one_pair", clause.line, clause.end, **facts)
    reach = paired_reach(gaps)
    return _remark(
        "setting",
        "warning",
        abs(mean(gaps)) > reach,
        line=clause.line,
        end=clause.end,
        **facts,
        interval=(mean(gaps) - reach, mean(gaps) + reach),
    )


def _as_number(value: str) -> tuple[float, str]:
    try:
        return float(value), value
    except ValueError:
        return float("inf"), value


def _stability(case: _Case) -> Iterator[Remark]:
    """What is called stable over seeds was trained with three or more."""
    said = [
        clause
        for clause in case.document.clauses
        if not clause.is_step
        and clause.section != "risks"
        and STABILITY.search(fold(clause.text))
        and not ADMITS.search(fold(clause.text))
    ]
    if not said:
        return
    claimed = [one for one in said if one.section != "objectives"] or said
    line, end = claimed[0].line, claimed[0].end
    run = case.candidate
    if case.records is None or run is None:
        seeds = _seeds_written(case)
        few = len(seeds) < FEWEST_SEEDS
        yield _remark(
            "stability",
            "warning",
            False if few else None,
            "written" if few else "unknown",
            line,
            end,
            seeds=sorted(seeds),
        )
        return
    siblings = [one for one in case.records.siblings(run) if one.seed is not None]
    metric = next((name for name in METRICS if name in run.metrics), None)
    values = [one.metrics[metric] for one in siblings if metric and metric in one.metrics]
    facts = {"seeds": len(siblings), "metric": metric, "values": values}
    if len(siblings) < FEWEST_SEEDS or len(values) < FEWEST_SEEDS:
        yield _remark("stability", "warning", False, "few", line, end, **facts)
        return
    spread = stdev(values)
    written = any(
        "seed_spread" in measures_in(clause.text) and re.search(r"\d", clause.text)
        for clause in claimed
    )
    said_so = "passed" if written else "unwritten"
    yield _remark("stability", "warning", written, said_so, line, end, **facts, spread=spread)


def _seeds_written(case: _Case) -> set[str]:
    seeds = {one.rpartition("_s")[2] for one in case.claims.names if "_s" in one}
    for setting in case.claims.settings:
        if setting.name == "seed":
            seeds.update(setting.values)
    return {seed for seed in seeds if seed.isdigit()}


def _constraints(case: _Case) -> Iterator[Remark]:
    """Each constraint has a limit, and something measured it."""
    for clause in case.document.of("objectives"):
        own = [one for one in clause.headings[-1:] if not _OBJECTIVE.search(fold(one))]
        above = fold(" ".join((*own, *clause.labels, clause.text)))
        if not _CONSTRAINT.search(above) or clause.is_label:
            continue
        if not measures_in(clause.text) and not STABILITY.search(fold(clause.text)):
            constraint = clause.text.rpartition(":")[2].strip() or clause.text
            yield _remark(
                "constraint",
                "note",
                None,
                "unknown",
                clause.line,
                clause.end,
                constraint=constraint,
            )
        limited = {one.measure for one in case.claims.figures if one.line == clause.line}
        for part in _PARTS.split(clause.text):
            measures = [one for one in measures_in(part) if one not in ("threshold", "seed_spread")]
            measures = [one for one in measures if one != COST] or measures
            if measures and not STABILITY.search(fold(part)):
                # Of « latence faible : latence p50 ≤ 200 ms » the measure is the one with a limit.
                measure = next((one for one in measures if one in limited), measures[0])
                yield _constraint(case, clause, part.strip(" .:-"), measure)


def _constraint(case: _Case, clause: Clause, part: str, measure: str) -> Remark:
    limits = [
        one
        for one in case.claims.figures
        if one.line == clause.line and one.measure == measure and one.kind in ("limit", "value")
    ]
    limit = limits[0] if limits else None
    behind = part.rpartition(":")[2].strip()
    part = behind if measure in measures_in(behind) else part
    facts: dict[str, object] = {"constraint": part, "measure": measure}

    def told(passed: bool | None, said: str, **more: object) -> Remark:
        return _remark(
            "constraint", "blocking", passed, said, clause.line, clause.end, **facts, **more
        )

    if measure == COST:
        return told(False, "no_measure")
    written = case.claims.values(measure, case.candidate_name)
    if case.records is None or case.candidate is None:
        if limit is None:
            return told(False, "no_number" if not written else "no_limit")
        return told(None, "no_runs", limit=limit.shown)
    values = case.candidate.measured(measure)
    if not values:
        return told(False, "unmeasured", run=case.candidate.name)
    metric, value = next(iter(values.items()))
    facts |= {"known": {metric.removeprefix("test/"): value}}
    if limit is None:
        return told(False, "no_limit_measured")
    kept = value >= limit.value if limit.at_least else value <= limit.value
    return told(kept, "passed" if kept else "broken", limit=limit.shown)


def _praise(case: _Case) -> Iterator[Remark]:
    """Words of quality without a number, and what the runs measure of what they praise."""
    for one in case.claims.praise:
        wanted = [m for m in one.measures if m not in ("threshold", "seed_spread", COST)]
        wanted += [m for kind in one.kinds for m in PRAISED[kind] if not wanted]
        run = case.candidate
        known = {
            name: value
            for measure in dict.fromkeys(wanted)
            if run is not None
            for name, value in run.measured(measure).items()
            if name in METRICS or "/" not in name
        }
        said = "measured" if known else ("unmeasured" if run is not None else "failed")
        yield _remark(
            "adjective",
            "warning",
            False,
            said,
            one.line,
            one.end,
            words=list(one.words),
            measures=list(dict.fromkeys(wanted)),
            known=known,
        )


def _artifact(case: _Case) -> Iterator[Remark]:
    """The artifact that is promoted is the one that was measured."""
    run = case.candidate
    if case.records is None or run is None:
        yield _remark("artifact", "note", None, "no_runs")
        return
    line = case.claims.names.get(case.candidate_name)
    facts = {"run": run.name}
    audited = case.records.audited.get(run.name)
    if audited is None or audited.registrable is None or audited.measured is None:
        yield _remark("artifact", "note", None, "unknown", line, line, **facts)
    elif audited.registrable != audited.measured:
        yield _remark(
            "artifact",
            "blocking",
            False,
            "failed",
            line,
            line,
            **facts,
            kept=audited.registrable[:12],
            measured=audited.measured[:12],
        )
    elif audited.stored is not None and audited.stored != audited.registrable:
        yield _remark("artifact", "blocking", False, "changed", line, line, **facts)
    else:
        yield _remark("artifact", "blocking", True, "passed", line, line, **facts)
    ours = {one.run_id: one.name for one in case.records.runs}
    others = {
        version: ours[run_id]
        for run_id, version in case.records.versions.items()
        if run_id in ours and run_id != run.run_id
    }
    if others and run.run_id not in case.records.versions and case.claims.verdict == "promote":
        version, name = next(iter(others.items()))
        yield _remark(
            "artifact",
            "blocking",
            False,
            "registered",
            line,
            line,
            **facts,
            version=version,
            other=name,
        )


def _verdict(case: _Case) -> Iterator[Remark]:
    """The section *Décision* decides."""
    line = case.document.sections.get("decision")
    if line is not None and case.claims.verdict is None:
        yield _remark("verdict", "warning", False, line=line, end=line)
