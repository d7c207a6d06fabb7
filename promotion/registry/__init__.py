"""The Model Registry: who stands where, transitions that happen whole, versions as served.

`promotion.registry.registration` brings the comparison with it; it is opened only where a decision
is carried out.
"""

from promotion.registry.contender import Contender, open_version
from promotion.registry.model import RegisteredModel, names, registered_model
from promotion.registry.serving import PersonDetector, open_onnx
from promotion.registry.transitions import (
    ALIASES,
    Event,
    History,
    Place,
    aliases,
    approve,
    champion_of,
    history,
    place_of,
    promote,
    read_history,
    recover,
    roll_back,
    stage,
    version,
    versions,
    withdraw,
)
from promotion.store import PREVIOUS, PRODUCTION, STAGING

__all__ = [
    "ALIASES",
    "PREVIOUS",
    "PRODUCTION",
    "STAGING",
    "Contender",
    "Event",
    "History",
    "PersonDetector",
    "Place",
    "RegisteredModel",
    "aliases",
    "approve",
    "champion_of",
    "history",
    "names",
    "open_onnx",
    "open_version",
    "place_of",
    "promote",
    "read_history",
    "recover",
    "registered_model",
    "roll_back",
    "stage",
    "version",
    "versions",
    "withdraw",
]
