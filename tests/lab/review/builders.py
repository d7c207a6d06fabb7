"""The lab's eight runs as its students log them, and decision documents about them."""

from __future__ import annotations

from pathlib import Path

import mlflow
from mlflow.tracking import MlflowClient

from promotion.datasets import Manifest
from promotion.detection import see
from promotion.lab.published import BATCH, EPOCHS, RATES, RUNS
from promotion.metrics import METRICS
from promotion.store import Artifact, Role, Tag, connect, log_fact, log_table
from tests.audit.stores import filled
from tests.builders import random_split

DECISIONS = Path(__file__).parent / "decisions"
LAB, OURS = "cv_yolo_tiny", "ours"
CANDIDATE, BASELINE = "yolov8n_e3_sz416_lr0.01_s42", "yolov8n_e3_sz320_lr0.01_s42"


def lab_store(home: Path) -> MlflowClient:
    """The lab's grid in a store; runs of lr0 0.01 have a latency, which the lab never measured."""
    runs = []
    for (imgsz, seed), values in RUNS.items():
        for rate in RATES:
            metrics = dict(zip(METRICS, values, strict=True))
            if rate == "0.01":
                metrics["latency_p95_ms"] = 41.5
            settings = {"epochs": EPOCHS, "imgsz": imgsz, "lr0": rate, "batch": BATCH, "seed": seed}
            runs.append((f"yolov8n_e{EPOCHS}_sz{imgsz}_lr{rate}_s{seed}", settings, metrics))
    return filled(home, LAB, runs)


def decision(name: str) -> str:
    """A decision document about these runs, as a student could have written it."""
    return (DECISIONS / f"{name}.md").read_text(encoding="utf-8")


def our_store(home: Path) -> MlflowClient:
    """Two configurations of two seeds as the product leaves them: the small one finds fewer."""
    client = connect(home, OURS)
    truth, found = random_split(3, ties=False)
    manifest = Manifest(source="folder", files={}, images={"val": 12}, instances={"val": 30})
    dataset = {Tag.ROLE: Role.DATASET, Tag.DATASET_DIGEST: "d1", Tag.COMPLETE: "true"}
    with mlflow.start_run(tags=dataset) as run:
        log_table(client, run.info.run_id, Artifact.ground_truth("val"), truth)
        log_fact(client, run.info.run_id, Artifact.MANIFEST, manifest)
        persons = int(truth["x0"].notna().sum())
        mlflow.log_metrics({"val_images": 12, "val_persons": persons})
    for imgsz, seed in ((416, 1), (416, 2), (320, 1), (320, 2)):
        kept = found.sample(frac=1.0 if imgsz == 416 else 0.55, random_state=seed)
        tags = {
            Tag.ROLE: Role.VARIANT,
            Tag.FINGERPRINT: f"{imgsz}{seed}",
            Tag.DATASET_DIGEST: "d1",
            Tag.WEIGHTS_SHA256: f"w{imgsz}{seed}",
            Tag.MEASURED_SHA256: f"w{imgsz}{seed}",
            Tag.COMPLETE: "true",
        }
        with mlflow.start_run(run_name=f"yolov8n_e1_sz{imgsz}_lr0.01_s{seed}", tags=tags) as run:
            mlflow.log_params({"epochs": 1, "imgsz": imgsz, "lr0": 0.01, "seed": seed})
            mlflow.log_metrics(see(truth, kept, 0.3).metrics())
            log_table(client, run.info.run_id, Artifact.detections("val"), kept)
    return client


def about(candidate: str, other: str, **numbers: str) -> str:
    """A document that compares two runs by what it writes of the candidate."""
    told = ", ".join(f"{name} = {shown}" for name, shown in numbers.items())
    return (
        "## Objectifs et contraintes\n- Objectif : mAP@50\n\n"
        f"## Candidat promu\n- Run : `{candidate}`\n- Mesures : {told}\n\n"
        f"## Comparaison\n- Alternative : `{other}`\n\n"
        "## Risques et mitigations\n- Peu d’images.\n\n## Décision\n- Promouvoir : oui\n"
    )
