"""Files that a power cut, a disk or a hand damaged: named, with the mend, and then all goes on."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml

from promotion.datasets import PreparedDataset, prepare
from promotion.errors import MissingRunsError
from promotion.facts import Note
from promotion.paths import ROOT
from promotion.registry import aliases, history, transitions
from promotion.store import (
    Artifact,
    Session,
    load_fact,
    load_table,
    log_fact,
    log_table,
)
from promotion.study import Dataset
from tests.builders import (
    SMOKE,
    STARTER,
    clean_environment,
    invoke,
    own_folder,
    promotion,
    registry_of,
)
from tests.faults.builders import STUDY, error_of, standing

pytestmark = pytest.mark.slow

# The four scenes a split that `streets` drew.
SCENES = Dataset(source="street_scenes", train=4, val=4, test=4, seed=5)


def refused(home: Path, *arguments: str) -> str:
    """The one line that a command leaves with, and with 1."""
    done = invoke(*arguments, home=home)
    lines = done.stderr.splitlines()
    assert done.exit_code == 1, done.output
    assert len(lines) == 1, done.stderr
    return lines[0]


def goes_on(home: Path, *arguments: str) -> str:
    """What a command says that ends well."""
    done = invoke(*arguments, home=home)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("left", [0, 100, 0.5, 0.99])
def test_a_store_that_a_power_cut_shortened_is_named(left: float, registry_home: Path) -> None:
    store = registry_home / "mlflow.db"
    whole = store.read_bytes()
    (registry_home / "artifacts").mkdir()
    store.write_bytes(whole[: int(left * len(whole)) if left < 1 else int(left)])
    line = refused(registry_home, "status")
    assert "mlflow.db" in line
    assert "put a copy back" in line
    store.write_bytes(whole)
    assert "production: version 2" in goes_on(registry_home, "status")


def test_a_store_that_is_none_is_named(registry_home: Path) -> None:
    store = registry_home / "mlflow.db"
    whole = store.read_bytes()
    store.write_bytes(b"garbage" * 1000)
    line = refused(registry_home, "status")
    assert "mlflow.db" in line
    assert "put a copy back" in line
    store.write_bytes(whole)
    goes_on(registry_home, "status")


def test_an_artifact_that_was_half_written_is_named(session: Session) -> None:
    client, run_id = session.client, session.run_id
    note, table = Note(id="decided", facts={"run": "a"}), pd.DataFrame({"box": range(9)})
    log_fact(client, run_id, Artifact.EVIDENCE, note)
    log_table(client, run_id, Artifact.LATENCIES, table)
    for path, load in (
        (Artifact.EVIDENCE, lambda: load_fact(client, run_id, Artifact.EVIDENCE, Note)),
        (Artifact.LATENCIES, lambda: load_table(client, run_id, Artifact.LATENCIES)),
    ):
        (file,) = session.home.rglob(path)
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(MissingRunsError, match=f"artifact {path} of run {run_id} is damaged"):
            load()
        file.write_bytes(whole)
        load()


def test_a_prepared_dataset_that_changed_is_named_and_made_again(scenes_home: Path) -> None:
    made = prepare(SCENES, scenes_home)
    picture = sorted(made.folder.glob("images/val/*"))[0]
    content = bytearray(picture.read_bytes())
    content[len(content) // 2] ^= 1
    picture.write_bytes(content)
    study = scenes_study()
    line = refused(scenes_home, "decide", *study)
    assert f"images/val/{picture.name}" in line
    assert "delete the folder and run again" in line
    shutil.rmtree(made.folder)
    assert "is trained" in refused(scenes_home, "decide", *study)
    assert prepare(SCENES, scenes_home).manifest.digest == made.manifest.digest


def test_a_manifest_that_was_half_written_is_named_and_made_again(scenes_home: Path) -> None:
    made = prepare(SCENES, scenes_home)
    manifest = made.data_yaml.with_name("manifest.json")
    manifest.write_bytes(manifest.read_bytes()[:100])
    assert "manifest.json is damaged; delete" in refused(scenes_home, "decide", *scenes_study())
    shutil.rmtree(made.folder)
    assert prepare(SCENES, scenes_home).manifest.digest == made.manifest.digest


def scenes_study() -> tuple[str, ...]:
    """The smoke study on the four scenes a split."""
    keys = ("train=4", "val=4", "test=4", "seed=5")
    return (*STUDY, *(word for key in keys for word in ("--set", f"dataset.{key}")))


@pytest.mark.parametrize("what", ["picture", "label"])
def test_a_user_s_damaged_file_is_named(
    what: str, streets: PreparedDataset, home: Path, tmp_path: Path
) -> None:
    folder = own_folder(streets.folder, tmp_path / "own")
    kind = {"picture": "images", "label": "labels"}[what]
    file = sorted((folder / kind / "train").iterdir())[0]
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if what == "picture" else b"0 0.5 0.5 nan 0.1\n")
    content = yaml.safe_load(SMOKE.read_text(encoding="utf-8"))
    content["dataset"] = {"source": "folder", "path": str(folder)}
    study = tmp_path / "own.yaml"
    study.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert file.name in refused(home, "decide", "--study", str(study))
    file.write_bytes(whole)
    assert "is trained" in refused(home, "decide", "--study", str(study))


def test_starting_weights_that_are_no_numbers_are_refused(
    scenes_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the product refuses, once it is imported, is how Ultralytics writes its own file.
    monkeypatch.delenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", raising=False)
    content = torch.load(ROOT / STARTER, weights_only=False)
    network = content["model"] or content["ema"]
    weights = next(iter(network.parameters()))
    weights.data.view(-1)[0] = float("nan")
    poisoned = scenes_home / "poisoned.pt"
    torch.save(content, poisoned)
    line = error_of(
        promotion("run", *scenes_study(), "--set", f"model.weights={poisoned}", home=scenes_home)
    )
    assert "poisoned.pt" in line
    assert "holds NaN or infinity" in line
    assert standing(scenes_home).running == 0


def test_a_note_of_a_transition_from_a_clock_that_is_ahead_stops_nobody_for_years(
    registry_home: Path,
) -> None:
    model = registry_of(registry_home)
    model.client.create_registered_model(model.transition, tags={transitions.HOST: "elsewhere"})
    line = refused(registry_home, "rollback")
    assert "elsewhere is changing the registry, and has until" in line
    ahead = datetime.now(UTC) + timedelta(days=365)
    with closing(sqlite3.connect(registry_home / "mlflow.db")) as store, store:
        store.execute(
            "UPDATE registered_models SET creation_time = ? WHERE name = ?",
            (int(ahead.timestamp() * 1000), model.transition),
        )
    goes_on(registry_home, "rollback")
    assert dict(aliases(model))["production"] == "1"


@pytest.mark.skipif(shutil.which("faketime") is None, reason="`apt install faketime` brings it")
def test_a_clock_that_goes_back_puts_no_transition_before_another(registry_home: Path) -> None:
    before = history(registry_of(registry_home))
    command = [sys.executable, "-m", "promotion", "rollback", "--home", str(registry_home)]
    done = subprocess.run(
        ["faketime", "-f", "-2d", *command],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    after = history(registry_of(registry_home))
    assert after[1:] == before
    assert after[0].action == "rollback"
    assert "does not follow" not in goes_on(registry_home, "status")
