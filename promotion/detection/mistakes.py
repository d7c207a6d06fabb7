"""What each false alarm of a model gets wrong; method: TIDE (Bolya et al., ECCV 2020)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from promotion.detection.matching import CORNERS, pairwise_iou
from promotion.detection.seen import Seen

# A box that shares less than this with every person shows the background.
BACKGROUND_IOU, FOUND_IOU = 0.1, 0.5
FALSE_KINDS = ("Loc", "Dupe", "Bkg")


def false_alarms(seen: Seen) -> pd.DataFrame:
    """Every box that finds nobody, at any threshold, most confident first.

    The columns are image, x0, y0, x1, y1, confidence; `kind`, Loc on a person but badly placed,
    Dupe on one who is found already, Bkg on nobody; and `person`, the row of the annotation that
    it is on, or −1. Neither depends on the threshold: a box only competes with surer ones.
    """
    matches = seen.matches
    alone = matches.person < 0
    found = seen.detections.iloc[matches.row[alone]].reset_index(drop=True)
    corners = seen.ground_truth[CORNERS].to_numpy(float)
    names = seen.ground_truth["image"].to_numpy()
    annotated = ~np.isnan(corners).any(axis=1)
    kinds = np.full(len(found), "Bkg", object)
    persons = np.full(len(found), -1)
    for image, rows in found.groupby("image").indices.items():
        here = np.flatnonzero((names == image) & annotated)
        if not len(here):
            continue
        overlap = pairwise_iou(found[CORNERS].to_numpy(float)[rows], corners[here])
        nearest, shared = overlap.argmax(axis=1), overlap.max(axis=1)
        kinds[rows[shared >= BACKGROUND_IOU]] = "Loc"
        kinds[rows[shared >= FOUND_IOU]] = "Dupe"
        persons[rows] = np.where(shared >= BACKGROUND_IOU, here[nearest], -1)
    return found.assign(kind=kinds, person=persons)
