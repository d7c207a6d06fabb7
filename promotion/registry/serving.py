"""The registered model as MLflow runs it: photographs in, boxes out.

MLflow loads this file as code (no pickle); it needs ONNX Runtime, NumPy, OpenCV, Pillow and pandas.
"""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import mlflow
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from promotion.checksums import verify
from promotion.detection.detector import LOWEST_CONFIDENCE, Detector

IMAGE_COLUMN = "image"
MODEL_ARTIFACT = "model"
CHECKSUM = "sha256"
OUTPUT_COLUMNS = ("image", "x0", "y0", "x1", "y1", "confidence")
MOST_PIXELS = 50_000_000


class PersonDetector(PythonModel):
    """Finds persons in encoded photographs (JPEG or PNG), one a row of the column `image`."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the ONNX file of the registered version.

        Raises:
            ChecksumError: it is not the file that was evaluated.
        """
        onnx = verify(Path(context.artifacts[MODEL_ARTIFACT]), context.model_config[CHECKSUM])
        self.detector = Detector(onnx)

    def predict(
        self,
        context: PythonModelContext | None,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Boxes in pixels, one row a box: image (index of the row), x0, y0, x1, y1, confidence.

        Raises:
            MlflowException: a row is not a whole image of a sensible size, or the threshold is not
                a confidence; the scoring server answers 400.
        """
        threshold = float((params or {})["threshold"])
        if not LOWEST_CONFIDENCE <= threshold <= 1:
            raise MlflowException.invalid_parameter_value(
                f"threshold {threshold} is out of range: from {LOWEST_CONFIDENCE} to 1"
            )
        rows = []
        for index, content in enumerate(model_input[IMAGE_COLUMN]):
            found = self.detector.detect(_read_photograph(content, index), threshold)
            for box, confidence in zip(found.boxes, found.confidences, strict=True):
                rows.append((index, *(float(edge) for edge in box), float(confidence)))
        table = pd.DataFrame(rows, columns=list(OUTPUT_COLUMNS))
        return table.astype({"image": "int64", **dict.fromkeys(OUTPUT_COLUMNS[1:], "float64")})


def open_onnx(onnx: Path, sha256: str) -> PersonDetector:
    """A detector that is not registered, behind the same interface as one that is.

    Raises:
        ChecksumError: the file has another SHA-256.
    """
    model = PersonDetector()
    context = PythonModelContext({MODEL_ARTIFACT: str(onnx)}, {CHECKSUM: sha256})  # type: ignore[no-untyped-call]
    model.load_context(context)
    return model


def _read_photograph(content: bytes, row: int) -> NDArray[np.uint8]:
    """The picture as uint8 BGR (h, w, 3); its size is checked before it is decoded."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(BytesIO(content)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise MlflowException.invalid_parameter_value(
                    f"row {row}: the image has {image.width} × {image.height} pixels; "
                    f"at most {MOST_PIXELS // 1_000_000} million are taken"
                )
            # OpenCV would fill the missing part of a truncated file with grey.
            image.load()
    except UnidentifiedImageError:
        raise MlflowException.invalid_parameter_value(f"row {row}: not an image") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MlflowException.invalid_parameter_value(
            f"row {row}: not a whole image (JPEG or PNG): {error}"
        ) from None
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise MlflowException.invalid_parameter_value(f"row {row}: not a JPEG or PNG image")
    return np.asarray(picture, np.uint8)


mlflow.models.set_model(PersonDetector())
