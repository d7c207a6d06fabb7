"""The ASGI application: one registered version behind MLflow's scoring protocol, within bounds.

The event loop reads requests and a few threads look at photographs, one at a time for each request:
a request with many does not hold up one with few, and ends after the photograph in hand when its
client is gone.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import cv2
import mlflow
import orjson
from mlflow.tracking import MlflowClient

from promotion.images import ImageError
from promotion.registry import Contender, RegisteredModel, open_version
from promotion.registry.serving import TooLargeError, check_amount, look, to_rows
from promotion.serving.exchange import (
    JSON,
    MOST_BYTES,
    Exchange,
    GoneError,
    Receive,
    Scope,
    Send,
)
from promotion.serving.lifetime import end_soon, end_with_parent
from promotion.serving.question import Question, RefusedError, read_question

# Bodies that one worker holds at once; in memory each takes less than three times its size.
MOST_HELD = 64 * 1024 * 1024
MOST_REQUESTS = 64
# From the head of a request to the end of its body.
READ_SECONDS = 10.0
# Clients keep their connections, so a worker may get more than its share of them: with a second
# thread it then takes the core that another leaves.
THREADS = 2
BUSY = "the server is busy; ask again in a second"

log = logging.getLogger("uvicorn.error")


@dataclass
class Application:
    """A worker's application. It is handed to the worker as it is here, and opens the model there.

    `tracking_uri` is MLflow's store, `name` and `number` those of the version there.
    """

    tracking_uri: str
    name: str
    number: str
    requests: int = field(default=0, init=False)
    held: int = field(default=0, init=False)
    contender: Contender = field(init=False)
    pool: ThreadPoolExecutor = field(init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or follow the worker's life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        exchange = Exchange(scope, receive, send)
        try:
            kind, content = await self._answer(exchange)
            await exchange.send(kind, content)
        except GoneError:
            pass
        except RefusedError as error:
            await exchange.refuse(error.status, str(error))
        except asyncio.CancelledError:
            await exchange.refuse(503, "the server is stopping")
        except Exception:
            log.exception("a request failed")
            await exchange.refuse(500, "the server failed on this request; its log says why")

    async def _live(self, receive: Receive, send: Send) -> None:
        """Open the model when the worker starts, and leave nothing running when it stops."""
        await receive()
        try:
            self._open()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.pool.shutdown(wait=False, cancel_futures=True)
        end_soon()
        await send({"type": "lifespan.shutdown.complete"})

    def _open(self) -> None:
        end_with_parent()
        # Workers share the cores; OpenCV would take all of them for each.
        cv2.setNumThreads(1)
        mlflow.set_tracking_uri(self.tracking_uri)
        mlflow.set_registry_uri(self.tracking_uri)
        self.contender = open_version(RegisteredModel(MlflowClient(), self.name), self.number)
        self.pool = ThreadPoolExecutor(THREADS)

    async def _answer(self, exchange: Exchange) -> tuple[str, bytes]:
        """The content type and the content of the answer to a good request."""
        exchange.check_sender()
        method, path = exchange.scope["method"], exchange.scope["path"]
        if path not in ("/ping", "/health", "/version", "/invocations"):
            raise RefusedError(404, "there are /invocations, /ping, /health and /version")
        if method != ("POST" if path == "/invocations" else "GET"):
            raise RefusedError(405, "/invocations takes POST, the others take GET")
        if path == "/invocations":
            return JSON, await self._invoke(exchange)
        return ("text/plain", mlflow.__version__.encode()) if path == "/version" else (JSON, b"\n")

    async def _invoke(self, exchange: Exchange) -> bytes:
        exchange.check_content()
        if self.requests >= MOST_REQUESTS:
            raise RefusedError(503, BUSY)
        self.requests += 1
        try:
            question = await self._question(exchange)
            return await exchange.unless_gone(self._look(question))
        finally:
            self.requests -= 1

    async def _question(self, exchange: Exchange) -> Question:
        """Read the body, and what it asks."""
        chunks, size = [], 0
        try:
            async with asyncio.timeout(READ_SECONDS):
                async for chunk in exchange.body():
                    size += len(chunk)
                    self.held += len(chunk)
                    if size > MOST_BYTES:
                        raise RefusedError(413, f"the body is larger than {MOST_BYTES} bytes")
                    if self.held > MOST_HELD:
                        raise RefusedError(503, BUSY)
                    chunks.append(chunk)
            return read_question(b"".join(chunks), self.contender.threshold)
        except TimeoutError:
            raise RefusedError(408, f"the body took more than {READ_SECONDS:g} s") from None
        finally:
            self.held -= size

    async def _look(self, question: Question) -> bytes:
        """Look at one photograph after the other, each time behind those of other requests."""
        detector, loop = self.contender.model.detector, asyncio.get_running_loop()
        rows: list[dict[str, float]] = []
        try:
            check_amount(question.images)
            for row, content in enumerate(question.images):
                found = await loop.run_in_executor(
                    self.pool, look, detector, content, row, question.threshold
                )
                rows += to_rows(found, row)
        except TooLargeError as error:
            raise RefusedError(413, str(error)) from None
        except ImageError as error:
            raise RefusedError(400, str(error)) from None
        return orjson.dumps({"predictions": rows})
