"""The lab's photographs are those of the lab, or are refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from promotion.code import PACKAGE, closure
from promotion.datasets import check_unseen, images_of, prepare
from promotion.datasets.sources import source_digest
from promotion.datasets.sources.coco128_persons import SUMS_FILE
from promotion.errors import ChecksumError, DownloadError
from promotion.paths import ROOT
from promotion.study import Dataset, load_study
from promotion.study.schema import PHOTOGRAPHS

pytestmark = pytest.mark.slow

COCO = Dataset(source="coco128_persons", train=40, val=10, test=10)
copies = os.environ.get("PROMOTION_DATA", "")


@pytest.mark.skipif(not copies, reason="no copy of coco128.zip (PROMOTION_DATA)")
def test_the_lab_s_photographs_split_as_in_the_lab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMOTION_DATA", copies)
    made = prepare(COCO, tmp_path)
    # The lab's validation split holds 31 persons, its recall of 0.7742 being 24 of them.
    assert made.manifest.instances == {"train": 175, "val": 31, "test": 47}
    for path in images_of(made.folder, "val"):
        with Image.open(path) as image:
            assert image.size == (320, 320)


@pytest.mark.skipif(not copies, reason="no copy of coco128.zip (PROMOTION_DATA)")
def test_a_canary_s_photographs_are_those_that_the_splits_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMOTION_DATA", copies)
    decides = load_study(ROOT / "studies" / "tp_decide.yaml")
    assert decides.canary is not None
    study = prepare(decides.dataset, tmp_path)
    canary = prepare(decides.canary.dataset, tmp_path)
    seen = {path.name for split in study.manifest.images for path in images_of(study.folder, split)}
    shown = {path.name for path in images_of(canary.folder, "canary")}
    assert (len(seen | shown), seen & shown) == (PHOTOGRAPHS, set())
    assert check_unseen(canary.manifest, study.manifest)[0] == []


def test_another_archive_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "coco128.zip").write_bytes(b"not a zip")
    monkeypatch.setenv("PROMOTION_DATA", str(tmp_path))
    with pytest.raises(ChecksumError, match="not a zip archive"):
        prepare(COCO, tmp_path / "home")


def test_without_a_copy_and_a_network_one_line_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROMOTION_DATA", raising=False)
    monkeypatch.setattr(
        "promotion.datasets.sources.coco128_persons.URL", "http://127.0.0.1:9/coco128.zip"
    )
    with pytest.raises(DownloadError, match="set PROMOTION_DATA to a folder") as caught:
        prepare(COCO, tmp_path)
    assert "\n" not in str(caught.value)


def test_the_committed_manifest_lists_images_and_labels() -> None:
    names = [line.split()[1] for line in SUMS_FILE.read_text().splitlines()]
    assert sum(name.endswith(".jpg") for name in names) == 128
    assert sum(name.endswith(".txt") for name in names) == 128


def test_a_source_s_code_is_part_of_its_dataset_s_name() -> None:
    """Who mends the drawing must not be given the pictures of before."""
    made = closure("import promotion.datasets.sources.street_scenes")
    drawing = {path.name for path in (PACKAGE / "datasets" / "street").glob("*.py")}
    assert drawing - {"__init__.py"} <= {path.name for path in made}
    # What a user's folder is checked for is part of its name.
    assert source_digest("folder")
    assert source_digest("street_scenes") != source_digest("coco128_persons")
