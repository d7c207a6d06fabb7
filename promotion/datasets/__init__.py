"""Datasets: made or found, listed in a manifest, checked before anything is trained on them."""

from promotion.datasets.manifest import Finding, Manifest, ground_truth
from promotion.datasets.preparation import PreparedDataset, prepare
from promotion.datasets.yolo import images_of

__all__ = ["Finding", "Manifest", "PreparedDataset", "ground_truth", "images_of", "prepare"]
