"""MLflow, the only bus: its names, its runs, and the session of a notebook."""

from promotion.store.environment import code_version, hardware, library_versions
from promotion.store.names import REGISTERED_MODEL, Artifact, Role, Tag, VersionTag
from promotion.store.session import Session, close_session, open_session
from promotion.store.tracking import (
    artifact,
    connect,
    every_page,
    latest,
    load_fact,
    load_table,
    log_bytes,
    log_fact,
    log_parameters,
    log_table,
    log_values,
    newest,
    search,
    set_tags,
    start_run,
    tested,
)

__all__ = [
    "REGISTERED_MODEL",
    "Artifact",
    "Role",
    "Session",
    "Tag",
    "VersionTag",
    "artifact",
    "close_session",
    "code_version",
    "connect",
    "every_page",
    "hardware",
    "latest",
    "library_versions",
    "load_fact",
    "load_table",
    "log_bytes",
    "log_fact",
    "log_parameters",
    "log_table",
    "log_values",
    "newest",
    "open_session",
    "search",
    "set_tags",
    "start_run",
    "tested",
]
