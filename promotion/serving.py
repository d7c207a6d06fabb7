"""The registered model as MLflow runs it: photographs in, boxes out.

MLflow loads this file as code (no pickle); it needs ONNX Runtime, NumPy, OpenCV and pandas.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from promotion.detector import Detector

IMAGE_COLUMN = "image"
MODEL_ARTIFACT = "model"
OUTPUT_COLUMNS = ("image", "x0", "y0", "x1", "y1", "confidence")


class PersonDetector(PythonModel):
    """Finds persons in encoded photographs (JPEG or PNG), one a row of the column `image`."""

    def load_context(self, context: PythonModelContext) -> None:
        """Open the ONNX file that the version was registered with."""
        self.detector = Detector(Path(context.artifacts[MODEL_ARTIFACT]))

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Boxes in pixels, one row a box: image (index of the row), x0, y0, x1, y1, confidence.

        Raises:
            ValueError: a row is not an image.
        """
        threshold = float((params or {})["threshold"])
        rows = []
        for index, content in enumerate(model_input[IMAGE_COLUMN]):
            image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
            if image is None:
                raise ValueError(f"row {index}: not an image that can be read (JPEG or PNG)")
            found = self.detector.detect(np.asarray(image, np.uint8), threshold)
            for box, confidence in zip(found.boxes, found.confidences, strict=True):
                rows.append((index, *(float(edge) for edge in box), float(confidence)))
        table = pd.DataFrame(rows, columns=list(OUTPUT_COLUMNS))
        return table.astype({"image": "int64", **dict.fromkeys(OUTPUT_COLUMNS[1:], "float64")})


mlflow.models.set_model(PersonDetector())
