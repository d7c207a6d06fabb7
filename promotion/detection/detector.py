"""The detector as it is served: an ONNX file run by ONNX Runtime, from pixels to final boxes.

Needs NumPy, OpenCV and ONNX Runtime only, so that a server needs no more.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

# Ultralytics' own settings for validation, so that both see the same boxes.
LOWEST_CONFIDENCE = 0.001
NMS_IOU = 0.7
MOST_BOXES = 300
PADDING_GREY = 114


@dataclass(frozen=True)
class Detections:
    """Boxes (n, 4), x0 y0 x1 y1 in pixels of the image, with confidences (n,), highest first."""

    boxes: NDArray[np.float32]
    confidences: NDArray[np.float32]


class Detector:
    """One class of a YOLO detector with a fixed square input: the person's, by its index."""

    def __init__(self, onnx: Path, threads: int = 1, person: int = 0) -> None:
        content = onnx.read_bytes()
        self.sha256 = hashlib.sha256(content).hexdigest()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Spinning threads would take the core from the model measured next.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
        model_input = self.session.get_inputs()[0]
        self.input_name: str = model_input.name
        self.imgsz = int(model_input.shape[-1])
        # The rows of the output are the four of a box, then one a class.
        self.row = 4 + person

    def detect(self, image: NDArray[np.uint8], threshold: float = LOWEST_CONFIDENCE) -> Detections:
        """Find persons in an image, uint8 BGR (h, w, 3), with at least `threshold` confidence."""
        blob, scale, left, top = self._letterbox(image)
        output = np.asarray(self.session.run(None, {self.input_name: blob})[0])[0]
        candidates = output[:, output[self.row] >= threshold]
        centre, size, confidence = candidates[:2].T, candidates[2:4].T, candidates[self.row]
        corner = centre - size / 2
        rectangles = np.concatenate([corner, size], axis=1)
        kept = np.asarray(
            cv2.dnn.NMSBoxes(rectangles.tolist(), confidence.tolist(), threshold, NMS_IOU), int
        ).reshape(-1)[:MOST_BOXES]
        boxes = np.concatenate([corner[kept], corner[kept] + size[kept]], axis=1)
        boxes = (boxes - [left, top, left, top]) / scale
        height, width = image.shape[:2]
        boxes = np.clip(boxes, 0, [width, height, width, height])
        return Detections(boxes.astype(np.float32), confidence[kept].astype(np.float32))

    def _letterbox(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float, int, int]:
        """The image scaled into a grey square, as a (1, 3, imgsz, imgsz) blob in [0, 1]."""
        height, width = image.shape[:2]
        scale = self.imgsz / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        resized = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        left, top = (self.imgsz - size[0]) // 2, (self.imgsz - size[1]) // 2
        square = np.full((self.imgsz, self.imgsz, 3), PADDING_GREY, np.uint8)
        square[top : top + size[1], left : left + size[0]] = resized
        blob = cv2.dnn.blobFromImage(square, 1 / 255, swapRB=True)
        return np.asarray(blob, np.float32), scale, left, top
