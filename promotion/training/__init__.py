"""Training: the verified starting weights, one variant, what it costs.

`promotion.training.trainer` brings PyTorch and Ultralytics, which take seconds to import; it is
opened only where a model is trained or exported.
"""

from promotion.training.checkpoints import (
    StartingPoint,
    expected_sum,
    person_class,
    starting_point,
    starting_weights,
)
from promotion.training.energy import Energy, energy_meter
from promotion.training.variant import (
    Evaluated,
    Trained,
    evaluate_variant,
    load_history,
    record_variant,
    train_variant,
)

__all__ = [
    "Energy",
    "Evaluated",
    "StartingPoint",
    "Trained",
    "energy_meter",
    "evaluate_variant",
    "expected_sum",
    "load_history",
    "person_class",
    "record_variant",
    "starting_point",
    "starting_weights",
    "train_variant",
]
