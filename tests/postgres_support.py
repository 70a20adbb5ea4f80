# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL for tests: a server of its own in a temporary folder, a fresh database for each test.

PostgreSQL refuses to run as root: then the server runs as the user ``postgres`` that its package made.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USER = "postgres"


class Server:
    """A running server. ``url()`` makes a database and gives its address."""

    def __init__(self, binaries: Path, folder: Path, port: int, *, durable: bool) -> None:
        self.binaries = binaries
        self.folder = folder
        self.port = port
        self.durable = durable

    def url(self) -> str:
        """The address of a new, empty database."""
        name = f"lichen_{secrets.token_hex(4)}"
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, name)
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"

    def run(self, program: str, *words: str) -> None:
        """Run a program of PostgreSQL; what it says is shown when it fails."""
        done = subprocess.run(
            [*_as_postgres(), str(self.binaries / program), *words],
            capture_output=True,
            text=True,
            cwd="/",
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    def stop(self) -> None:
        """Stop at once, as a crash would; what was committed stays."""
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop")

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        if not self.durable:
            options += " -c fsync=off"
        log = str(self.folder / "log")
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-l", log, "-o", options, "-w", "start")


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[Server]:
    """A server from its initialisation to its end; the test is skipped where PostgreSQL is absent.

    Args:
        durable: whether it waits for the disk, as a benchmark must. What it committed outlives its own death in either case;
            only a loss of power tells the difference.
    """
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is absent: tools/system.sh postgresql installs it")
    folder = Path(tempfile.mkdtemp(prefix="lichen-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, USER, USER)
    server = Server(binaries, folder, _free_port(), durable=durable)
    try:
        server.run("initdb", "-D", str(folder / "data"), "-U", USER, "--auth=trust", "--encoding=UTF8", "--no-sync")
        server.start()
        try:
            yield server
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path | None:
    """The folder of the newest version: Debian keeps these programs off PATH."""
    if (found := shutil.which("initdb")) is not None:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return versions[-1].parent if versions else None


def _as_postgres() -> list[str]:
    if os.geteuid() != 0:
        return []
    try:
        pwd.getpwnam(USER)
    except KeyError:
        pytest.skip(f"PostgreSQL does not run as root, and there is no user {USER}")
    return ["runuser", "-u", USER, "--"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
