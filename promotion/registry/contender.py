"""A registered version, opened as a server would open it."""

from __future__ import annotations

from dataclasses import dataclass

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from promotion.errors import ChecksumError
from promotion.registry.serving import CHECKSUM, IMAGE_COLUMN, PersonDetector
from promotion.registry.transitions import version
from promotion.store import REGISTERED_MODEL, VersionTag


@dataclass(frozen=True)
class Contender:
    """A model as it is served: its name, the registered code, and its operating threshold."""

    name: str
    model: PersonDetector
    threshold: float

    def see(self, photograph: bytes) -> pd.DataFrame:
        """The boxes in an encoded photograph: x0, y0, x1, y1, confidence."""
        table = pd.DataFrame({IMAGE_COLUMN: [photograph]})
        return self.model.predict(None, table, {"threshold": self.threshold})


def open_version(client: MlflowClient, number: str) -> Contender:
    """Load a registered version as a server would.

    Raises:
        ChecksumError: the model's file is not the one that was registered.
        RegistryError: there is no such version.
    """
    registered = version(client, number)
    address = f"models:/{REGISTERED_MODEL}/{number}"
    try:
        model = mlflow.pyfunc.load_model(address, suppress_warnings=True)
    except MlflowException as error:
        # MLflow wraps what the model raises on its way in.
        cause = error.__cause__ or error.__context__
        raise cause if isinstance(cause, ChecksumError) else error from None
    if model.model_config[CHECKSUM] != registered.tags[VersionTag.WEIGHTS_SHA256]:
        raise ChecksumError(
            f"{REGISTERED_MODEL} version {number}: its checksum is not that of the registry; "
            "the artifact was changed, register the run again"
        )
    schema = model.metadata.get_params_schema()
    threshold = next(one.default for one in schema.params if one.name == "threshold")
    name = f"{REGISTERED_MODEL} v{number}"
    return Contender(name, model.unwrap_python_model(), float(threshold))
