"""The lab: its published decision, read again, and its runs, made again as they were.

`promotion.lab.rerun` brings PyTorch and Ultralytics; it is opened only where the lab is run again.
"""

from promotion.lab.published import (
    BASELINE,
    CANDIDATE,
    IMAGES,
    ReadAgain,
    lab_experiment,
    read_again,
)

__all__ = ["BASELINE", "CANDIDATE", "IMAGES", "ReadAgain", "lab_experiment", "read_again"]
