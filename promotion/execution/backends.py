"""joblib's back ends: this machine's processes, or a cluster's through dask or ray."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from joblib import parallel_config

from promotion.errors import PromotionError

Backend = Literal["loky", "dask", "ray"]


def check_backend(backend: Backend) -> None:
    """Make sure that joblib's back end can be used; dask and ray are optional packages.

    Raises:
        PromotionError: its package is not installed.
    """
    package = {"loky": "joblib", "dask": "distributed", "ray": "ray"}[backend]
    if importlib.util.find_spec(package) is None:
        raise PromotionError(
            f"--backend {backend}: {package} is not installed; pip install 'promotion[{backend}]'"
        )


@contextmanager
def use_backend(backend: Backend, jobs: int) -> Iterator[None]:
    """Use joblib's back end of this name."""
    if backend == "dask":
        from dask.distributed import Client

        with Client(n_workers=jobs, threads_per_worker=1), parallel_config(backend="dask"):
            yield
        return
    if backend == "ray":
        from ray.util.joblib import register_ray

        register_ray()
    with parallel_config(backend=backend):
        yield
