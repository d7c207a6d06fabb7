"""Records what `mlflow.pytorch.autolog` logs of PyTorch Lightning, for the tests of the audit.

Lightning is no dependency of this project. In an environment that has it beside the project:
`python -m tests.audit.record_lightning`.
"""

from __future__ import annotations

import json
import tempfile
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import lightning  # type: ignore[import-not-found]
import mlflow
import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset, random_split

RECORD = Path(__file__).with_name("lightning.json")
# Without momentum, damping it does nothing.
SWEEPS = {"lr": ("lr", (0.05, 0.3)), "idle": ("dampening", (0.0, 0.5))}
SEEDS = (1, 2, 3)
EPOCHS = 3


class Digits(lightning.LightningModule):  # type: ignore[misc]
    """A linear model of handwritten digits."""

    def __init__(self, **optimizer: float) -> None:
        super().__init__()
        self.model = torch.nn.Linear(64, 10)
        self.optimizer = optimizer

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], _: int) -> torch.Tensor:
        """The loss on a batch, which Lightning logs by step and by epoch."""
        images, digits = batch
        loss = torch.nn.functional.cross_entropy(self.model(images), digits)
        self.log("train_loss", loss, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], _: int) -> None:
        """The loss and the accuracy on a batch."""
        images, digits = batch
        scores = self.model(images)
        self.log("val_loss", torch.nn.functional.cross_entropy(scores, digits))
        self.log("val_acc", (scores.argmax(1) == digits).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Plain gradient descent."""
        return torch.optim.SGD(self.parameters(), **{"lr": 0.1, **self.optimizer})


def train(name: str, value: float, seed: int) -> None:
    """One run, logged by MLflow alone but for its seed, which nothing of Lightning's tells."""
    lightning.seed_everything(seed)
    pixels, digits = load_digits(return_X_y=True)
    data = TensorDataset(torch.tensor(pixels / 16, dtype=torch.float32), torch.tensor(digits))
    parts = random_split(data, [1000, 797], torch.Generator().manual_seed(0))
    loaders = [
        DataLoader(part, batch_size=100, shuffle=not number) for number, part in enumerate(parts)
    ]
    trainer = lightning.Trainer(
        max_epochs=EPOCHS, accelerator="cpu", logger=False, enable_checkpointing=False
    )
    with mlflow.start_run():
        mlflow.log_param("seed", seed)
        trainer.fit(Digits(**{name: value}), *loaders)


def recorded(experiment: str) -> list[dict[str, Any]]:
    """What lies in the store of each run: its name, parameters and metrics."""
    client = mlflow.MlflowClient()
    found = client.get_experiment_by_name(experiment)
    runs = client.search_runs([found.experiment_id], order_by=["attributes.start_time ASC"])
    return [
        {"name": run.info.run_name, "params": run.data.params, "metrics": run.data.metrics}
        for run in runs
    ]


def main() -> None:
    """Train all runs of both sweeps, and write what was logged."""
    with tempfile.TemporaryDirectory() as folder:
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        mlflow.pytorch.autolog(log_models=False, checkpoint=False)
        for experiment, (name, values) in SWEEPS.items():
            mlflow.create_experiment(experiment, f"{folder}/{experiment}")
            mlflow.set_experiment(experiment)
            for value, seed in product(values, SEEDS):
                train(name, value, seed)
        names = ("lightning", "mlflow", "torch")
        record = {
            "versions": {name: version(name) for name in names},
            "experiments": {experiment: recorded(experiment) for experiment in SWEEPS},
        }
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
