"""A home whose decision was killed at its end: one notebook is left to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from promotion.store import Role, Tag, newest
from tests.builders import connect_to


@pytest.fixture
def undecided(changing_home: Path) -> Path:
    """The smoke study's home as a kill leaves it, just before the decision's run was complete."""
    client = connect_to(changing_home)
    run = newest(client, "smoke", {Tag.ROLE: Role.DECISION, Tag.COMPLETE: "true"})
    assert run is not None
    client.delete_tag(run.info.run_id, Tag.COMPLETE)
    client.update_run(run.info.run_id, status="RUNNING")
    return changing_home
