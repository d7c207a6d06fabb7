"""The errors a user can mend: each message names the cause and the mend in one line."""

from __future__ import annotations


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


class TrackingError(PromotionError):
    """The MLflow store does not answer."""
