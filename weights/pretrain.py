"""Makes the starter weights: YOLOv8n, one class, trained from scratch on plain, then busy days.

    python weights/pretrain.py --work /tmp/pretrain

See weights/README.md, the model card, for what came out of it.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

# It keeps Ultralytics from running code that a file brings, and comes before it.
from promotion.training.yolo import load_checkpoint  # isort: skip

import torch
import ultralytics
import ultralytics.engine.trainer as trainer
import ultralytics.utils.torch_utils as torch_utils
from ultralytics import YOLO

from promotion.checksums import sha256_of
from promotion.datasets.sources.street_scenes import draw_splits

HERE = Path(__file__).parent
WEIGHTS = HERE / "street_day_yolov8n.pt"
SIZES = {"day": {"train": 3200, "val": 150}, "busy": {"train": 1600, "val": 150}}
SEED = 7
# Plain days first, then busy ones; small pictures first: most of what a detector learns early
# needs neither the pixels nor the crowd.
STAGES = (
    (
        "day",
        {"imgsz": 256, "epochs": 8, "batch": 8, "lr0": 1.5e-3, "lrf": 0.3, "warmup_epochs": 0.5},
    ),
    (
        "day",
        {"imgsz": 320, "epochs": 8, "batch": 8, "lr0": 7e-4, "lrf": 0.05, "warmup_epochs": 0.1},
    ),
    (
        "busy",
        {"imgsz": 256, "epochs": 4, "batch": 16, "lr0": 1e-3, "lrf": 0.5, "warmup_epochs": 0.3},
    ),
    (
        "busy",
        {"imgsz": 320, "epochs": 4, "batch": 16, "lr0": 5e-4, "lrf": 0.05, "warmup_epochs": 0.1},
    ),
)
COMMON = {
    "optimizer": "AdamW",
    "nbs": 8,
    "mosaic": 0.0,
    "amp": False,
    "cache": "ram",
    "device": "cpu",
    "seed": SEED,
    "plots": False,
    "val": False,
    "exist_ok": True,
}


def pretrain(work: Path, threads: int) -> dict[str, object]:
    """Draw the domains, train in stages and store the weights in half precision.

    A stage whose weights lie in the folder is not trained again.
    """
    torch_utils.NUM_THREADS = threads
    ultralytics.settings.update({"mlflow": False})
    # Ultralytics reserves bfloat16 for GPUs; a processor that has it trains twice as fast.
    trainer.autocast = lambda *_, **__: torch.autocast("cpu", dtype=torch.bfloat16)
    work = work.resolve()
    start = "yolov8n.yaml"
    seconds = []
    for number, (domain, stage) in enumerate(STAGES, start=1):
        last = work / f"stage{number}" / "weights" / "last.pt"
        if not last.exists():
            began = time.perf_counter()
            model = YOLO(start)
            model.add_callback("on_train_start", _channels_last)
            model.train(
                data=_drawn(work, domain),
                project=str(work),
                name=f"stage{number}",
                **{**COMMON, **stage},
            )
            seconds.append(round(time.perf_counter() - began))
        start = str(last)
    metrics = YOLO(start).val(
        data=_drawn(work, "busy"), imgsz=320, device="cpu", plots=False, project=str(work)
    )
    store(load_checkpoint(Path(start))["model"])
    return {
        "seconds": seconds,
        "mAP50": round(float(metrics.box.map50), 4),
        "mAP50-95": round(float(metrics.box.map), 4),
        "stages": STAGES,
        "common": COMMON,
        "sizes": SIZES,
    }


def _drawn(work: Path, domain: str) -> str:
    """The data.yaml of a domain's pictures, drawn if they are not there."""
    data = work / domain / "data.yaml"
    if not data.exists():
        draw_splits(work / domain, domain, SIZES[domain], SEED)
    return str(data)


def _channels_last(running: trainer.BaseTrainer) -> None:
    """A processor reads a pixel's channels at once where they lie side by side."""
    running.model.to(memory_format=torch.channels_last)


def store(model: torch.nn.Module) -> None:
    """Save a model in half precision, without the paths of the machine it was trained on."""
    model.args, model.pt_path = {}, WEIGHTS.name
    model.yaml = {**model.yaml, "yaml_file": "yolov8n.yaml"}
    content = {"model": model.half(), "train_args": {}, "version": ultralytics.__version__}
    torch.save(content, WEIGHTS)
    sums = f"{sha256_of(WEIGHTS)}  {WEIGHTS.name}\n"
    (HERE / "SHA256SUMS").write_text(sums, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for pictures and runs")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    print(json.dumps(pretrain(arguments.work, arguments.threads), indent=2))
