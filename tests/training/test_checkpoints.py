"""Training starts from the weights that were meant, or does not start."""

from __future__ import annotations

from pathlib import Path

import pytest

from promotion.checksums import sha256_of
from promotion.errors import ChecksumError, DownloadError, PromotionError
from promotion.paths import ROOT
from promotion.study import Model
from promotion.training import checkpoints, starting_weights
from promotion.training.checkpoints import shipped_sums


def test_the_shipped_weights_are_those_of_the_committed_sum(tmp_path: Path) -> None:
    for name, digest in shipped_sums().items():
        assert sha256_of(ROOT / "weights" / name) == digest
        assert starting_weights(Model(weights=f"weights/{name}"), tmp_path).name == name


def test_damaged_weights_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = next(iter(shipped_sums()))
    monkeypatch.setattr(checkpoints, "shipped_sums", lambda: {name: "0" * 64})
    with pytest.raises(ChecksumError, match="expected 000000000000"):
        starting_weights(Model(weights=f"weights/{name}"), tmp_path)


def test_the_study_s_own_sum_is_checked(tmp_path: Path) -> None:
    own = tmp_path / "own.pt"
    own.write_bytes((ROOT / "weights" / "street_day_yolov8n.pt").read_bytes())
    assert starting_weights(Model(weights=str(own)), tmp_path) == own
    with pytest.raises(ChecksumError):
        starting_weights(Model(weights=str(own), sha256="1" * 64), tmp_path)


def test_what_is_no_checkpoint_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "notes.pt").write_text("weights")
    with pytest.raises(PromotionError, match="is not a PyTorch checkpoint"):
        starting_weights(Model(weights=str(tmp_path / "notes.pt")), tmp_path)


def test_a_missing_file_names_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(PromotionError, match=r"weights/street_day_yolov8n\.pt"):
        starting_weights(Model(weights="nothing.pt"), tmp_path)


def test_another_yolov8n_in_the_local_copy_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "yolov8n.pt").write_bytes(b"something else")
    monkeypatch.setenv("PROMOTION_DATA", str(tmp_path))
    with pytest.raises(ChecksumError, match="expected f59b3d833e2f"):
        starting_weights(Model(weights="yolov8n.pt"), tmp_path / "home")


def test_an_unreachable_download_says_what_to_do_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROMOTION_DATA", raising=False)
    entry = ("http://127.0.0.1:9/yolov8n.pt", "0" * 64)
    monkeypatch.setitem(checkpoints.PUBLISHED, "yolov8n.pt", entry)
    with pytest.raises(DownloadError, match="set PROMOTION_DATA") as caught:
        starting_weights(Model(weights="yolov8n.pt"), tmp_path)
    assert "\n" not in str(caught.value)
