"""Which images are taken, and what the model's own bounds refuse wherever it is served."""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from PIL import Image

from promotion.images import ImageError, check_whole, decode, format_of, size_of
from promotion.registry.serving import IMAGE_COLUMN, MOST_ROWS, PersonDetector


def encoded(suffix: str, side: int = 32) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8)
    return cv2.imencode(suffix, noise)[1].tobytes()


@pytest.mark.parametrize(("suffix", "name"), [(".jpg", "JPEG"), (".png", "PNG"), (".webp", "WEBP")])
def test_three_formats_are_decoded(suffix: str, name: str) -> None:
    content = encoded(suffix)
    assert format_of(content) == name
    assert size_of(content) == (32, 32)
    check_whole(content)
    assert decode(content).shape == (32, 32, 3)


@pytest.mark.parametrize("name", ["EPS", "BMP", "GIF", "TIFF", "PPM", "TGA"])
def test_no_other_decoder_is_asked(name: str) -> None:
    other = BytesIO()
    Image.new("RGB", (32, 32)).save(other, format=name)
    for read in (format_of, size_of, check_whole, decode):
        with pytest.raises(ImageError, match="not an image"):
            read(other.getvalue())


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_missing_part_is_told(suffix: str) -> None:
    content = encoded(suffix, 64)
    with pytest.raises(ImageError, match="not a whole image"):
        check_whole(content[: len(content) // 2])


def predict(*contents: bytes, threshold: object = 0.5) -> None:
    table = pd.DataFrame({IMAGE_COLUMN: list(contents)})
    PersonDetector().predict(None, table, {"threshold": threshold})


def test_the_model_itself_bounds_rows_pixels_and_formats() -> None:
    with pytest.raises(MlflowException, match="one request may send 64"):
        predict(*[encoded(".png")] * (MOST_ROWS + 1))
    large = cv2.imencode(".png", np.zeros((6000, 6000, 3), np.uint8))[1].tobytes()
    with pytest.raises(MlflowException, match=r"row 1: .* 6000 × 6000 pixels"):
        predict(large, large)
    with pytest.raises(MlflowException, match="row 0: not an image"):
        predict(b"%!PS-Adobe-3.0 EPSF-3.0")
    with pytest.raises(MlflowException, match="threshold is not a number"):
        predict(encoded(".png"), threshold=None)
