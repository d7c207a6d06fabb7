"""Files that a hurried or hostile hand leaves where pictures, labels, archives and tables lie.

One line an input: its name, how it is left in a good folder, and what the user is told.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

Leave = Callable[[Path], object]
PICTURE, LABEL, TABLE = "images/train/a.jpg", "labels/train/a.txt", "slices.csv"


@dataclass(frozen=True)
class Bad:
    """An input: `leave` puts it into a folder of data; `told` stands in the one line of refusal."""

    name: str
    leave: Leave
    told: str


def content(place: str, data: bytes | str) -> Leave:
    encoded = data.encode() if isinstance(data, str) else data
    return lambda folder: (folder / place).write_bytes(encoded)


def link(place: str, target: str) -> Leave:
    def leave(folder: Path) -> None:
        (folder / place).unlink(missing_ok=True)
        (folder / place).symlink_to(target)

    return leave


def pipe(place: str) -> Leave:
    def leave(folder: Path) -> None:
        (folder / place).unlink(missing_ok=True)
        os.mkfifo(folder / place)

    return leave


def directory(place: str) -> Leave:
    def leave(folder: Path) -> None:
        (folder / place).unlink(missing_ok=True)
        (folder / place).mkdir()

    return leave


def encoded(form: str, size: tuple[int, int] = (64, 64)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, form)
    return buffer.getvalue()


def png(width: int, height: int, extra: bytes = b"", data: bytes = b"") -> bytes:
    """A PNG of any size that it claims, without the pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", data)
        + chunk(b"IEND", b"")
    )


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\nshowpage\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>1</script></svg>'

PICTURES = [
    Bad("20000x20000", content(PICTURE, png(20_000, 20_000)), "more than 50,000,000 pixels"),
    Bad("claims 2^31 pixels a side", content(PICTURE, png(2**31 - 1, 2**31 - 1)), "train/a.jpg: "),
    Bad("no pixel", content(PICTURE, png(0, 0)), "train/a.jpg: unreadable"),
    Bad("header and no data", content(PICTURE, png(64, 64)), "train/a.jpg: unreadable"),
    Bad("data that is none", content(PICTURE, png(64, 64, data=b"no deflate")), "unreadable"),
    Bad("half a JPEG", content(PICTURE, encoded("JPEG")[:300]), "unreadable"),
    Bad("half a WebP", content(PICTURE, encoded("WEBP")[:-20]), "unreadable"),
    Bad("empty", content(PICTURE, b""), "unreadable"),
    Bad("one byte", content(PICTURE, b"\xff"), "unreadable"),
    Bad("EPS", content(PICTURE, EPS), "no JPEG, PNG or WebP"),
    Bad("TIFF", content(PICTURE, encoded("TIFF")), "no JPEG, PNG or WebP"),
    Bad("GIF", content(PICTURE, encoded("GIF")), "no JPEG, PNG or WebP"),
    Bad("BMP", content(PICTURE, encoded("BMP")), "no JPEG, PNG or WebP"),
    Bad("PDF", content(PICTURE, encoded("PDF")), "no JPEG, PNG or WebP"),
    Bad("icon", content(PICTURE, encoded("ICO")), "no JPEG, PNG or WebP"),
    Bad("JPEG 2000", content(PICTURE, encoded("JPEG2000")), "no JPEG, PNG or WebP"),
    Bad("SVG", content(PICTURE, SVG), "no JPEG, PNG or WebP"),
    Bad("HTML", content(PICTURE, "<script>window.planted=1</script>"), "no JPEG, PNG or WebP"),
    Bad("text", content(PICTURE, "../../etc/passwd"), "no JPEG, PNG or WebP"),
    Bad("zip", content(PICTURE, b"PK\x05\x06" + bytes(18)), "no JPEG, PNG or WebP"),
    Bad("one pixel", content(PICTURE, encoded("PNG", (1, 1))), "a side under 10 pixels"),
    Bad("one line", content(PICTURE, encoded("PNG", (5000, 1))), "a side under 10 pixels"),
    Bad("folder", directory("images/train/b.jpg"), "is a folder"),
    Bad("folder in a folder", directory("images/train/more"), "is a folder"),
    Bad("device", link("images/train/b.jpg", "/dev/zero"), "is no .jpg, .jpeg, .png or .webp"),
    Bad("pipe", pipe("images/train/b.jpg"), "is no .jpg, .jpeg, .png or .webp"),
    Bad("link to nothing", link("images/train/b.jpg", "nothing"), "is no .jpg"),
    Bad("link to itself", link("images/train/b.jpg", "b.jpg"), "is no .jpg"),
    Bad("link to another file", link("images/train/b.jpg", "/etc/passwd"), "no JPEG, PNG or WebP"),
    Bad("link to the parent", link("images/train/b.jpg", ".."), "is a folder"),
    Bad("TIF by suffix", content("images/train/b.TIF", encoded("TIFF")), "is no .jpg"),
    Bad("program by suffix", content("images/train/b.jpg.exe", b"MZ"), "is no .jpg"),
    Bad("two of one stem", content("images/train/a.png", encoded("PNG")), "share labels/train/a"),
    Bad("ANSI in the name", content("images/train/\x1b[2Jb.jpg", b""), "[2Jb.jpg: unreadable"),
    Bad("markup in the name", content("images/train/[red]<b>.jpg", b""), "/[red]<b>.jpg: "),
    Bad("template in the name", content("images/train/{{ 7 }}.jpg", b""), "/{{ 7 }}.jpg: "),
]  # fmt: skip

