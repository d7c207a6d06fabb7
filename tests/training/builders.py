"""Checkpoints of every kind, made without a download, and files that would run code."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import torch

# It keeps Ultralytics from running code that a file brings, and comes before it.
from promotion.training.yolo import open_checkpoint  # isort: skip
from ultralytics.models import YOLO

from promotion.paths import ROOT
from tests.builders import STARTER


class Payload:
    """Leaves a file behind if it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch '{self.trace}'",)


def planted(folder: Path, trace: Path) -> dict[str, Path]:
    """Files that hold a payload, by how they hold it."""
    payload = Payload(trace)
    names = ("pickle", "legacy", "zip", "dict", "beside_a_model", "pickle_then_zip")
    paths = {name: folder / f"{name}.pt" for name in names}
    paths["pickle"].write_bytes(pickle.dumps(payload))
    torch.save(payload, paths["legacy"], _use_new_zipfile_serialization=False)
    torch.save(payload, paths["zip"])
    torch.save({"model": payload}, paths["dict"])
    network = open_checkpoint(ROOT / STARTER).model
    torch.save({"model": network, "train_args": payload}, paths["beside_a_model"])
    paths["pickle_then_zip"].write_bytes(pickle.dumps(payload))
    with zipfile.ZipFile(paths["pickle_then_zip"], "a") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(payload))
    return paths


def untrained(config: str, path: Path) -> Path:
    """A checkpoint of one of Ultralytics' architectures, as it begins."""
    torch.manual_seed(0)
    YOLO(config).save(str(path))
    return path


def two_classes(path: Path, names: dict[int, str]) -> Path:
    """The starter's network with a class before its own, of which it is never sure."""
    known = open_checkpoint(ROOT / STARTER).model.float()
    model = YOLO("yolov8n.yaml")
    network = type(known)({**known.yaml, "nc": 2}, nc=2, verbose=False)
    ours = network.state_dict()
    for name, values in known.state_dict().items():
        if ours[name].shape == values.shape:
            ours[name] = values
    network.load_state_dict(ours)
    # The classes' branch may be wider for more classes: its last layer alone tells them apart.
    for new, old in zip(network.model[-1].cv3, known.model[-1].cv3, strict=True):
        assert new[-1].weight.shape[1:] == old[-1].weight.shape[1:]
        with torch.no_grad():
            new[-1].weight[0], new[-1].bias[0] = 0.0, -20.0
            new[-1].weight[1], new[-1].bias[1] = old[-1].weight[0], old[-1].bias[0]
    network.names = names
    model.model = network
    model.save(str(path))
    return path
