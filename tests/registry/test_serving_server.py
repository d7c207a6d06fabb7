"""What an attacker did to the server, done again to the real process: it answers, and lives."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest

from promotion.datasets import PreparedDataset, images_of
from promotion.paths import ROOT
from promotion.serving.exchange import MOST_BYTES
from tests.builders import REGISTERED_MODEL, clean_environment, kill, wait_for
from tests.registry.builders import Registered

pytestmark = pytest.mark.slow
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\nshowpage\n"
STOP_SECONDS = 5
Answer = tuple[int, Any]


def post(
    port: int, body: bytes, method: str = "POST", path: str = "/invocations", **headers: str
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


class Server:
    """`promotion serve` with a stub of Ghostscript first on its path."""

    def __init__(self, home: Path, place: Path) -> None:
        self.executed = place / "executed"
        stub = place / "gs"
        stub.write_text(f"#!/bin/sh\ntouch {self.executed}\n")
        stub.chmod(0o755)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [sys.executable, "-m", "promotion", "serve", "--port", str(self.port)]
        environment = clean_environment()
        environment["PATH"] = os.pathsep.join([str(place), environment["PATH"]])
        with (place / "log").open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--home", str(home)], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        wait_for(f"http://127.0.0.1:{self.port}/ping", self.process)

    def processes(self) -> list[psutil.Process]:
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def busy_seconds(self) -> float:
        """Seconds of processor time that all its processes have used."""
        return sum(sum(one.cpu_times()[:2]) for one in self.processes())

    def send(
        self, body: bytes = b"", method: str = "POST", path: str = "/invocations", **headers: str
    ) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return post(self.port, body, method, path, **given)

    def ask(self, body: object) -> Answer:
        return self.send(json.dumps(body).encode())


@pytest.fixture(scope="module")
def served(registered: Registered, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(registered.home, tmp_path_factory.mktemp("serve"))
    yield server
    kill(server.process)


@pytest.fixture
def photograph(streets: PreparedDataset) -> bytes:
    return images_of(streets.folder, "val")[0].read_bytes()


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def split(*contents: bytes, **rest: object) -> dict[str, object]:
    rows = [[text(content)] for content in contents]
    return {"dataframe_split": {"columns": ["image"], "data": rows}, **rest}


def small(side: int = 16, suffix: str = ".png") -> bytes:
    return cv2.imencode(suffix, np.zeros((side, side, 3), np.uint8))[1].tobytes()


def assert_refused(answer: Answer, *statuses: int) -> None:
    """One line, of the right status, without a path or what was sent."""
    status, content = answer
    assert status in statuses, content[:300]
    message = json.loads(content)["message"]
    assert "\n" not in message
    assert len(content) < 400
    for leak in ("Traceback", "site-packages", ".py", str(ROOT), "iVBOR", "/9j/"):
        assert leak not in content


def test_five_thousand_images_are_refused_at_once(served: Server, photograph: bytes) -> None:
    body = json.dumps(split(*[small()] * 5000)).encode()
    began = time.monotonic()
    assert_refused(served.send(body), 413)
    assert_refused(served.ask(split(*[small()] * 65)), 413)
    assert time.monotonic() - began < 5
    assert served.ask(split(photograph))[0] == 200


def test_pixels_are_counted_before_they_are_decoded(served: Server) -> None:
    bomb = small(6000)
    assert_refused(served.ask(split(bomb, bomb)), 413)


@pytest.mark.parametrize("told", [True, False], ids=["length", "chunked"])
def test_a_body_of_200_mb_is_not_read(served: Server, told: bool) -> None:
    size, piece = 200_000_000, b" " * 65536
    length = f"Content-Length: {size}" if told else "Transfer-Encoding: chunked"
    head = "POST /invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    before = max(one.memory_info().rss for one in served.processes())
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        connection.sendall(f"{head}{length}\r\n\r\n".encode())
        chunk = piece if told else b"%x\r\n%s\r\n" % (len(piece), piece)
        sent = 0
        with contextlib.suppress(OSError):
            while sent < (2 * MOST_BYTES if not told else MOST_BYTES // 4):
                connection.sendall(chunk)
                sent += len(piece)
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")
    after = max(one.memory_info().rss for one in served.processes())
    assert after - before < 150_000_000


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 10_000,
        b'{"instances":' * 10_000 + b"1" + b"}" * 10_000,
        b"",
        b"{",
        b"\xff\xfe",
        b"[1, 2]",
        b"{}",
    ],
)
def test_a_body_that_is_no_question_is_a_bad_request(served: Server, body: bytes) -> None:
    assert_refused(served.send(body), 400)


@pytest.mark.parametrize(
    "params", [{"threshold": None}, {"threshold": "0.5"}, {"threshold": True}, {"treshold": 0.5}]
)
def test_a_parameter_that_cannot_be_heeded_is_refused(
    served: Server, photograph: bytes, params: object
) -> None:
    assert_refused(served.ask(split(photograph, params=params)), 400)


def test_no_answer_repeats_what_was_sent(served: Server, photograph: bytes) -> None:
    assert_refused(served.ask({"instances": [{"picture": text(photograph)}]}), 400)
    assert_refused(served.ask({"instances": text(photograph)}), 400)
    assert_refused(served.ask({text(photograph): 1}), 400)
    assert_refused(served.ask(split(photograph[:-500])), 400)


def test_csv_is_not_taken(served: Server) -> None:
    assert_refused(served.send(b"image\nabc\n", Content_Type="text/csv"), 415)


def test_mlflow_s_four_forms_get_the_same_boxes(served: Server, photograph: bytes) -> None:
    row = {"image": text(photograph)}
    forms: list[dict[str, object]] = [
        split(photograph),
        {"dataframe_records": [row]},
        {"inputs": {"image": [text(photograph)]}},
        {"inputs": [text(photograph)]},
        {"instances": [row]},
    ]
    answers = [served.ask(form) for form in forms]
    assert answers[0][0] == 200
    assert json.loads(answers[0][1])["predictions"]
    assert all(answer == answers[0] for answer in answers)


def test_jpeg_png_and_webp_are_taken_and_nothing_else(served: Server) -> None:
    for suffix in (".jpg", ".png", ".webp"):
        assert served.ask(split(small(64, suffix)))[0] == 200
    for other in (EPS, small(64, ".bmp"), small(64, ".tiff"), b"", b"GIF89a" + bytes(50)):
        assert_refused(served.ask(split(other)), 400)
    assert not served.executed.exists()


def test_only_this_machine_s_names_and_no_web_page_of_elsewhere(
    served: Server, photograph: bytes
) -> None:
    body = json.dumps(split(photograph)).encode()
    assert_refused(served.send(body, Host="evil.example"), 421)
    assert_refused(served.send(body, Origin="http://evil.example"), 403)
    assert_refused(served.send(body, Origin="null"), 403)
    assert served.send(body, Host="localhost:1")[0] == 200


def test_nothing_but_the_protocol_s_paths(served: Server) -> None:
    for path in ("/docs", "/openapi.json", "/redoc", "/"):
        assert_refused(served.send(method="GET", path=path), 404)
    assert_refused(served.send(method="GET"), 405)
    for path in ("/ping", "/health", "/version"):
        assert served.send(method="GET", path=path)[0] == 200


def test_ordinary_requests_get_their_boxes_under_a_flood(served: Server, photograph: bytes) -> None:
    flood = json.dumps(split(*[photograph] * 64)).encode()
    senders = [threading.Thread(target=served.send, args=(flood,)) for _ in range(8)]
    for one in senders:
        one.start()
    time.sleep(0.2)
    began = time.monotonic()
    assert served.ask(split(photograph))[0] == 200
    assert time.monotonic() - began < 5
    for one in senders:
        one.join()


def seconds_of(ask: Callable[[], object], count: int = 40) -> float:
    """What a request takes, the median of so many."""
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def test_a_client_that_keeps_its_connection_is_not_served_later_for_it(served: Server) -> None:
    """Where TCP gathers small writes, each answer waits 40 ms for an acknowledgement."""
    kept = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)

    def ping() -> None:
        kept.request("GET", "/ping")
        kept.getresponse().read()

    with contextlib.closing(kept):
        for _ in range(20):
            ping()
        on_one = seconds_of(ping)
    assert on_one < 5 * seconds_of(lambda: served.send(method="GET", path="/ping"))


def leave_at_once(server: Server, body: bytes, count: int) -> list[socket.socket]:
    """Send requests and wait for no answer; the connections are open still."""
    head = "POST /invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    sent = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    connections = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        connection.sendall(sent)
        connections.append(connection)
    return connections


def test_a_client_that_is_gone_is_not_worked_for(served: Server, photograph: bytes) -> None:
    body = json.dumps(split(*[photograph] * 64)).encode()
    for connection in leave_at_once(served, body, 16):
        connection.close()
    time.sleep(1)
    before = served.busy_seconds()
    time.sleep(2)
    assert served.busy_seconds() - before < 0.5


@pytest.mark.parametrize(
    "end", [signal.SIGTERM, getattr(signal, "SIGKILL", None)], ids=["SIGTERM", "SIGKILL"]
)
def test_no_process_outlives_the_server(
    registered: Registered, tmp_path: Path, photograph: bytes, end: signal.Signals
) -> None:
    server = Server(registered.home, tmp_path)
    try:
        started = server.processes()
        assert len(started) > 1
        body = json.dumps(split(*[photograph] * 64)).encode()
        connections = leave_at_once(server, body, 16)
        server.process.send_signal(end)
        server.process.wait(STOP_SECONDS)
        _, alive = psutil.wait_procs(started[1:], timeout=STOP_SECONDS)
        assert not alive
        for connection in connections:
            connection.close()
    finally:
        kill(server.process)


def test_mlflow_s_own_server_serves_the_same_version(
    registered: Registered, tmp_path: Path, photograph: bytes
) -> None:
    """It keeps the bounds that the model itself has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = clean_environment()
    programs = str(Path(sys.executable).parent)
    environment["PATH"] = os.pathsep.join([programs, environment["PATH"]])
    environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{registered.home / 'mlflow.db'}"
    model = f"models:/{REGISTERED_MODEL}/{registered.number}"
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", model]
    command += ["--env-manager", "local", "--port", str(port)]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/ping", process)
        status, content = post(port, json.dumps(split(photograph)).encode())
        assert status == 200
        assert json.loads(content)["predictions"]
        assert post(port, json.dumps(split(*[small()] * 65)).encode())[0] == 400
        assert post(port, json.dumps(split(EPS)).encode())[0] == 400
    finally:
        kill(process)