LABELS = [
    Bad("no number", content(LABEL, "0 nan 0.5 0.1 0.1"), "is not inside the image"),
    Bad("infinity", content(LABEL, "0 0.5 0.5 inf 0.1"), "is not inside the image"),
    Bad("overflow", content(LABEL, "0 0.5 0.5 1e999 0.1"), "is not inside the image"),
    Bad("negative size", content(LABEL, "0 0.5 0.5 -0.1 0.1"), "is not inside the image"),
    Bad("no size", content(LABEL, "0 0.5 0.5 0 0"), "is not inside the image"),
    Bad("pixels", content(LABEL, "0 320 240 50 80"), "is not inside the image"),
    Bad("outside", content(LABEL, "0 0.99 0.5 0.5 0.1"), "is not inside the image"),
    Bad("class 80", content(LABEL, "80 0.5 0.5 0.1 0.1"), "class 80 is out of range"),
    Bad("class -1", content(LABEL, "-1 0.5 0.5 0.1 0.1"), "class -1 is out of range"),
    Bad("half a class", content(LABEL, "0.5 0.5 0.5 0.1 0.1"), "class 0.5 is out of range"),
    Bad("class nan", content(LABEL, "nan 0.5 0.5 0.1 0.1"), "class nan is out of range"),
    Bad("four values", content(LABEL, "0 0.5 0.5 0.1"), "does not have 5 values"),
    Bad("a polygon", content(LABEL, "0 0.1 0.1 0.2 0.2 0.3 0.1 0.2 0.1"), "does not have 5 values"),
    Bad("commas", content(LABEL, "0,0.5,0.5,0.1,0.1"), "not a YOLO label file"),
    Bad("words", content(LABEL, "person 0.5 0.5 0.1 0.1"), "not a YOLO label file"),
    Bad("HTML", content(LABEL, "<script>1</script> a b c d"), "not a YOLO label file"),
    Bad("ANSI", content(LABEL, "\x1b[2J 0.5 0.5 0.1 0.1"), "not a YOLO label file"),
    Bad("binary", content(LABEL, bytes(range(256))), "it is not text"),
    Bad("UTF-16", content(LABEL, "0 0.5 0.5 0.1 0.1".encode("utf-16")), "it is not text"),
    Bad("NUL", content(LABEL, b"0 0.5 0.5 0.1 0.1\x00"), "not a YOLO label file"),
    Bad("10 MB", content(LABEL, "0 0.5 0.5 0.1 0.1\n" * 600_000), "more than 128 KiB"),
    Bad("5000 digits", content(LABEL, f"{'9' * 5000} 0.5 0.5 0.1 0.1"), "class inf is out of"),
    Bad("twice", content(LABEL, "0 0.5 0.5 0.1 0.1\n" * 2), "the box of line 1 again"),
    Bad("device", link(LABEL, "/dev/zero"), "is no file"),
    Bad("pipe", pipe(LABEL), "is no file"),
    Bad("folder", directory(LABEL), "is no file"),
    Bad("link to another file", link(LABEL, "/etc/passwd"), "not a YOLO label file"),
]  # fmt: skip

TABLES = [
    Bad("empty", content(TABLE, b""), "not a table"),
    Bad("binary", content(TABLE, bytes(range(256))), "not a table"),
    Bad("UTF-16", content(TABLE, "image,light\na.jpg,day\n".encode("utf-16")), "not a table"),
    Bad("an open quote", content(TABLE, 'image,"light'), "not a table"),
    Bad("no image", content(TABLE, "name,light\na.jpg,day\n"), "no column image"),
    Bad("uneven", content(TABLE, "image,a\na.jpg,1\na.jpg,1,2,3\n"), "not a table"),
    Bad("HTML", content(TABLE, "image,<script>1</script>\na.jpg,1\n"), "does not name a slice"),
    Bad("a formula", content(TABLE, "image,a\na.jpg,=1+1\n"), "does not name a slice"),
    Bad("a template", content(TABLE, "image,a\na.jpg,{{ 7 }}\n"), "does not name a slice"),
    Bad("ANSI", content(TABLE, "image,a\na.jpg,\x1b[2J\n"), "does not name a slice"),
    Bad("mathtext", content(TABLE, "image,a\na.jpg,$x$\n"), "does not name a slice"),
    Bad("right to left", content(TABLE, "image,a\na.jpg,\u202eb\n"), "does not name a slice"),
    Bad("device", link(TABLE, "/dev/zero"), "is no file"),
    Bad("pipe", pipe(TABLE), "is no file"),
    Bad("folder", directory(TABLE), "is no file"),
]  # fmt: skip


def archive(*members: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in members:
            opened.writestr(name, data)
    return buffer.getvalue()


def special(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


ARCHIVES = {
    "empty": b"",
    "no zip": b"PK but no zip",
    "an empty zip": archive(),
    "half a zip": archive(("coco128/a.jpg", b"x" * 9000))[:-30],
    "leads above": archive(("../../planted", b"x"), ("..\\planted", b"x")),
    "absolute": archive(("/tmp/planted", b"x"), ("C:/planted", b"x")),
    "a link": archive((special("coco128/images", 0o120777), b"/etc")),
    "a device": archive((special("coco128/zero", 0o020666), b"")),
    "a bomb": archive(("coco128/zeros", bytes(30_000_000))),
    "a zip in a zip": archive(("coco128.zip", archive(("a", b"b")))),
    "10000 files": archive(*((f"coco128/{n}", b"") for n in range(10_000))),
    "a name with ANSI": archive(("coco128/\x1b[2J.jpg", b"x")),
}
