"""A training is repeatable, and what it was asked for is what it applied."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from promotion.datasets import PreparedDataset
from promotion.detection import Detector
from promotion.errors import PromotionError
from promotion.study import Model, Study, Training
from promotion.training import starting_weights
from promotion.training.trainer import TrainedModel, VariantTrainer, train
from tests.builders import STARTER

pytestmark = pytest.mark.slow


def train_smoke(
    smoke: Study, streets: PreparedDataset, folder: Path, **changes: object
) -> TrainedModel:
    variant = smoke.variants[0].model_copy(update={"lr0": 0.003, **changes})
    start = starting_weights(Model(weights=STARTER), folder)
    return train(variant, Training(nbs=8), start, streets.data_yaml, folder, threads=1)


@pytest.fixture(scope="module")
def trained(
    smoke: Study, streets: PreparedDataset, tmp_path_factory: pytest.TempPathFactory
) -> TrainedModel:
    return train_smoke(smoke, streets, tmp_path_factory.mktemp("trained"))


def test_a_seed_gives_the_same_weights_twice(
    trained: TrainedModel, smoke: Study, streets: PreparedDataset, tmp_path: Path
) -> None:
    again = train_smoke(smoke, streets, tmp_path)
    assert trained.parameters_sha256 == again.parameters_sha256


def test_another_seed_gives_other_weights(
    trained: TrainedModel, smoke: Study, streets: PreparedDataset, tmp_path: Path
) -> None:
    other = train_smoke(smoke, streets, tmp_path, seed=2)
    assert trained.parameters_sha256 != other.parameters_sha256
    assert other.applied["applied_seed"] == 2


def test_what_was_asked_for_is_read_back_as_applied(trained: TrainedModel) -> None:
    assert trained.applied["applied_lr0"] == pytest.approx(0.003)
    assert trained.applied["applied_optimizer"] == "SGD"
    assert trained.applied["applied_imgsz"] == 96
    assert trained.applied["applied_epochs"] == 1
    assert trained.applied["applied_batch"] == 8


def test_an_optimizer_that_ignores_the_learning_rate_is_found_out(
    smoke: Study, streets: PreparedDataset, tmp_path: Path
) -> None:
    """The lab's trap: with `auto`, Ultralytics chooses a learning rate of its own."""
    ignored = train_smoke(smoke, streets, tmp_path, optimizer="auto")
    assert ignored.applied["applied_lr0"] != pytest.approx(0.003)


def test_what_is_exported_can_be_served(trained: TrainedModel) -> None:
    onnx.checker.check_model(str(trained.onnx))
    assert Detector(trained.onnx).imgsz == 96
    assert trained.checkpoint.is_file()


def test_weights_that_are_no_numbers_after_the_last_step_leave_no_model(
    smoke: Study, streets: PreparedDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss was computed before that step, and is finite; Ultralytics would write zeros."""
    step = VariantTrainer.optimizer_step

    def diverge(trainer: VariantTrainer) -> None:
        next(trainer.model.parameters()).data.view(-1)[0] = float("nan")
        step(trainer)

    monkeypatch.setattr(VariantTrainer, "optimizer_step", diverge)
    with pytest.raises(PromotionError, match=r"is NaN or infinite in epoch 1: lower lr0"):
        train_smoke(smoke, streets, tmp_path)
    assert not list(tmp_path.rglob("model.onnx"))
