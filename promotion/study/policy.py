"""The policy: by what rules a decision is made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PositiveInt, model_validator

from promotion.metrics import MEASURES, METRICS
from promotion.study.section import Section, Share


def _metric(name: str) -> str:
    if name not in METRICS:
        raise ValueError(f"{name!r} is not a metric (one of {', '.join(METRICS)})")
    return name


def _measure(name: str) -> str:
    if name not in MEASURES:
        raise ValueError(f"{name!r} is not a measure (one of {', '.join(MEASURES)})")
    return name


Metric = Annotated[str, AfterValidator(_metric)]
MeasureName = Annotated[str, AfterValidator(_measure)]
LONGEST_NAME = 80


def is_plain(name: str) -> bool:
    """Whether a document or a page can show a user's name as it is: words, no sign of a markup."""
    return len(name) <= LONGEST_NAME and bool(re.fullmatch(r"[\w '’(),./%°:+-]+", name))


def _plain(name: str) -> str:
    if not is_plain(name):
        raise ValueError(
            f"{name[:LONGEST_NAME]!r} is not a name: use words, without the signs of a "
            f"markup, at most {LONGEST_NAME} characters"
        )
    return name


PlainName = Annotated[str, AfterValidator(_plain)]


class Objective(Section):
    """A metric to maximise, and the smallest difference in it that is worth a promotion."""

    metric: Metric
    smallest_gain: Annotated[float, Field(ge=0, lt=1)]


class GateRule(Section):
    """A limit that the candidate must respect whatever its gain.

    It is judged by the bound of what was measured, or by the value alone where that has no noise.
    """

    measure: MeasureName
    at_least: float | None = None
    at_most: float | None = None
    certainty: Literal["bound", "point"] = "bound"

    @model_validator(mode="after")
    def _one_limit(self) -> GateRule:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("a gate has exactly one limit: at_least or at_most")
        return self

    @property
    def limit(self) -> float:
        """The value of the one limit."""
        value = self.at_least if self.at_least is not None else self.at_most
        assert value is not None
        return value


class SliceGuard(Section):
    """What no slice of this kind may lose: so much recall, at most."""

    metric: Literal["recall"] = "recall"
    may_lose: Share


class OperatingPoint(Section):
    """The rule that chooses, on val, the confidence at which precision and recall hold."""

    rule: Literal["f1", "precision_floor", "recall_floor"] = "f1"
    floor: Share | None = None

    @model_validator(mode="after")
    def _floor_where_needed(self) -> OperatingPoint:
        if (self.rule == "f1") != (self.floor is None):
            raise ValueError("floor goes with precision_floor and recall_floor, and only with them")
        return self


class Policy(Section):
    """By what the decision is made. The first objective chooses; the others must not be lost."""

    objectives: Annotated[list[Objective], Field(min_length=1)]
    constraints: dict[PlainName, MeasureName] = Field(default={})
    gates: list[GateRule] = Field(default=[])
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    slices: dict[PlainName, SliceGuard] = Field(default={})
    operating_point: OperatingPoint = OperatingPoint()
    approval: bool = False
    # How often one test may be opened, and the numbers of seeds at which it will be looked at.
    openings: PositiveInt = 10
    planned_seeds: list[PositiveInt] = Field(default=[])

    @property
    def required_differences(self) -> dict[str, float]:
        """What candidate − baseline must exceed: the first objective gains, the others keep."""
        first, *others = self.objectives
        kept: dict[str, float] = {one.metric: -one.smallest_gain for one in others}
        return {first.metric: first.smallest_gain, **kept}

    @property
    def rules(self) -> dict[str, Any]:
        """One value a rule, by its place in the study file; each as JSON has it."""
        first, *_ = self.objectives
        found = dict(_leaves(self.model_dump(mode="json", exclude={"objectives", "gates"})))
        found |= {f"objectives.{one.metric}": one.smallest_gain for one in self.objectives}
        found["objectives.first"] = first.metric
        for gate in self.gates:
            name = f"gates.{gate.measure}.{'at_most' if gate.at_least is None else 'at_least'}"
            found[name] = gate.limit
            if gate.certainty != "bound":
                found[f"{name}.certainty"] = gate.certainty
        return found

    @model_validator(mode="after")
    def _each_objective_once(self) -> Policy:
        metrics = [objective.metric for objective in self.objectives]
        if len(set(metrics)) < len(metrics):
            raise ValueError("an objective is named twice")
        return self

    @model_validator(mode="after")
    def _planned_seeds_rise(self) -> Policy:
        if self.planned_seeds != sorted(set(self.planned_seeds)):
            raise ValueError("planned_seeds: name rising numbers of seeds, as in [3, 6, 9]")
        return self

    @model_validator(mode="after")
    def _gates_can_be_passed(self) -> Policy:
        floors: dict[str, float] = {}
        ceilings: dict[str, float] = {}
        for gate in self.gates:
            bounds = floors if gate.at_least is not None else ceilings
            if gate.measure in bounds:
                raise ValueError(f"gates: {gate.measure} has the same kind of limit twice")
            bounds[gate.measure] = gate.limit
            share = MEASURES[gate.measure].is_share
            if gate.limit < 0 or (share and gate.limit > 1):
                allowed = "from 0 to 1" if share else "0 or more"
                raise ValueError(
                    f"gates: {gate.measure} cannot reach {gate.limit:g} (it is {allowed})"
                )
        for measure in floors.keys() & ceilings.keys():
            if floors[measure] > ceilings[measure]:
                raise ValueError(
                    f"gates: {measure} cannot be at least {floors[measure]:g} and at most "
                    f"{ceilings[measure]:g}"
                )
        aim, asked = self.operating_point, floors.get("precision", 0.0)
        if aim.rule == "precision_floor" and aim.floor is not None and asked > aim.floor:
            raise ValueError(
                f"gates: precision must be at least {asked:g}, but operating_point aims at "
                f"{aim.floor:g}: raise its floor"
            )
        return self


def _leaves(section: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a section and of those within it, by its place."""
    for name, value in section.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{within}{name}.")
        else:
            yield f"{within}{name}", value
