"""What a model sees: its boxes, their matches, its curve and threshold, its speed, its errors."""

from promotion.detection.detector import (
    LOWEST_CONFIDENCE,
    MOST_BOXES,
    NMS_IOU,
    Detections,
    Detector,
)
from promotion.detection.diagnosis import AREAS, Diagnosis, diagnose
from promotion.detection.evaluation import (
    LOWEST_THRESHOLD,
    Curve,
    choose_threshold,
    curve_of,
    detect_split,
    evaluate,
    tabulate,
)
from promotion.detection.latency import latency_metrics, measure_latency
from promotion.detection.matching import CORNERS, match, pairwise_iou
from promotion.detection.mistakes import FALSE_KINDS, false_alarms
from promotion.detection.seen import Seen, Telling, see, telling_images
from promotion.detection.suspects import SuspectedLabel, suspected_labels, without_suspects

__all__ = [
    "AREAS",
    "CORNERS",
    "FALSE_KINDS",
    "LOWEST_CONFIDENCE",
    "LOWEST_THRESHOLD",
    "MOST_BOXES",
    "NMS_IOU",
    "Curve",
    "Detections",
    "Detector",
    "Diagnosis",
    "Seen",
    "SuspectedLabel",
    "Telling",
    "choose_threshold",
    "curve_of",
    "detect_split",
    "diagnose",
    "evaluate",
    "false_alarms",
    "latency_metrics",
    "match",
    "measure_latency",
    "pairwise_iou",
    "see",
    "suspected_labels",
    "tabulate",
    "telling_images",
    "without_suspects",
]
