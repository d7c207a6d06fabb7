"""Encoded images: JPEG, PNG and WebP, told by their first bytes, and nothing else.

Left to themselves, Pillow and OpenCV try every decoder they know; one of Pillow's runs Ghostscript.
Needs NumPy, OpenCV and Pillow only, so that a server needs no more.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

# The decoders of Pillow that may look at a file, whatever its name says.
FORMATS = ("JPEG", "PNG", "WEBP")
JPEG_START, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
PNG_START = b"\x89PNG\r\n\x1a\n"
# What Pillow's decoders raise on a malformed file.
MALFORMED = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)


class ImageError(ValueError):
    """Bytes that are not a whole image of a format that is taken; one line, without a path."""


def format_of(content: bytes) -> str:
    """The one of `FORMATS` that the first bytes announce.

    Raises:
        ImageError: it is none of JPEG, PNG and WebP.
    """
    if content.startswith(JPEG_START):
        return "JPEG"
    if content.startswith(PNG_START):
        return "PNG"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    raise ImageError("not an image (JPEG, PNG or WebP)")


def open_image(content: bytes) -> Image.Image:
    """The image with its header read; no pixel is decoded as yet.

    Raises:
        ImageError: it is no JPEG, PNG or WebP, or its header is malformed.
    """
    name = format_of(content)
    try:
        return Image.open(BytesIO(content), formats=(name,))
    except (*MALFORMED, Image.DecompressionBombError):
        raise ImageError(f"not a whole image: the header of a {name} is malformed") from None


def size_of(content: bytes) -> tuple[int, int]:
    """Width and height in pixels as the header says.

    Raises:
        ImageError: it is no JPEG, PNG or WebP, or its header is malformed.
    """
    with open_image(content) as image:
        return image.size


def decode(content: bytes) -> NDArray[np.uint8]:
    """The pixels as uint8 BGR (h, w, 3), turned as the camera says.

    Raises:
        ImageError: it is no JPEG, PNG or WebP, or its pixels cannot be decoded.
    """
    name = format_of(content)
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        picture = None
    if picture is None:
        raise ImageError(f"not a whole image: OpenCV cannot decode this {name}")
    return np.asarray(picture, np.uint8)


def check_whole(content: bytes) -> None:
    """Make sure that no part of the image is missing; OpenCV would fill it with grey.

    A JPEG with its end mark is whole; decoding it twice would cost a server a tenth of its time.

    Raises:
        ImageError: a part is missing.
    """
    name = format_of(content)
    if name == "JPEG" and content.endswith(JPEG_END):
        return
    with open_image(content) as image:
        try:
            image.load()
        except MALFORMED:
            raise ImageError(f"not a whole image: a part of this {name} is missing") from None
