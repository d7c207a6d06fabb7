"""What is verified by a sum is the same file, the same code, the same facts, or is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from promotion.checksums import code_digest, digest_of, sha256_of, verify
from promotion.errors import ChecksumError


def test_sha256_of_a_known_file(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert sha256_of(path).startswith("ba7816bf8f01cfea")
    assert sha256_of(path) == hashlib.sha256(b"abc").hexdigest()


def test_another_file_than_the_one_meant_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(b"abc")
    assert verify(path, sha256_of(path)) == path
    with pytest.raises(ChecksumError, match="expected 000000000000") as refused:
        verify(path, "0" * 64)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_facts_have_a_digest_whatever_the_order_of_their_keys() -> None:
    assert digest_of({"a": 1, "b": [2]}) == digest_of({"b": [2], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})
    assert digest_of({"path": Path("x")}) == digest_of({"path": "x"})


def test_a_checkout_on_windows_has_the_same_code(tmp_path: Path) -> None:
    for system, end in (("unix", b"\n"), ("windows", b"\r\n")):
        (tmp_path / system).mkdir()
        (tmp_path / system / "a.py").write_bytes(b"a = 1" + end + b"b = 2" + end)
    unix, windows = (
        code_digest([tmp_path / s / "a.py"], tmp_path / s) for s in ("unix", "windows")
    )
    assert unix == windows


def test_code_that_moves_is_other_code(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("x = 1\n")
    one, other = ([tmp_path / name] for name in ("a.py", "b.py"))
    assert code_digest(one, tmp_path) != code_digest(other, tmp_path)
