"""The server: uvicorn's supervisor, and workers that share one socket on this machine."""

from __future__ import annotations

import gc
import socket

from joblib import cpu_count
from uvicorn import Config
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from promotion.errors import RegistryError
from promotion.registry import RegisteredModel
from promotion.serving.app import Application
from promotion.serving.protocol import BoundedProtocol

HOST = "127.0.0.1"
# Connections of a worker, those that say nothing among them.
MOST_CONNECTIONS = 256
# Clients that ask now and then keep their connection.
KEEP_SECONDS = 30
# For requests in hand when the server is told to stop.
STOP_SECONDS = 1
# A worker that looks at photographs answers its supervisor at once; one that starts, in seconds.
HEALTH_SECONDS = 15


def default_workers() -> int:
    """One worker for each core that this process may use."""
    return int(cpu_count())


def serve(model: RegisteredModel, number: str, port: int, workers: int) -> None:
    """Serve a version on loopback until SIGINT or SIGTERM, which end every process in seconds.

    0 as `port` takes a free one.

    Raises:
        RegistryError: the port is taken, or the workers cannot open the version.
    """
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        raise RegistryError(
            f"port {port} cannot be had ({error.strerror}); name another with --port"
        ) from None
    # Its connections inherit it: an answer's head and content are written apart, and the second
    # would wait until the client acknowledges the first, which it delays by 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = Config(
        Application(model.client.tracking_uri, model.name, number),
        workers=workers,
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_SECONDS,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=STOP_SECONDS,
        timeout_worker_healthcheck=HEALTH_SECONDS,
    )
    # Python would sort through all that MLflow brought before it ends, for seconds.
    gc.freeze()
    with listener:
        supervisor = Multiprocess(config, [listener])
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise RegistryError("the workers cannot open the version; their log says why")
