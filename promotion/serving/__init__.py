"""Serving a registered version over HTTP: MLflow's scoring protocol, within bounds."""

from promotion.serving.server import default_workers, serve

__all__ = ["default_workers", "serve"]
