"""The lab's original decision, from its published figures alone: what was it worth?

The figures are those of the lab's decision document and of its eight runs; everything else on the
page is computed from them.
"""

from __future__ import annotations

from promotion.audit import AuditedRun, Experiment, OperatingFacts, RecallCounts
from promotion.comparison import (
    Bounds,
    SplitFacts,
    fisher_p,
    newcombe_interval,
    persons_needed,
    wilson_interval,
)
from promotion.detection import MOST_BOXES
from promotion.facts import Fact
from promotion.metrics import METRICS

IMAGES, PERSONS = 10, 31
CANDIDATE = {"mAP50": 0.3059, "mAP50-95": 0.2699, "precision": 0.0080, "recall": 0.7742}
BASELINE = {"mAP50": 0.275, "mAP50-95": 0.231, "precision": 0.00836, "recall": 0.710}
CONFIDENCE, POWER = 0.95, 0.8

# imgsz, seed: mAP50, mAP50-95, precision, recall; the same for lr0 0.005 and 0.01.
RUNS = {
    (416, 42): (0.32275, 0.27282, 0.008, 0.77419),
    (416, 1): (0.30132, 0.2586, 0.008, 0.77419),
    (320, 42): (0.27404, 0.2306, 0.00835, 0.70968),
    (320, 1): (0.27068, 0.20823, 0.00799, 0.70968),
}
RATES = ("0.005", "0.01")
EPOCHS, BATCH = "3", "8"


class ReadAgain(Fact):
    """What the published difference of recall is worth; intervals at 95%."""

    counts: RecallCounts
    candidate_interval: Bounds
    baseline_interval: Bounds
    difference: float
    difference_interval: Bounds
    p_value: float
    persons_needed: float
    boxes: int
    boxes_per_image: float


def read_again() -> ReadAgain:
    """Compute the counts behind the recalls, their intervals, and the boxes behind the precision.

    A recall is a count of persons over 31; the precision is the same count over the boxes shown.
    """
    found, base = (round(side["recall"] * PERSONS) for side in (CANDIDATE, BASELINE))
    boxes = round(found / CANDIDATE["precision"])
    return ReadAgain(
        counts=RecallCounts(candidate=found, baseline=base, persons=PERSONS, images=IMAGES),
        candidate_interval=wilson_interval(found, PERSONS, CONFIDENCE),
        baseline_interval=wilson_interval(base, PERSONS, CONFIDENCE),
        difference=(found - base) / PERSONS,
        difference_interval=newcombe_interval(found, base, PERSONS, CONFIDENCE),
        p_value=fisher_p(found, base, PERSONS),
        persons_needed=persons_needed(found / PERSONS, base / PERSONS, CONFIDENCE, POWER),
        boxes=boxes,
        boxes_per_image=boxes / IMAGES,
    )


def lab_experiment() -> Experiment:
    """The lab's eight runs as the audit sees an experiment: what is published, and no more.

    The metrics are the last epoch's; the artifact that the lab keeps is the best epoch's.
    """
    again = read_again()
    runs = [
        AuditedRun(
            name=f"yolov8n_e{EPOCHS}_sz{imgsz}_lr{rate}_s{seed}",
            seed=seed,
            asked={
                "epochs": EPOCHS,
                "imgsz": str(imgsz),
                "lr0": rate,
                "batch": BATCH,
                "optimizer": "auto",
            },
            applied={},
            metrics=dict(zip(METRICS, values, strict=True)),
            registrable="best",
            measured="last",
        )
        for (imgsz, seed), values in RUNS.items()
        for rate in RATES
    ]
    return Experiment(
        name="cv_yolo_tiny",
        runs=runs,
        missing={},
        constraints={
            "latence faible": "latency_p95_ms",
            "énergie limitée": "energy_wh",
        },
        splits={"val": SplitFacts(images=IMAGES, persons=PERSONS)},
        selected_on="val",
        claimed_on="val",
        counts=again.counts,
        operating=OperatingFacts(
            threshold=None, boxes_per_image=again.boxes_per_image, most_boxes=MOST_BOXES
        ),
        known_to_the_start=True,
        confidence=CONFIDENCE,
    )
