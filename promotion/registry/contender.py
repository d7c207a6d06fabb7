"""A registered version, opened as a server would open it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException

from promotion.checksums import digest_of, sha256_of
from promotion.errors import ChecksumError, RegistryError
from promotion.registry.model import RegisteredModel
from promotion.registry.serving import CHECKSUM, IMAGE_COLUMN, PersonDetector
from promotion.registry.transitions import version
from promotion.store import VersionTag

# MLflow notes here, when it is asked for the version, what it was asked for.
WRITTEN_BY_MLFLOW = ("registered_model_meta",)


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


def files_digest(folder: Path) -> str:
    """The SHA-256 of all files of a version, with their places."""
    names = sorted(path for path in folder.rglob("*") if path.is_file())
    ours = [path for path in names if path.name not in WRITTEN_BY_MLFLOW and path.suffix != ".pyc"]
    return digest_of({path.relative_to(folder).as_posix(): sha256_of(path) for path in ours})


def open_version(registered: RegisteredModel, number: str) -> Contender:
    """Load a registered version as a server would.

    Raises:
        ChecksumError: a file of the version is not the one that was registered.
        RegistryError: there is no such version, or it is half-made or somebody else's.
    """
    tags, name = version(registered, number).tags, f"{registered.name} version {number}"
    missing = [tag for tag in (VersionTag.FILES_SHA256, VersionTag.THRESHOLD) if tag not in tags]
    if missing:
        raise RegistryError(
            f"{name} was not registered by this product, or only half "
            f"(no tag {missing[0]}); run `python -m promotion register` to register its run again"
        )
    files = Path(mlflow.artifacts.download_artifacts(registered.address(number)))
    # Before anything of it is imported: the version brings its own code.
    if files_digest(files) != tags[VersionTag.FILES_SHA256]:
        raise ChecksumError(
            f"{name}: SHA-256 of its files is not the one that was "
            "registered; they were changed, register the run again"
        )
    path = list(sys.path)
    try:
        model = mlflow.pyfunc.load_model(str(files), suppress_warnings=True)
    except MlflowException as error:
        # MLflow wraps what the model raises on its way in.
        cause = error.__cause__ or error.__context__
        raise cause if isinstance(cause, ChecksumError) else error from None
    finally:
        # MLflow puts the version's copy of this package first, where processes started later would
        # take it for the package.
        sys.path[:] = path
    if model.model_config[CHECKSUM] != tags[VersionTag.WEIGHTS_SHA256]:
        raise ChecksumError(
            f"{name}: its checksum is not that of the registry; "
            "the artifact was changed, register the run again"
        )
    schema = model.metadata.get_params_schema()
    threshold = next(one.default for one in schema.params if one.name == "threshold")
    return Contender(f"{registered.name} v{number}", model.unwrap_python_model(), float(threshold))
