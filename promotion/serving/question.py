"""What a client asks: the body of a request in MLflow's scoring protocol, read strictly.

No message repeats what the client sent.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from promotion.registry.serving import IMAGE_COLUMN, MOST_ROWS, THRESHOLD, read_threshold

BODY_KEYS = ("dataframe_split", "dataframe_records", "inputs", "instances")
PARAMS = "params"
# Base64 holds no comma, so a body has a few a row; small JSON values would swell in memory.
MOST_COMMAS = 4 * MOST_ROWS
SPLIT_KEYS = {"columns", "data", "index"}


class RefusedError(Exception):
    """A request that is answered with a status of 4xx or 5xx and one line."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Question:
    """Encoded images to look at, and the least confidence of a box."""

    images: list[bytes]
    threshold: float


def read_question(body: bytes, threshold: float) -> Question:
    """The question in a JSON body; `threshold` holds where it names none.

    Raises:
        RefusedError: 413 on more values than the rows that are taken can have, 400 on all else.
    """
    if body.count(b",") > MOST_COMMAS:
        raise RefusedError(413, f"too many values; one request may send {MOST_ROWS} images")
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise RefusedError(400, "the body is not JSON, or nested too deep") from None
    if not isinstance(content, dict):
        raise RefusedError(400, "the body is not a JSON object")
    kinds = content.keys() - {PARAMS}
    if len(kinds) != 1 or not kinds <= set(BODY_KEYS):
        raise RefusedError(
            400, f"the body has one of {', '.join(BODY_KEYS)}, and {PARAMS} at the most"
        )
    kind = kinds.pop()
    encoded = _split(content[kind]) if kind == "dataframe_split" else _rows(content[kind], kind)
    images = [_from_base64(one, row) for row, one in enumerate(encoded)]
    return Question(images, _threshold(content, threshold))


def _split(frame: object) -> Iterable[object]:
    """The column of {"columns": ["image"], "data": [["…"], …]}."""
    if (
        isinstance(frame, dict)
        and frame.keys() <= SPLIT_KEYS
        and frame.get("columns") == [IMAGE_COLUMN]
        and isinstance(data := frame.get("data"), list)
        and all(isinstance(row, list) and len(row) == 1 for row in data)
    ):
        return [row[0] for row in data]
    raise RefusedError(
        400, f'dataframe_split has "columns": ["{IMAGE_COLUMN}"] and a list of rows of one value'
    )


def _rows(value: object, kind: str) -> Iterable[object]:
    """The column of [{"image": "…"}, …] or, where MLflow takes it, of {"image": ["…"]} or ["…"]."""
    if isinstance(value, dict) and kind != "dataframe_records" and value.keys() == {IMAGE_COLUMN}:
        value = value[IMAGE_COLUMN]
        value = value if isinstance(value, list) else [value]
    elif isinstance(value, list) and all(
        isinstance(row, dict) and row.keys() == {IMAGE_COLUMN} for row in value
    ):
        return [row[IMAGE_COLUMN] for row in value]
    if isinstance(value, list) and kind != "dataframe_records":
        return value
    raise RefusedError(400, f'{kind} is a list of objects whose one key is "{IMAGE_COLUMN}"')


def _from_base64(value: object, row: int) -> bytes:
    if isinstance(value, str):
        try:
            return binascii.a2b_base64(value)
        except ValueError:
            pass
    raise RefusedError(400, f"row {row}: the {IMAGE_COLUMN} is not a string in base64")


def _threshold(content: dict[str, object], threshold: float) -> float:
    params = content.get(PARAMS, {})
    if not isinstance(params, dict) or not params.keys() <= {THRESHOLD}:
        raise RefusedError(400, f'{PARAMS} is an object whose one key is "{THRESHOLD}"')
    if not params:
        return threshold
    try:
        return read_threshold(params[THRESHOLD])
    except ValueError as error:
        raise RefusedError(400, str(error)) from None
