"""No file runs code: what is planted in a checkpoint or a label cache is refused unread."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from promotion.datasets import PreparedDataset, prepare
from promotion.errors import PromotionError
from promotion.paths import ROOT
from promotion.study import Dataset, Study, Training
from promotion.training.trainer import _warm_label_caches, export_onnx, train
from promotion.training.yolo import load_checkpoint, open_checkpoint, read_label_cache
from tests.builders import SCENES, invoke
from tests.training.builders import Payload, planted

pytestmark = pytest.mark.slow

KINDS = ("pickle", "legacy", "zip", "dict", "beside_a_model", "pickle_then_zip")


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "it ran"


def test_the_payload_would_run(trace: Path) -> None:
    """What the other tests do not see must be there to be seen."""
    pickle.loads(pickle.dumps(Payload(trace)))
    assert trace.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_payload_does_not_run(kind: str, trace: Path, tmp_path: Path) -> None:
    path = planted(tmp_path, trace)[kind]
    with pytest.raises(PromotionError) as caught:
        open_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    with pytest.raises(PromotionError):
        export_onnx(path, 96)
    with pytest.raises(Exception, match=r"."):
        load_checkpoint(path)
    assert not trace.exists()


def test_the_refusal_names_what_was_asked_for(trace: Path, tmp_path: Path) -> None:
    with pytest.raises(PromotionError, match=r"asks for (posix|nt)\.system"):
        open_checkpoint(planted(tmp_path, trace)["beside_a_model"])


@pytest.mark.parametrize("kind", ["pickle", "dict"])
def test_the_command_line_refuses_it_in_one_line(
    kind: str, trace: Path, scenes_home: Path, tmp_path: Path
) -> None:
    path = planted(tmp_path, trace)[kind]
    done = invoke("run", *SCENES, "--set", f"model.weights={path}", home=scenes_home)
    assert done.exit_code == 1, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert str(path) in done.stderr
    assert "done" not in done.stdout
    assert not trace.exists()


def test_training_and_the_checksum_refuse_it_too(
    smoke: Study, streets: PreparedDataset, trace: Path, tmp_path: Path
) -> None:
    start = planted(tmp_path, trace)["dict"]
    with pytest.raises(PromotionError):
        train(smoke.variants[0], Training(nbs=8), start, streets.data_yaml, tmp_path, threads=1)
    assert not trace.exists()


def test_safe_loading_holds_although_ultralytics_came_first() -> None:
    """A user's own notebook may have imported it long before."""
    check = (
        "import ultralytics.nn.tasks as tasks, ultralytics.models; assert not tasks.SAFE_LOAD;"
        "import promotion.training.trainer; assert tasks.SAFE_LOAD"
    )
    unset = {k: v for k, v in os.environ.items() if k != "ULTRALYTICS_SAFE_LOAD"}
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, env=unset, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_ultralytics_leaves_child_processes_their_threads() -> None:
    check = "import os, promotion.training.yolo; print(os.environ.get('OMP_NUM_THREADS'))"
    unset = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    for given, expected in ((unset, "None"), ({**unset, "OMP_NUM_THREADS": "3"}, "3")):
        done = subprocess.run(
            [sys.executable, "-c", check], cwd=ROOT, env=given, capture_output=True, text=True
        )
        assert done.stdout.strip() == expected, done.stderr


def cache_of(dataset: PreparedDataset) -> Path:
    """Where Ultralytics keeps what it read of the training labels."""
    place = Path(yaml.safe_load(dataset.data_yaml.read_text(encoding="utf-8"))["path"])
    return place / "labels" / "train.cache"


def test_a_payload_in_a_label_cache_does_not_run(folder: Path, trace: Path, tmp_path: Path) -> None:
    """Ultralytics would unpickle whatever lies beside the labels, in the home or in a folder."""
    dataset = prepare(Dataset(source="folder", path=folder), tmp_path / "home")
    for place in (folder / "labels" / "train.cache", cache_of(dataset)):
        with place.open("wb") as file:
            np.save(file, {"labels": Payload(trace)}, allow_pickle=True)
    _warm_label_caches(dataset.data_yaml)
    assert not trace.exists()
    assert len(read_label_cache(cache_of(dataset))["labels"]) == 4


def test_a_label_cache_of_ultralytics_own_is_read(folder: Path, tmp_path: Path) -> None:
    """It would otherwise scan the labels anew for every variant."""
    dataset = prepare(Dataset(source="folder", path=folder), tmp_path / "home")
    _warm_label_caches(dataset.data_yaml)
    content = read_label_cache(cache_of(dataset))
    assert len(content["labels"]) == 4
    assert content["labels"][0]["bboxes"].shape[1] == 4
