"""Files from elsewhere: from a local copy (PROMOTION_DATA) or downloaded once, by pooch."""

from __future__ import annotations

import os
from pathlib import Path

import pooch
import requests

from promotion.checksums import verify
from promotion.errors import DownloadError

COPY_VARIABLE = "PROMOTION_DATA"
TIMEOUT_S = 30
# The progress bar says what is downloaded, an error why it is not.
pooch.get_logger().setLevel("WARNING")


def fetch(url: str, cache: Path, sha256: str | None = None) -> Path:
    """The path of a file that is in the local copy, in the cache, or at `url`.

    Raises:
        DownloadError: it is in none of the three.
        ChecksumError: it is there, but is not the file that was meant.
    """
    name = url.rsplit("/", 1)[-1]
    copies = os.environ.get(COPY_VARIABLE)
    if copies and (Path(copies) / name).is_file():
        path = Path(copies) / name
        return verify(path, sha256) if sha256 else path
    if (cache / name).is_file():
        return verify(cache / name, sha256) if sha256 else cache / name
    try:
        downloader = pooch.HTTPDownloader(progressbar=True, timeout=TIMEOUT_S)
        pooch.retrieve(url, known_hash=sha256, fname=name, path=cache, downloader=downloader)
    except (requests.RequestException, OSError, ValueError) as error:
        where = f"{COPY_VARIABLE}={copies}" if copies else f"{COPY_VARIABLE}, which is not set"
        reason = type(error).__name__ if isinstance(error, requests.RequestException) else error
        raise DownloadError(
            f"{name}: not in {where}, and {url} cannot be downloaded ({reason}); "
            f"set {COPY_VARIABLE} to a folder that holds {name}"
        ) from None
    return cache / name
