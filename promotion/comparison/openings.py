"""How often a test was opened, and what the next opening may cost.

Whoever asks one test again and again will once hear what he likes. Each question therefore takes a
smaller share of the error than the one before it (`spending`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import field_validator

from promotion.comparison.spending import opening_level, planned_fractions
from promotion.facts import Fact
from promotion.study import Policy
from promotion.study.policy import is_plain


class Opening(Fact):
    """A question put to a test: by whom, when (UTC), of which configurations, by which policy.

    `question` names it: the same runs under the same policy are the same question. `sequence` is
    that of a planned sequence of seeds, all of whose looks are one opening; `seeds` a side.
    `policy` is the digest of the policy and `rules` what it asked; None, where nobody kept it.
    """

    question: str
    sequence: str
    when: str
    who: str
    study: str
    candidate: str
    baseline: str
    seeds: int
    policy: str
    rules: dict[str, Any] | None = None

    @field_validator("rules")
    @classmethod
    def _plain_or_unknown(cls, rules: dict[str, Any] | None) -> dict[str, Any] | None:
        """A tag can hold anything; what is no rule of a policy is not told to anybody."""
        plain = rules is not None and all(_is_rule(*rule) for rule in rules.items())
        return rules if plain else None


def _is_rule(name: str, value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    known = all(isinstance(one, int | float | None) or is_plain(str(one)) for one in values)
    return known and all(is_plain(part) for part in name.split(".", 1))


class RuleChange(Fact):
    """A rule of the policy, what earlier openings asked by it, and what this one does.

    None stands for a rule that there was not, or is no more.
    """

    name: str
    before: list[Any]
    after: Any


class PolicyChanges(Fact):
    """How often a study's test was opened by other policies, and how they differ from this one.

    `when` (UTC) is the last time, and `unknown` how many of them nobody kept the rules of.
    """

    times: int
    when: str
    rules: list[RuleChange]
    unknown: int


class Ledger(Fact):
    """A test's openings up to this one, which is the last; `number` counts them, sequences once.

    `level` is the error that this one may take of what the policy allows, and `budget` how many
    openings the policy allows at all.
    """

    openings: list[Opening]
    number: int
    level: float
    budget: int

    @property
    def this(self) -> Opening:
        """The opening that the ledger was read for."""
        return self.openings[-1]

    @property
    def spent(self) -> bool:
        """Whether the test has been opened more often than the policy allows."""
        return self.number > self.budget

    @property
    def policy_changes(self) -> PolicyChanges:
        """What the policy asks otherwise than at earlier openings of the same study."""
        others = [
            one
            for one in self.openings[:-1]
            if one.study == self.this.study and one.policy != self.this.policy
        ]
        known = [one.rules for one in others if one.rules and self.this.rules]
        return PolicyChanges(
            times=len(others),
            when=others[-1].when if others else "",
            rules=_changed(known, self.this.rules or {}),
            unknown=len(others) - len(known),
        )


def _changed(earlier: Sequence[dict[str, Any]], now: dict[str, Any]) -> list[RuleChange]:
    found = []
    for name in dict.fromkeys([*now, *(name for rules in earlier for name in rules)]):
        after = now.get(name)
        before: list[Any] = []
        for rules in earlier:
            value = rules.get(name)
            if value != after and value not in before:
                before.append(value)
        if before:
            found.append(RuleChange(name=name, before=before, after=after))
    return found


def ledger_of(openings: Sequence[Opening], policy: Policy) -> Ledger:
    """The ledger at its last opening, with the error that this one may take."""
    slots = list(dict.fromkeys(one.sequence for one in openings))
    this = openings[-1]
    number = slots.index(this.sequence) + 1
    level = opening_level(number, 1 - policy.confidence)
    planned = policy.planned_seeds
    if this.seeds in planned:
        place = planned.index(this.seeds) + 1
        level = opening_level(place, level, planned_fractions(planned))
    return Ledger(openings=list(openings), number=number, level=level, budget=policy.openings)


def required_levels(policy: Policy, level: float, rivals: int) -> dict[str, float]:
    """The confidence that the claim on each objective needs, where this opening may err by `level`.

    The first objective chose one of several rivals, and its claim is corrected for their number
    (Bonferroni). Test images are new to the winner, but its seeds are not: seeds that were lucky on
    val won it the selection, and are as lucky on test. What must merely be kept chose nothing, and
    all of it must be kept, so that it needs no correction (Schultzberg, Ankargren and Frånberg,
    *Risk-aware product decisions in A/B tests with multiple metrics*, 2024).
    """
    first, *others = (one.metric for one in policy.objectives)
    return {first: 1 - level / rivals, **dict.fromkeys(others, 1 - level)}
