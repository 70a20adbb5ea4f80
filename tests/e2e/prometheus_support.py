# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus of a test's own, and a target that serves what it is told."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lichen.collect.machine.endpoint import Address
from lichen.collect.machine.prometheus.client import Prometheus

PROGRAM = shutil.which("prometheus")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler], None], port: int = 0) -> Iterator[str]:
    """A server whose GET is ``answer``; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                answer(self)

        do_POST = do_GET  # noqa: N815 - the name that http.server asks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def send(
    handler: BaseHTTPRequestHandler, body: str, *, status: int = 200, kind: str = "text/plain; version=0.0.4"
) -> None:
    data = body.encode()
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


@contextlib.contextmanager
def exposing(text: Callable[[], str]) -> Iterator[str]:
    """A target that Prometheus scrapes; its host and port."""
    with answering(lambda handler: send(handler, text())) as url:
        yield url.removeprefix("http://")


@contextlib.contextmanager
def prometheus(
    folder: Path, targets: list[str], *, interval: str = "1s", extra: str = "", path: str = "/metrics"
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Prometheus that scrapes the targets; its address and process, once it is ready."""
    if PROGRAM is None:
        pytest.skip("there is no prometheus here: tools/system.sh prometheus")
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    config = folder / "prometheus.yml"
    listed = ", ".join(f'"{target}"' for target in targets)
    config.write_text(
        f"global: {{ scrape_interval: {interval}, scrape_timeout: {interval} }}\n"
        "scrape_configs:\n"
        f"  - job_name: test\n    metrics_path: {path}\n    static_configs:\n      - targets: [{listed}]\n{extra}"
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [PROGRAM, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
             f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"{url}/-/ready", timeout=2):
                    break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError((folder / "log").read_text()) from None
                time.sleep(0.1)
        yield url, process
    finally:
        process.terminate()
        process.wait()


def scraped(url: str, selector: str, samples: int = 2) -> None:
    """Returns when Prometheus has some samples of a selector."""
    deadline = time.monotonic() + 60
    with Prometheus(Address(url=url)) as server:
        while time.monotonic() < deadline:
            now_ns = time.time_ns()
            if any(len(one.times_ns) >= samples for one in server.raw(selector, now_ns - 60 * 10**9, now_ns)):
                return
            time.sleep(0.2)
    raise AssertionError(f"Prometheus has not scraped {selector}")
