"""One HTTP request and its answer, over ASGI: who may ask, how much, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import orjson

from promotion.serving.question import RefusedError

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

JSON = "application/json"
LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")
# Base64 adds a third: photographs of 12 MB in all.
MOST_BYTES = 16 * 1024 * 1024
# Rows and pixels bound the work to seconds; only a crowd of requests can make it last.
ANSWER_SECONDS = 30.0
# A refused client that goes on sending would lose the answer if the connection closed at once.
LINGER_SECONDS = 2.0


class GoneError(Exception):
    """The client closed its connection."""


class Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope, self.receive, self._send = scope, receive, send
        self.headers = dict(scope["headers"])
        self.read = False

    def check_sender(self) -> None:
        """Keep out what a web page sends: by its origin, or by a name that it points here.

        Raises:
            RefusedError: 421 where the host is not this machine, 403 for a page of elsewhere.
        """
        host = self.headers.get(b"host", b"").decode("latin-1").lower()
        name = host if host.endswith("]") else host.rsplit(":", 1)[0]
        if name not in LOCAL_NAMES:
            raise RefusedError(421, f"the host is one of {', '.join(LOCAL_NAMES)}")
        origin = self.headers.get(b"origin")
        if origin is not None and origin.decode("latin-1").lower() != f"http://{host}":
            raise RefusedError(403, "web pages of another origin get no answer")

    def check_content(self) -> None:
        """Refuse a body by its head, before any of it is read.

        Raises:
            RefusedError: 415 for what is not plain JSON, 413 for what is too long.
        """
        kind = self.headers.get(b"content-type", b"").decode("latin-1").lower().replace(" ", "")
        if kind not in (JSON, f"{JSON};charset=utf-8"):
            raise RefusedError(415, f"the content type is not {JSON} in UTF-8")
        if self.headers.get(b"content-encoding", b"identity") != b"identity":
            raise RefusedError(415, "a compressed body is not taken")
        if int(self.headers.get(b"content-length", b"0")) > MOST_BYTES:
            raise RefusedError(413, f"the body is larger than {MOST_BYTES} bytes")

    async def body(self) -> AsyncIterator[bytes]:
        """The body's pieces as they come.

        Raises:
            GoneError: the client left.
        """
        while not self.read:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise GoneError
            self.read = not message.get("more_body", False)
            yield message.get("body", b"")

    async def unless_gone(self, answer: Coroutine[Any, Any, bytes]) -> bytes:
        """Wait for the answer while the client waits, `ANSWER_SECONDS` at the most.

        Raises:
            GoneError: the client left; the answer is given up.
            RefusedError: 503 where there was no time for it.
        """
        work, gone = asyncio.create_task(answer), asyncio.create_task(self._leave())
        try:
            await asyncio.wait(
                {work, gone}, timeout=ANSWER_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if work.done():
                return work.result()
            if gone.done():
                raise GoneError
            raise RefusedError(503, f"there was no answer within {ANSWER_SECONDS:g} s")
        finally:
            work.cancel()
            gone.cancel()

    async def _leave(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def send(self, kind: str, content: bytes) -> None:
        """Send the whole of a good answer, of this content type."""
        await self._send_head(200, kind, content)
        await self._send({"type": "http.response.body", "body": content})

    async def refuse(self, status: int, message: str) -> None:
        """Send one line as MLflow does, and close the connection once the client has it."""
        content = orjson.dumps({"error_code": f"HTTP_{status}", "message": message})
        await self._send_head(status, JSON, content, (b"connection", b"close"))
        await self._send({"type": "http.response.body", "body": content, "more_body": True})
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                async for _ in self.body():
                    pass
        except (TimeoutError, GoneError):
            pass
        await self._send({"type": "http.response.body", "body": b""})

    async def _send_head(
        self, status: int, kind: str, content: bytes, *more: tuple[bytes, bytes]
    ) -> None:
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(content)).encode()),
            *more,
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
