# SPDX-License-Identifier: Apache-2.0
"""A real server process, and a load of runs on it that is honest about waiting."""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from sqlalchemy import text
from tests.fixtures import run as fixture
from tests.web import server_support

from lichen import nomenclature
from lichen.service.record import run_content
from lichen.store import open_store

NOISE = (1.0, 1.02, 0.97, 1.05, 0.99, 1.01, 1.3, 1.0, 0.98, 1.03)
_READY_S = 30.0


class Server:
    """`lichen serve` in a folder.

    Args:
        folder: holds store, ledger and settings.
        store: address of a PostgreSQL; None: SQLite in the folder.
    """

    def __init__(self, folder: Path, store: str | None = None) -> None:
        self.folder = folder
        self.store = store
        self.address = ""
        self._process: subprocess.Popen[str] | None = None
        self.environment = {
            **os.environ,
            "LICHEN_SERVER_PORT": "0",
            **({"LICHEN_SERVER_STORE": store} if store else {}),
        }

    def token(self) -> str:
        """A token that may send the runs of any application."""
        with server_support.context(self.folder, **({"store": self.store} if self.store else {})) as found:
            return server_support.token(found, "ingest", "read")

    def start(self) -> None:
        """Starts it and waits until it listens."""
        (self.folder / "lichen.toml").touch()
        log = (self.folder / "server.log").open("a")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lichen", "serve"],
            cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        log.close()
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if " http://" in line:
                self.address = line.split()[-1]
                return
        raise AssertionError(f"the server did not start: {(self.folder / 'server.log').read_text()}")

    @property
    def pid(self) -> int:
        """Of the server."""
        assert self._process is not None
        return self._process.pid

    def rest(self) -> str:
        """The line that follows the address."""
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def end(self) -> None:
        """Kills it if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ends it as Ctrl-C does; its exit code."""
        return self._end(signal.SIGINT)

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        code = self._process.wait(_READY_S)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code


