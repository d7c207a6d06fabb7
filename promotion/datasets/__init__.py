"""Datasets: made or found, listed in a manifest, checked before anything is trained on them."""

from promotion.datasets.integrity import check_unseen, pictures_seen
from promotion.datasets.leaks import LEAKS, MOST_LEAKED
from promotion.datasets.manifest import SPLITS, Manifest, ground_truth
from promotion.datasets.preparation import PreparedDataset, prepare
from promotion.datasets.records import log_input, measured_on, person_heights, record_dataset
from promotion.datasets.slices import slices_of
from promotion.datasets.splitting import split_anew
from promotion.datasets.yolo import images_of, labels_of, read_image, read_labels, size_of

__all__ = [
    "LEAKS",
    "MOST_LEAKED",
    "SPLITS",
    "Manifest",
    "PreparedDataset",
    "check_unseen",
    "ground_truth",
    "images_of",
    "labels_of",
    "log_input",
    "measured_on",
    "person_heights",
    "pictures_seen",
    "prepare",
    "read_image",
    "read_labels",
    "record_dataset",
    "size_of",
    "slices_of",
    "split_anew",
]
