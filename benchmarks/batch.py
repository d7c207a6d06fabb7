"""Ratio of the batch's wall time to that of a bare Ultralytics loop over the same variants.

    python benchmarks/batch.py [--study studies/default.yaml] [--set KEY=VALUE ...]

Both train every variant with the same settings and validate each epoch on val. The bare loop is
one process; it also validates its best weights once, as Ultralytics always does. It runs twice: as
Ultralytics leaves it on a processor (cores - 1 threads), and given all cores. The batch starts a
kernel a variant, exports to ONNX, evaluates the export on val, meters energy and logs to MLflow.
All start from a dataset that is already drawn.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from joblib import cpu_count

from promotion.datasets import prepare
from promotion.execution import StudyFile, default_jobs, raise_if_failed
from promotion.flow import Flow
from promotion.study import load_study
from promotion.training import starting_weights

BARE_LOOP = """
import json, os, sys
os.environ["YOLO_OFFLINE"] = "true"
import torch
from ultralytics import YOLO, settings
from ultralytics.utils import torch_utils
settings.update({"mlflow": False})
work = json.load(sys.stdin)
if work["threads"]:
    torch_utils.NUM_THREADS = work["threads"]
for variant in work["variants"]:
    YOLO(work["start"]).train(
        data=work["data"], project=work["folder"], amp=False, plots=False, verbose=False,
        **work["training"], **variant,
    )
"""


def bare_loop(file: StudyFile, home: Path, threads: int = 0) -> float:
    """Seconds that plain Ultralytics needs for all variants; 0 threads leaves them to it."""
    study = file.study
    work = {
        "start": str(starting_weights(study.model, home)),
        "data": str(prepare(study.dataset, home).data_yaml),
        "folder": str(home / "bare"),
        "threads": threads,
        "training": study.training.model_dump(),
        "variants": [variant.parameters for variant in study.variants],
    }
    environment = {**os.environ, "YOLO_CONFIG_DIR": str(home)}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", BARE_LOOP],
        input=json.dumps(work),
        text=True,
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


def batch(file: StudyFile, home: Path) -> float:
    """Seconds that `promotion run` needs for all variants."""
    began = time.perf_counter()
    jobs = default_jobs(len(file.study.variants))
    raise_if_failed(Flow(file, home).run(jobs, "loky"))
    return time.perf_counter() - began


def main() -> None:
    """Measure both in one fresh home and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", type=Path, default=Path("studies/default.yaml"))
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    arguments = parser.parse_args()
    path = arguments.study.resolve()
    file = StudyFile(load_study(path, arguments.overrides), path, tuple(arguments.overrides))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        prepare(file.study.dataset, home)
        ours = batch(file, home)
        left, given = bare_loop(file, home), bare_loop(file, home, threads=cpu_count())
    print(f"variants {len(file.study.variants)}, jobs {default_jobs(len(file.study.variants))}")
    print(f"batch {ours:.0f} s")
    print(f"bare loop as Ultralytics leaves it {left:.0f} s, ratio {ours / left:.2f}")
    print(f"bare loop given all cores {given:.0f} s, ratio {ours / given:.2f}")


if __name__ == "__main__":
    main()
