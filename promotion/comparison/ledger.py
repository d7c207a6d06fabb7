"""The ledger of a test: each time it was opened, by whom, and for what question.

An entry stands twice in MLflow, on the dataset's run and on the comparison's own, so that losing
one hides nothing.
"""

from __future__ import annotations

from mlflow.tracking import MlflowClient
from mlflow.utils.validation import MAX_TAG_VAL_LENGTH

from promotion.checksums import digest_of
from promotion.comparison.campaign import Campaign, load_manifest
from promotion.comparison.openings import Ledger, Opening, ledger_of
from promotion.comparison.selection import Selection
from promotion.store import (
    Role,
    Session,
    Tag,
    experiments,
    moment,
    search,
    set_tags,
    user_and_machine,
)


def open_ledger(session: Session, campaign: Campaign, selection: Selection) -> Ledger:
    """Enter this question into the test's ledger, unless it was asked before, and read it."""
    client, policy = session.client, session.study.policy
    dataset_run = campaign.dataset_run.info.run_id
    test = load_manifest(session, campaign).split_digest("test")
    known = read_openings(client, test)
    asked = _question(session, campaign, selection, moment(known[-1].when if known else ""))
    again = next((one for one in known if one.question == asked.question), None)
    # The same question was asked by the same policy.
    this = again.model_copy(update={"rules": asked.rules}) if again else asked
    entry = {Tag.opening(this.question): _entry(this), Tag.TEST_DIGEST: test}
    for run_id in (dataset_run, session.run_id):
        set_tags(client, run_id, entry)
    earlier = [one for one in known if (one.when, one.question) < (this.when, this.question)]
    return ledger_of([*earlier, this], policy)


def _entry(opening: Opening) -> str:
    """The opening as its tag holds it; rules that are too long for one are left out."""
    entry = opening.model_dump_json()
    if len(entry) > MAX_TAG_VAL_LENGTH:
        entry = opening.model_dump_json(exclude={"rules"})
    return entry


def read_openings(client: MlflowClient, test: str) -> list[Opening]:
    """All openings of the test with this digest that the store knows of, the oldest first."""
    found: dict[str, Opening] = {}
    for experiment in experiments(client):
        for role in (Role.DATASET, Role.COMPARISON):
            for run in search(client, experiment, {Tag.ROLE: role, Tag.TEST_DIGEST: test}):
                for key, value in run.data.tags.items():
                    if Tag.is_opening(key):
                        opening = Opening.model_validate_json(value)
                        found[opening.question] = opening
    return sorted(found.values(), key=lambda one: (one.when, one.question))


def _question(session: Session, campaign: Campaign, selection: Selection, when: str) -> Opening:
    study = session.study
    ours, theirs = campaign.members(selection.candidate), campaign.members(selection.baseline)
    policy = digest_of(study.policy.model_dump(mode="json"))
    sides = [sorted(run.parameters_sha256 for run in side) for side in (ours, theirs)]
    question = digest_of({"sides": sides, "policy": policy})[:16]
    seeds = min(len(ours), len(theirs))
    sequence = question
    if seeds in study.policy.planned_seeds:
        pair = [selection.candidate, selection.baseline]
        sequence = digest_of({"pair": pair, "policy": policy})[:16]
    return Opening(
        question=question,
        sequence=sequence,
        when=when,
        who=user_and_machine(),
        study=study.name,
        candidate=selection.candidate,
        baseline=selection.baseline,
        seeds=seeds,
        policy=policy[:12],
        rules=study.policy.rules,
    )
