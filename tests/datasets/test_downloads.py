"""A file from elsewhere is taken where it is, verified, or asked for in one line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from promotion.datasets.downloads import fetch
from promotion.errors import ChecksumError, DownloadError

SUM = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
NOWHERE = "http://127.0.0.1:9/abc.bin"


@pytest.fixture(autouse=True)
def no_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMOTION_DATA", raising=False)


@pytest.fixture
def published(tmp_path: Path) -> Iterator[str]:
    """The address of a file on a server of this machine."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "abc.bin").write_bytes(b"abc")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "served"))
    )
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/abc.bin"
    server.shutdown()


def test_a_file_is_downloaded_once_and_found_again(published: str, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    path = fetch(published, cache, SUM)
    assert path.read_bytes() == b"abc"
    assert fetch(NOWHERE, cache, SUM) == path


def test_another_file_at_the_address_is_refused(published: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="set PROMOTION_DATA"):
        fetch(published, tmp_path / "cache", "0" * 64)
    assert not (tmp_path / "cache" / "abc.bin").exists()


def test_the_local_copy_is_taken_first_and_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "abc.bin").write_bytes(b"abc")
    monkeypatch.setenv("PROMOTION_DATA", str(tmp_path))
    assert fetch(NOWHERE, tmp_path / "cache", SUM) == tmp_path / "abc.bin"
    with pytest.raises(ChecksumError):
        fetch(NOWHERE, tmp_path / "cache", "0" * 64)


def test_a_file_damaged_in_the_cache_is_refused(tmp_path: Path) -> None:
    (tmp_path / "abc.bin").write_bytes(b"damaged")
    with pytest.raises(ChecksumError):
        fetch(NOWHERE, tmp_path, SUM)


def test_out_of_reach_one_line_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="set PROMOTION_DATA to a folder") as caught:
        fetch(NOWHERE, tmp_path, SUM)
    assert "\n" not in str(caught.value)
