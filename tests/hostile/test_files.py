"""Bad pictures, labels, tables and archives: one line that names the file, and nothing is left."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from promotion.datasets import prepare
from promotion.datasets.slices import slices_of
from promotion.datasets.sources.street_scenes import draw_splits
from promotion.display import plain
from promotion.errors import PromotionError
from promotion.study import Dataset
from tests.builders import own_folder, prepare_folder
from tests.hostile.files import ARCHIVES, LABELS, PICTURES, TABLES, Bad

pytestmark = pytest.mark.slow

# A bomb that is read takes minutes, or never ends.
MOST_S = 10


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    draw_splits(folder, "day", {"train": 2, "val": 2, "test": 2}, 8)
    for part, suffix in (("images", ".jpg"), ("labels", ".txt")):
        first = sorted((folder / part / "train").iterdir())[0]
        first.rename(first.with_name(f"a{suffix}"))
    return folder


@pytest.fixture
def folder(good: Path, tmp_path: Path) -> Path:
    return own_folder(good, tmp_path / "own")


def check_refused(folder: Path, told: str) -> None:
    """A study on this folder is refused in one short line that reaches a terminal as text."""
    began = time.perf_counter()
    with pytest.raises(PromotionError) as refused:
        slices_of(prepare_folder(folder).folder, "train")
    (line,) = str(refused.value).splitlines()
    assert told in line
    assert str(folder) in line
    assert len(line) < 600
    assert plain(line).replace("\N{REPLACEMENT CHARACTER}", "").isprintable()
    assert time.perf_counter() - began < MOST_S


@pytest.mark.parametrize("bad", PICTURES, ids=lambda bad: bad.name)
def test_a_picture_that_is_none_is_named(bad: Bad, folder: Path) -> None:
    bad.leave(folder)
    check_refused(folder, bad.told)


@pytest.mark.parametrize("bad", LABELS, ids=lambda bad: bad.name)
def test_a_label_file_that_is_none_is_named(bad: Bad, folder: Path) -> None:
    bad.leave(folder)
    check_refused(folder, bad.told)


@pytest.mark.parametrize("bad", TABLES, ids=lambda bad: bad.name)
def test_a_table_of_slices_that_is_none_is_named(bad: Bad, folder: Path) -> None:
    bad.leave(folder)
    check_refused(folder, bad.told)


@pytest.mark.parametrize("content", ARCHIVES.values(), ids=ARCHIVES)
def test_an_archive_that_is_not_the_published_one_leaves_nothing(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    (copies / "coco128.zip").write_bytes(content)
    monkeypatch.setenv("PROMOTION_DATA", str(copies))
    before = {path.name for path in Path("/tmp").glob("planted*")}
    began = time.perf_counter()
    with pytest.raises(PromotionError) as refused:
        prepare(Dataset(source="coco128_persons", train=4, val=2, test=2), tmp_path / "home")
    (line,) = str(refused.value).splitlines()
    assert "coco128.zip" in line
    assert plain(line).isprintable()
    assert time.perf_counter() - began < MOST_S
    assert not list(tmp_path.rglob("*planted*"))
    assert {path.name for path in Path("/tmp").glob("planted*")} == before
