"""The registered model as MLflow runs it: photographs in, boxes out.

MLflow loads this file as code (no pickle); it needs ONNX Runtime, NumPy, OpenCV, Pillow and pandas.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from promotion.checksums import verify
from promotion.detection.detector import LOWEST_CONFIDENCE, Detections, Detector
from promotion.images import ImageError, check_whole, decode, size_of

IMAGE_COLUMN = "image"
THRESHOLD = "threshold"
MODEL_ARTIFACT = "model"
CHECKSUM = "sha256"
OUTPUT_COLUMNS = ("image", "x0", "y0", "x1", "y1", "confidence")
# What one request may ask for: some seconds of one core at the most.
MOST_ROWS = 64
MOST_PIXELS = 50_000_000


class TooLargeError(ValueError):
    """More rows or pixels than one request may ask for."""


class PersonDetector(PythonModel):
    """Finds persons in encoded photographs (JPEG, PNG, WebP), one a row of the column `image`."""

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
            MlflowException: a row is not a whole image, the rows are too many or too large, or the
                threshold is not a confidence; the scoring server answers 400.
        """
        contents = list(model_input[IMAGE_COLUMN])
        try:
            threshold = read_threshold((params or {}).get(THRESHOLD))
            check_amount(contents)
            found = [
                look(self.detector, content, row, threshold) for row, content in enumerate(contents)
            ]
        except ValueError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None
        rows = [box for row, one in enumerate(found) for box in to_rows(one, row)]
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


def read_threshold(value: object) -> float:
    """The threshold that a client asks for.

    Raises:
        ValueError: it is not a number from `LOWEST_CONFIDENCE` to 1.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{THRESHOLD} is not a number from {LOWEST_CONFIDENCE} to 1")
    if not LOWEST_CONFIDENCE <= value <= 1:
        raise ValueError(f"{THRESHOLD} is out of range: from {LOWEST_CONFIDENCE} to 1")
    return float(value)


def check_amount(contents: Sequence[bytes]) -> None:
    """Bound what a request asks for, by the headers of its images, before any is decoded.

    Raises:
        ImageError: a row is no JPEG, PNG or WebP.
        TooLargeError: there are too many rows, or too many pixels in all of them.
    """
    if len(contents) > MOST_ROWS:
        raise TooLargeError(f"{len(contents)} images; one request may send {MOST_ROWS}")
    pixels = 0
    for row, content in enumerate(contents):
        try:
            width, height = size_of(content)
        except ImageError as error:
            raise ImageError(f"row {row}: {error}") from None
        pixels += width * height
        if pixels > MOST_PIXELS:
            raise TooLargeError(
                f"row {row}: with this image of {width} × {height} pixels there are {pixels}; "
                f"one request may send {MOST_PIXELS // 1_000_000} million in all"
            )


def look(detector: Detector, content: bytes, row: int, threshold: float) -> Detections:
    """The persons in one encoded photograph.

    Raises:
        ImageError: it is not a whole image; the message names the row.
    """
    try:
        check_whole(content)
        picture = decode(content)
    except ImageError as error:
        raise ImageError(f"row {row}: {error}") from None
    return detector.detect(picture, threshold)


def to_rows(found: Detections, row: int) -> list[dict[str, float]]:
    """The boxes of one photograph as rows with the names of `OUTPUT_COLUMNS`."""
    boxes, confidences = found.boxes.tolist(), found.confidences.tolist()
    return [
        dict(zip(OUTPUT_COLUMNS, (row, *box, confidence), strict=True))
        for box, confidence in zip(boxes, confidences, strict=True)
    ]


mlflow.models.set_model(PersonDetector())
