"""Throughput of `promotion serve` over that of the bare detector, side by side.

    python benchmarks/serving.py [--home .promotion] [--workers N] [--seconds 2] [--rounds 3]

Both look at the photographs of the home's validation sets: the bare detector decodes one and runs
the ONNX file of the version in Production on it, in as many processes as the server has workers (or
as there are clients, where these are fewer); the clients send the same photographs over connections
that they keep. The clients run on the same cores, so their own work counts against the server.
The rounds alternate, so that a busy machine slows both alike.
"""

from __future__ import annotations

import argparse
import base64
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

from promotion.detection import Detector
from promotion.images import decode
from promotion.paths import default_home
from promotion.registry import PRODUCTION, RegisteredModel, aliases, open_version
from promotion.serving import default_workers
from promotion.store import connect

CLIENTS = (1, 4, 16)
START_SECONDS = 60
# Forked processes have the photographs; none of them starts before all are there.
processes = multiprocessing.get_context("fork")
Look = Callable[[bytes], object]


def bare(onnx: Path, threshold: float) -> Look:
    """What a worker does without a server: an encoded photograph in, boxes out."""
    detector = Detector(onnx)
    return lambda photograph: detector.detect(decode(photograph), threshold)


def over_http(port: int, threshold: float) -> Look:
    """A client on a connection of its own, in as little Python as it takes."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    answers = connection.makefile("rb")
    asked: dict[bytes, bytes] = {}

    def look(photograph: bytes) -> bytes:
        if photograph not in asked:
            asked[photograph] = request(photograph, threshold)
        connection.sendall(asked[photograph])
        status = answers.readline()
        assert b" 200 " in status, status
        length = 0
        while (line := answers.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return answers.read(length)

    return look


def request(photograph: bytes, threshold: float) -> bytes:
    """The bytes of a request with one photograph."""
    rows = [[base64.b64encode(photograph).decode()]]
    body = json.dumps(
        {
            "dataframe_split": {"columns": ["image"], "data": rows},
            "params": {"threshold": threshold},
        }
    ).encode()
    head = "POST /invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def throughput(
    make: Callable[[], Look], count: int, photographs: list[bytes], span: float
) -> float:
    """Photographs a second of `count` processes that look for `span` seconds."""
    barrier, done = processes.Barrier(count), processes.SimpleQueue()
    started = [
        processes.Process(target=_keep_looking, args=(make, photographs, span, barrier, done))
        for _ in range(count)
    ]
    for one in started:
        one.start()
    total = sum(done.get() for _ in started)
    for one in started:
        one.join()
    return total / span


def _keep_looking(
    make: Callable[[], Look], photographs: list[bytes], span: float, barrier: Barrier, done: object
) -> None:
    look = make()
    for photograph in photographs:
        look(photograph)
    barrier.wait()
    end, count = time.perf_counter() + span, 0
    while time.perf_counter() < end:
        look(photographs[count % len(photographs)])
        count += 1
    done.put(count)  # type: ignore[attr-defined]


def serve(home: Path, workers: int) -> tuple[subprocess.Popen[bytes], int]:
    """Start the server on a free port, and wait for it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "promotion", "serve", "--home", str(home)]
    command += ["--port", str(port), "--workers", str(workers)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    for _ in range(START_SECONDS):
        time.sleep(1)
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5).close()
        except OSError:
            continue
        # The other workers started at the same time.
        time.sleep(2)
        return server, port
    server.terminate()
    raise TimeoutError("the server did not start")


def main() -> None:
    """Measure at 1, 4 and 16 clients and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, default=default_home())
    parser.add_argument("--model", default="person-detector")
    parser.add_argument("--workers", type=int, default=default_workers())
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    home, workers = arguments.home.resolve(), arguments.workers
    model = RegisteredModel(connect(home), arguments.model)
    contender = open_version(model, aliases(model)[PRODUCTION])
    sha256, threshold = contender.model.detector.sha256, contender.threshold
    onnx = next(path for path in home.rglob("*.onnx") if Detector(path).sha256 == sha256)
    pictures = sorted((home / "datasets").glob("*/images/val/*.jpg"))[:32]
    photographs = [path.read_bytes() for path in pictures]
    print(f"{len(photographs)} photographs, {workers} workers, {os.cpu_count()} cores")
    server, port = serve(home, workers)
    try:
        for clients in CLIENTS:
            rounds = []
            for _ in range(arguments.rounds):
                alone = throughput(
                    lambda: bare(onnx, threshold),
                    min(clients, workers),
                    photographs,
                    arguments.seconds,
                )
                served = throughput(
                    lambda: over_http(port, threshold), clients, photographs, arguments.seconds
                )
                rounds.append((served / alone, served, alone))
            ratio, served, alone = statistics.median_low(rounds)
            print(
                f"{clients:2} clients: HTTP {served:.0f}/s, bare {alone:.0f}/s, ratio {ratio:.2f}",
                flush=True,
            )
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