class Nursery:
    """Servers of one folder, one after the other, each of which is there at once: forked from a process that has loaded all."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._number = 0
        self._output = server.folder / "server.out"
        with (server.folder / "server.log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("nursery.py"))],
                cwd=server.folder, env=server.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip

    def __enter__(self) -> Self:
        (self._server.folder / "lichen.toml").touch()
        return self

    def __exit__(self, *_: object) -> None:
        if self._number:
            self.kill()
        self._process.communicate(timeout=_READY_S)

    def _ask(self, line: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def start(self) -> str:
        """Starts one; its address once it listens."""
        self._output.unlink(missing_ok=True)
        self._number = self._ask(f"serve {self._output}")
        end = time.monotonic() + _READY_S
        while time.monotonic() < end:
            said = self._output.read_text() if self._output.exists() else ""
            for line in said.splitlines(keepends=True):
                if " http://" in line and line.endswith("\n"):
                    return line.split()[-1]
            time.sleep(0.01)
        raise AssertionError(f"the server did not start: {(self._server.folder / 'server.log').read_text()}")

    def kill(self) -> None:
        """Ends it as a power cut would."""
        os.kill(self._number, signal.SIGKILL)
        assert self._ask(f"wait {self._number}") == -signal.SIGKILL
        self._number = 0


@cache
def _template(whole: bool) -> tuple[bytes, bytes]:
    content = run_content(
        fixture.FACTS, "2026-03-01T10:00:00.000Z", "2026-03-01T10:02:00.000Z", [fixture.measured("apply", NOISE)],
        nomenclature.load(),
    )  # fmt: skip
    if not whole:
        rows = content["activities"]
        content["activities"] = [row for row in rows if row["entity"] == "loans/browser/apply/open"]
    content["host"] = {**content["host"], "number": "NUMBER"}
    before, after = json.dumps(content).split('"NUMBER"')
    return before.encode(), after.encode()


def body(number: int, *, whole: bool = False) -> bytes:
    """A run of ten samples, another one for each number; all are of the same length.

    Args:
        whole: two steps of a browser and a server part; else one step of the browser.
    """
    before, after = _template(whole)
    return b"%b%d%b" % (before, 5 * 10**9 + number, after)


@dataclass
class Outcome:
    """What became of a load.

    Attributes:
        late_s: of each run that was answered, the seconds from the time that it was due.
        statuses: how many answers of each; 0 for those that never came.
        acknowledged: runs that the server said were safe.
        unanswered: numbers of the runs whose answer never came.
    """

    late_s: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    acknowledged: set[str] = field(default_factory=set)
    unanswered: list[int] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """Runs that were not acknowledged."""
        return sum(count for status, count in self.statuses.items() if status not in (200, 201))


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True)
class Load:
    """What is sent: runs of these numbers, so many a second, over so many connections; ``whole`` as of `body`."""

    numbers: Sequence[int]
    rate: float
    connections: int = 32
    whole: bool = False


async def send(address: str, token: str, load: Load, started: asyncio.Event | None = None) -> Outcome:
    """Sends runs, each when its time has come, whether or not earlier ones were answered.

    Args:
        started: set once something was acknowledged.
    """
    outcome = Outcome()
    host = urlsplit(address)
    head = (
        f"POST /api/v1/runs HTTP/1.1\r\nHost: {host.netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body(0, whole=load.whole))}\r\n\r\n"
    ).encode()
    begin = time.perf_counter()
    work: Iterator[tuple[float, int]] = iter(
        [(begin + index / load.rate, number) for index, number in enumerate(load.numbers)]
    )

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(host.hostname, host.port, limit=2**20)
        try:
            for due, number in work:
                if (early := due - time.perf_counter()) > 0:
                    await asyncio.sleep(early)
                outcome.unanswered.append(number)
                writer.write(head + body(number, whole=load.whole))
                status, answer = await _answer(reader)
                outcome.unanswered.remove(number)
                outcome.late_s.append(time.perf_counter() - due)
                outcome.statuses[status] += 1
                if status in (200, 201):
                    outcome.acknowledged.add(json.loads(answer)["run_id"])
                if started is not None:
                    started.set()
        finally:
            writer.close()

    ends = await asyncio.gather(*(connection() for _ in range(load.connections)), return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException) and not isinstance(end, OSError | asyncio.IncompleteReadError):
            raise end
    outcome.statuses[0] = len(outcome.unanswered) + sum(1 for _ in work)
    return outcome


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = head.lower()
    at = fields.index(b"content-length: ") + len(b"content-length: ")
    return int(head[9:12]), await reader.readexactly(int(fields[at : fields.index(b"\r\n", at)]))


def journal(folder: Path, store: str | None = None) -> list[str]:
    """Runs of the journal, each as often as it is there."""
    with open_store(store, folder=folder) as opened, opened.reading() as session:
        return list(session.execute(text("SELECT run_id FROM ingest_journal")).scalars())


async def killed(server: Server, token: str, count: int, rate: float = 500.0) -> set[str]:
    """Kills a server so many times under a load; the runs that it acknowledged. What had no answer is sent again.

    Every fifth one lives long enough for its runs to be landing when it is killed.
    """
    acknowledged: set[str] = set()
    again: list[int] = []
    with Nursery(server) as nursery:
        for turn in range(count):
            address = nursery.start()
            lives_s = random.uniform(0, 0.4) if turn % 5 else random.uniform(2.5, 4.0)
            started = asyncio.Event()
            first = turn * 10_000
            load = Load([*again, *range(first, first + int(5 * rate))], rate)
            sending = asyncio.create_task(send(address, token, load, started))
            await asyncio.wait_for(started.wait(), _READY_S)
            await asyncio.sleep(lives_s)
            nursery.kill()
            outcome = await sending
            acknowledged |= outcome.acknowledged
            again = outcome.unanswered
    return acknowledged
