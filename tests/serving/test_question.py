"""The body of a request: what is a question, and what is refused without repeating it."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.serving.question import Question, RefusedError, read_question

ENCODED = "YWJj"


@pytest.mark.parametrize(
    "content",
    [
        {"dataframe_split": {"columns": ["image"], "data": [[ENCODED]]}},
        {"dataframe_records": [{"image": ENCODED}]},
        {"inputs": {"image": [ENCODED]}},
        {"inputs": [ENCODED]},
        {"instances": [{"image": ENCODED}]},
    ],
)
def test_every_form_of_the_protocol_is_the_same_question(content: object) -> None:
    assert read_question(orjson.dumps(content), 0.3) == Question([b"abc"], 0.3)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"dataframe_records": [ENCODED]},
        {"dataframe_records": [{"image": 3}]},
        {"dataframe_split": {"columns": ["image"], "data": [[ENCODED, ENCODED]]}},
        {"inputs": [ENCODED], "instances": [ENCODED]},
        {"inputs": [ENCODED], "params": {"treshold": 0.5}},
        {"inputs": [ENCODED], "params": {"threshold": None}},
        {"inputs": [ENCODED], "params": None},
        {"inputs": ["a"]},
    ],
)
def test_anything_else_is_refused_in_a_line_that_does_not_repeat_it(content: object) -> None:
    with pytest.raises(RefusedError) as caught:
        read_question(orjson.dumps(content), 0.3)
    assert caught.value.status == 400
    assert ENCODED not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_small_values_cannot_fill_the_memory() -> None:
    with pytest.raises(RefusedError) as caught:
        read_question(b'{"instances": [' + b"{}," * 100_000 + b"{}]}", 0.5)
    assert caught.value.status == 413


KEYS = st.sampled_from(
    ["instances", "inputs", "dataframe_split", "dataframe_records", "columns", "data", "image",
     "params", "threshold", "a"]
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=9)
    ),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(KEYS, part, max_size=3),
    max_leaves=9,
)


@given(st.one_of(st.binary(max_size=200), VALUES.map(orjson.dumps)))
def test_any_body_is_a_question_or_refused_in_a_line(body: bytes) -> None:
    said, status = "", 400
    try:
        assert isinstance(read_question(body, 0.3), Question)
    except RefusedError as error:
        said, status = str(error), error.status
    assert status in (400, 413)
    assert said == "" or said.isprintable()
