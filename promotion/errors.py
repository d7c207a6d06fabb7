"""The errors a user can mend: each message names the cause and the mend in one line."""

from __future__ import annotations

# What the system says when the machine is at fault, and what mends it.
MENDS = (
    ("No space left on device", "free some space"),
    ("database or disk is full", "free some space"),
    ("disk I/O error", "see whether the disk is full, or damaged"),
    ("Disk quota exceeded", "free some space"),
    ("File too large", "raise the limit on the size of files (ulimit -f)"),
    ("Read-only file system", "make it writable, or name another --home"),
    ("Permission denied", "make it writable for this user, or name another --home"),
    ("readonly database", "make it writable for this user, or name another --home"),
    ("unable to open database file", "make it writable for this user, or name another --home"),
    ("database is locked", "another process holds it; wait for it, or end it"),
    ("file is not a database", "put a copy back, or name another --home"),
    ("database disk image is malformed", "put a copy back, or name another --home"),
    ("File exists", "a file is where a folder must be: move it, or name another --home"),
    ("Not a directory", "a file is where a folder must be: move it, or name another --home"),
    ("Is a directory", "a folder is where a file must be: move it, or name another --home"),
    ("No usable temporary directory", "free some space, or name another folder in TMPDIR"),
    ("Max retries exceeded", "see whether the tracking server answers"),
    ("Connection refused", "see whether the tracking server answers"),
    ("Connection aborted", "see whether the tracking server answers"),
    ("Too many open files", "raise their limit (ulimit -n)"),
    ("Cannot allocate memory", "free memory, or run fewer --jobs"),
    ("not enough memory", "free memory, or run fewer --jobs"),
    ("MemoryError", "free memory, or run fewer --jobs"),
    ("bad allocation", "free memory, or run fewer --jobs"),
    ("bad_alloc", "free memory, or run fewer --jobs"),
)


def mend(line: str) -> str:
    """What mends the fault of the machine that this line tells of; empty if it tells of none."""
    return next((help for words, help in MENDS if words.lower() in line.lower()), "")


class PromotionError(Exception):
    """Something the user can mend; the command line prints it without a traceback."""

    exit_code = 1


class StudyError(PromotionError):
    """A study file or an override that is not valid; one line a fault."""

    exit_code = 2


class DocumentError(PromotionError):
    """A decision document that cannot be read or reviewed, or a review that cannot be written."""

    exit_code = 2


class DatasetError(PromotionError):
    """A dataset that cannot be made, read or trusted."""


class ChecksumError(PromotionError):
    """A file whose SHA-256 is not the one expected."""


class DownloadError(PromotionError):
    """A file that is neither in a local copy nor reachable."""


class MissingRunsError(PromotionError):
    """MLflow does not hold the runs that a step needs."""


class RegistryError(PromotionError):
    """A transition of the Model Registry that may not happen now."""


class LockedError(PromotionError):
    """A lock that another process holds for longer than its work takes."""


class TrackingError(PromotionError):
    """The MLflow store does not answer."""


class ClassError(PromotionError):
    """A class of the lab that is not there, or whose server cannot be started."""
