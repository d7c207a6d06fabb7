"""Every plot of the report, one function a plot; each gives a `Plot`, or `Pictures`."""

from promotion.report.plots.canary import (
    canary_differences,
    canary_drift,
    canary_evidence,
    canary_latencies,
)
from promotion.report.plots.choice import gain_against_costs, latencies, seed_strips
from promotion.report.plots.confirmation import differences, variance_split
from promotion.report.plots.dataset import box_sizes
from promotion.report.plots.diagnosis import curves_with_bands, operating_point, reliability
from promotion.report.plots.drawing import run_colours
from promotion.report.plots.pictures import sample_pictures, side_by_side
from promotion.report.plots.simulation import calibration
from promotion.report.plots.training import training_curves

__all__ = [
    "box_sizes",
    "calibration",
    "canary_differences",
    "canary_drift",
    "canary_evidence",
    "canary_latencies",
    "curves_with_bands",
    "differences",
    "gain_against_costs",
    "latencies",
    "operating_point",
    "reliability",
    "run_colours",
    "sample_pictures",
    "seed_strips",
    "side_by_side",
    "training_curves",
    "variance_split",
]
