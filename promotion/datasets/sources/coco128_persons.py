"""The lab's dataset: the COCO128 photographs that show a person, as *TP MLflow* builds it."""

from __future__ import annotations

import hashlib
import random
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import cv2

from promotion.datasets.downloads import fetch
from promotion.datasets.yolo import decode_image, write_data_yaml
from promotion.errors import ChecksumError, DatasetError
from promotion.study import CanaryDataset, Dataset

URL = "https://github.com/ultralytics/assets/releases/download/v0.0.0/coco128.zip"
SUMS_FILE = Path(__file__).with_name("coco128.sha256")
PERSON = "0"
SIDE_PX = 320
JPEG_QUALITY = 95
# The largest published file has less than half a megabyte.
MOST_BYTES = 4_000_000


def write(folder: Path, dataset: Dataset | CanaryDataset, cache: Path) -> None:
    """Write the lab's splits: its person images, shuffled by the seed, 320 pixels square.

    A canary's come from the other end of the same shuffle, where a study of its seed leaves some.

    Raises:
        DownloadError: coco128.zip is neither in PROMOTION_DATA nor reachable.
        ChecksumError: a file of the archive is not the one in the committed manifest.
        DatasetError: the splits ask for more images than show a person.
    """
    sizes = dataset.sizes
    archive = fetch(URL, cache)
    files = _read_verified(archive)
    persons = {name: _person_lines(files, name) for name in sorted(files) if name.endswith(".jpg")}
    chosen = [name for name, lines in persons.items() if lines]
    if sum(sizes.values()) > len(chosen):
        raise DatasetError(
            f"dataset: {sum(sizes.values())} images asked for, but COCO128 has {len(chosen)} "
            "with a person; lower train, val or test"
        )
    random.Random(dataset.seed).shuffle(chosen)
    if isinstance(dataset, CanaryDataset):
        chosen.reverse()
    for split, size in sizes.items():
        (folder / "images" / split).mkdir(parents=True, exist_ok=True)
        (folder / "labels" / split).mkdir(parents=True, exist_ok=True)
        for name in chosen[:size]:
            stem = PurePosixPath(name).stem
            picture = decode_image(files[name], name)
            resized = cv2.resize(picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
            _, jpeg = cv2.imencode(".jpg", resized, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            (folder / "images" / split / f"{stem}.jpg").write_bytes(jpeg.tobytes())
            # Label coordinates are shares of the image, so a resize leaves them as they are.
            text = "".join(f"{line}\n" for line in persons[name])
            (folder / "labels" / split / f"{stem}.txt").write_text(text, encoding="utf-8")
        del chosen[:size]
    write_data_yaml(folder, tuple(sizes), ("person",))


def _read_verified(archive: Path) -> dict[str, bytes]:
    """The archive's images and labels, each compared with the committed manifest."""
    expected = {
        name: digest
        for digest, name in (line.split() for line in SUMS_FILE.read_text().splitlines())
    }
    try:
        with zipfile.ZipFile(archive) as opened:
            files = {name: _read(opened, name) for name in expected}
    # What a damaged or encrypted archive makes the library raise.
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError):
        raise ChecksumError(f"{archive}: not a zip archive; get it anew from {URL}") from None
    except KeyError as error:
        raise ChecksumError(f"{archive}: {error.args[0]}; get it anew from {URL}") from None
    for name, content in files.items():
        if hashlib.sha256(content).hexdigest() != expected[name]:
            raise ChecksumError(
                f"{archive}: {name} is not the published file; get it anew from {URL}"
            )
    return files


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    """A file of the archive, but of one that claims to be huge only what is read to refuse it."""
    with archive.open(name) as file:
        return file.read(MOST_BYTES)


def _person_lines(files: Mapping[str, bytes], image: str) -> list[str]:
    label = image.replace("/images/", "/labels/").removesuffix(".jpg") + ".txt"
    lines = files.get(label, b"").decode().splitlines()
    return [line.strip() for line in lines if line.split()[:1] == [PERSON]]
