"""The study file: what to train, what to compare it with, and by which policy to decide."""

from promotion.study.grid import Baseline, Grid, Variant
from promotion.study.loading import load_study, standing_overrides
from promotion.study.policy import GateRule, Objective, OperatingPoint, Policy, SliceGuard
from promotion.study.schema import Canary, CanaryDataset, Dataset, Model, Study, Training

__all__ = [
    "Baseline",
    "Canary",
    "CanaryDataset",
    "Dataset",
    "GateRule",
    "Grid",
    "Model",
    "Objective",
    "OperatingPoint",
    "Policy",
    "SliceGuard",
    "Study",
    "Training",
    "Variant",
    "load_study",
    "standing_overrides",
]
