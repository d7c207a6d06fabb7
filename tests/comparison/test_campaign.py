"""The runs of a study are read from MLflow; what is missing says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from promotion import comparison
from promotion.comparison.campaign import load_detector
from promotion.datasets import PreparedDataset
from promotion.errors import ChecksumError, MissingRunsError
from promotion.store import (
    Artifact,
    Role,
    Session,
    Tag,
    close_session,
    log_bytes,
    open_session,
    set_tags,
    start_run,
)
from tests.builders import SMOKE
from tests.comparison.builders import GRID, add_dataset, add_variant

pytestmark = pytest.mark.slow


def test_a_store_without_runs_says_what_to_do_first(empty: Session) -> None:
    with pytest.raises(MissingRunsError, match="run `python -m promotion run` first"):
        comparison.load_campaign(empty, [])


def test_a_run_whose_dataset_is_gone_is_told(
    empty: Session, streets: PreparedDataset, exports: dict[int, Path]
) -> None:
    add_variant(empty, streets, exports[96], empty.study.variants[0].run_name)
    with pytest.raises(MissingRunsError, match="has no dataset run"):
        comparison.load_campaign(empty, [])


def test_every_variant_without_a_complete_run_says_why_it_has_none(
    empty: Session, streets: PreparedDataset, exports: dict[int, Path]
) -> None:
    add_dataset(empty, streets)
    first, second, third, fourth = (variant.run_name for variant in empty.study.variants)
    add_variant(empty, streets, exports[96], first)
    client, known = empty.client, {Tag.STUDY: "smoke", Tag.ROLE: Role.VARIANT}
    failed = start_run(client, "smoke", second, known)
    set_tags(client, failed, {Tag.ERROR: "ValueError: no light"})
    client.set_terminated(failed, "FAILED")
    client.set_terminated(start_run(client, "smoke", third, known), "KILLED")
    campaign = comparison.load_campaign(empty, [])
    assert [run.run_name for run in campaign.runs] == [first]
    told = {one.run_name: (one.reason, one.error) for one in campaign.failed}
    assert told == {
        second: ("failed", "ValueError: no light"),
        third: ("interrupted", ""),
        fourth: ("absent", ""),
    }


def test_a_campaign_holds_the_runs_in_the_order_of_the_grid(
    filled: Session, streets: PreparedDataset
) -> None:
    campaign = comparison.load_campaign(filled, [])
    assert [run.run_name for run in campaign.runs] == [v.run_name for v in filled.study.variants]
    assert campaign.failed == []
    assert campaign.images("test") == 4
    assert campaign.persons("test") == streets.manifest.instances["test"]
    only = comparison.load_campaign(filled, [run.run_id for run in campaign.runs[:2]])
    assert only.runs == campaign.runs[:2]
    on_val = comparison.load_val(filled, campaign)
    assert set(on_val) == set(filled.study.configurations)
    for run in campaign.runs:
        seen = on_val[run.configuration][run.seed - 1].metrics()
        assert seen["mAP50"] == pytest.approx(run.metrics["mAP50"])


def test_a_model_that_changed_since_its_run_is_not_opened(filled: Session) -> None:
    run = comparison.load_campaign(filled, []).runs[0]
    log_bytes(filled.client, run.run_id, Artifact.MODEL, b"another")
    with pytest.raises(ChecksumError):
        load_detector(filled, run)


def test_a_run_with_a_split_of_its_own_is_seen_on_its_own_val(
    home: Path, streets: PreparedDataset, exports: dict[int, Path]
) -> None:
    session = open_session(str(SMOKE), [*GRID, "grid.split_seed=[7, 8]"], "", Role.DATASET)
    add_dataset(session, streets)
    for variant in session.study.variants:
        add_variant(session, streets, exports[variant.imgsz], variant.run_name)
    campaign = comparison.load_campaign(session, [])
    on_val = comparison.load_val(session, campaign)
    for members in on_val.values():
        first, second = ({*seen.matches.images} for seen in members)
        assert first != second
        assert len(first) == len(second) == 4
    chosen = comparison.select(
        campaign.runs, session.study.baseline_configuration, session.study.policy
    )
    opened = comparison.open_test(session, campaign, chosen)
    # Claims are made on one test.
    assert len({seen.matches.images for seen in opened.values()}) == 1
    ledger = comparison.open_ledger(session, campaign, chosen)
    assert ledger.number == 1
    close_session(session)
