"""Trains one variant with Ultralytics and exports the model that can be registered."""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# It prepares Ultralytics, and comes before it.
from promotion.training.yolo import (  # isort: skip
    load_checkpoint,
    not_finite,
    open_checkpoint,
    quiet,
)

import mlflow
import torch
import ultralytics
from PIL import Image
from ultralytics.data.dataset import YOLODataset
from ultralytics.data.utils import check_det_dataset
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.utils import patches, torch_utils
from ultralytics.utils.callbacks import mlflow as ultralytics_mlflow
from ultralytics.utils.torch_utils import strip_optimizer

from promotion.datasets.preparation import PATIENCE_S
from promotion.errors import PromotionError
from promotion.locks import alone
from promotion.study.grid import Variant
from promotion.study.schema import Training

# Ultralytics puts its own in Pillow's place, for which a file that is no picture is a missing
# package; whoever checks pictures in this process must hear what is the matter with them.
Image.open = patches._image_open

ONNX_OPSET = 17


@dataclass(frozen=True)
class TrainedModel:
    """What a training leaves: the checkpoint, its ONNX export, and what was really applied."""

    checkpoint: Path
    onnx: Path
    parameters_sha256: str
    applied: dict[str, object]


class VariantTrainer(DetectionTrainer):
    """Ultralytics' detection trainer without the second validation of its last weights."""

    def final_eval(self) -> None:
        """Strip the optimizer from the checkpoints; `promotion.detection` measures the model."""
        for checkpoint in (self.last, self.best):
            if checkpoint.exists():
                strip_optimizer(checkpoint)

    def save_model(self) -> None:
        """Save a checkpoint, unless it diverged: Ultralytics would write zeros for NaN.

        From the second epoch on Ultralytics first tries again from the epoch before.

        Raises:
            PromotionError: the loss, or a weight, is NaN or infinite.
        """
        loss = float(torch.as_tensor(self.loss).detach())
        # What is saved are not the last weights, but their moving average.
        average: Any = self.ema
        lost = not_finite(average.ema)
        if lost or not math.isfinite(loss):
            what = f"{lost} is NaN or infinite" if lost else f"the loss is {loss}"
            raise PromotionError(
                f"{what} in epoch {self.epoch + 1}: lower lr0, which is {self.args.lr0:g}; no "
                "model is kept"
            )
        super().save_model()  # type: ignore[no-untyped-call]


def train(
    variant: Variant,
    settings: Training,
    start: Path,
    data_yaml: Path,
    folder: Path,
    threads: int,
) -> TrainedModel:
    """Fine-tune `start` on a dataset and export the last epoch's weights to ONNX.

    The same arguments give the same weights on one machine. Per-epoch losses, learning rates and
    validation metrics go to the active MLflow run through Ultralytics' own callback. The last
    epoch's weights are the model: choosing an epoch on val would flatter its metrics there.
    """
    # `select_device("cpu")` sets torch's threads from this, whatever OMP_NUM_THREADS says; another
    # number of threads sums in another order and gives other weights.
    torch_utils.NUM_THREADS = threads  # type: ignore[attr-defined]
    torch.set_num_threads(threads)
    folder = folder.resolve()
    with quiet():
        _warm_label_caches(data_yaml)
    model = open_checkpoint(start)
    model.add_callback("on_train_start", _let_callback_log)
    model.add_callback("on_train_epoch_end", ultralytics_mlflow.on_train_epoch_end)
    model.add_callback("on_fit_epoch_end", ultralytics_mlflow.on_fit_epoch_end)
    with quiet(), own_callbacks_only():
        model.train(
            trainer=VariantTrainer,
            data=str(data_yaml),
            epochs=variant.epochs,
            imgsz=variant.imgsz,
            lr0=variant.lr0,
            seed=variant.seed,
            batch=variant.batch,
            optimizer=variant.optimizer,
            project=str(folder),
            name="training",
            exist_ok=True,
            amp=False,
            plots=False,
            verbose=False,
            deterministic=True,
            **settings.model_dump(),
        )
    trainer: Any = model.trainer
    checkpoint = Path(shutil.copy(trainer.last, folder / "checkpoint.pt"))
    return TrainedModel(
        checkpoint=checkpoint,
        onnx=export_onnx(checkpoint, variant.imgsz),
        parameters_sha256=_parameters_sha256(checkpoint),
        applied=_applied(trainer),
    )


def export_onnx(checkpoint: Path, imgsz: int) -> Path:
    """Export a checkpoint to ONNX beside it, with a fixed square input of `imgsz` pixels."""
    with quiet():
        exported = open_checkpoint(checkpoint).export(
            format="onnx",
            imgsz=imgsz,
            opset=ONNX_OPSET,
            simplify=False,
            device="cpu",
            verbose=False,
        )
    return Path(exported).replace(checkpoint.with_name("model.onnx"))


def _warm_label_caches(data_yaml: Path) -> None:
    """Have Ultralytics write its label caches while no other training reads them.

    They lie in the dataset's folder, which parallel trainings share, and are not written at once.
    """
    with alone(data_yaml.with_suffix(".lock"), PATIENCE_S):
        data = check_det_dataset(str(data_yaml), autodownload=False)
        for split in ("train", "val"):
            YOLODataset(img_path=data[split], data=data, task="detect", augment=False)


def _parameters_sha256(checkpoint: Path) -> str:
    """The SHA-256 of the weights themselves; the file also holds the date and the paths."""
    digest = hashlib.sha256()
    model = load_checkpoint(checkpoint)["model"]
    for name, values in model.state_dict().items():
        digest.update(name.encode() + values.numpy().tobytes())
    return digest.hexdigest()


def _let_callback_log(trainer: Any) -> None:
    """Ultralytics' callback logs metrics to the active run, if there is one, once this is set.

    Its own set-up would also turn MLflow's autologging on and log a hundred unswept parameters.
    """
    trainer._mlflow_active = mlflow.active_run() is not None


@contextmanager
def own_callbacks_only() -> Iterator[None]:
    """Keep Ultralytics from adding integrations that this machine's user may have switched on."""
    original = ultralytics.utils.callbacks.add_integration_callbacks
    ultralytics.utils.callbacks.add_integration_callbacks = lambda _: None
    try:
        yield
    finally:
        ultralytics.utils.callbacks.add_integration_callbacks = original


def _applied(trainer: Any) -> dict[str, object]:
    """What Ultralytics really used, read back from its optimizer and arguments."""
    groups = trainer.optimizer.param_groups
    group = next((g for g in groups if g.get("param_group") == "weight"), groups[0])
    return {
        "applied_optimizer": type(trainer.optimizer).__name__,
        "applied_lr0": float(group["initial_lr"]),
        "applied_momentum": float(group.get("momentum", group.get("betas", [float("nan")])[0])),
        "applied_epochs": trainer.epochs,
        "applied_imgsz": trainer.args.imgsz,
        "applied_batch": trainer.batch_size,
        "applied_seed": trainer.args.seed,
    }
