# SPDX-License-Identifier: Apache-2.0
"""Runs on their way to a server: kept in a folder until it says that they are safe there, sent in the order they were put.

A run is copied into the spool before anything is sent and leaves it once it is acknowledged, so that whoever is killed in
between sends it again; the server takes it once. Names start with a number that counts up: no clock decides the order.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lichen.errors import StorageError, UsageError
from lichen.ledger import runfile
from lichen.records import ID_SHOWN

if TYPE_CHECKING:
    import httpx2

FOLDER: Final = Path(".lichen") / "spool"
REFUSED: Final = "refused"
RUNS_MAX: Final = 10_000
BYTES_MAX: Final = 512 * 2**20
"""The oldest runs are dropped beyond these, and the sender is told."""
TOKEN: Final = "LICHEN_TOKEN"  # noqa: S105 - the name of a variable
_NUMBERED: Final = re.compile(r"(\d{12})-[0-9a-f]+" + re.escape(runfile.SUFFIX))
_TIMEOUT_S: Final = 30.0
_PATIENCE_S: Final = 10.0
"""How long a server that asks to come back later is waited for, all runs of a call together."""
_STAYS: Final = frozenset({401, 403})
_LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 507})


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a spool.

    Attributes:
        sent: runs that are safe on the server now.
        waiting: runs that stay in the spool, and why; empty when none does.
        refused: what the server said of runs that it never will take; they lie in the spool's folder ``refused``.
        dropped: the oldest runs, which had no place any more.
    """

    sent: int
    waiting: int
    why: str
    refused: Sequence[str]
    dropped: int


class Spool:
    """The runs that wait in a folder.

    Args:
        folder: made when it is absent.
        runs_max, bytes_max: most that may wait.
    """

    def __init__(self, folder: Path, *, runs_max: int = RUNS_MAX, bytes_max: int = BYTES_MAX) -> None:
        self.folder = folder
        self._runs_max = runs_max
        self._bytes_max = bytes_max
        self.dropped = 0

    def put(self, run: Path) -> None:
        """Adds a run file behind those that wait.

        Raises:
            StorageError: the file cannot be read, the folder cannot be written, the disk is full.
        """
        found = runfile.read(run)
        last = max((number for number, _ in self._numbered()), default=0)
        name = f"{last + 1:012d}-{found.run_id[:ID_SHOWN]}{runfile.SUFFIX}"
        runfile.write_atomically(self.folder / name, run.read_bytes())
        self._bound()

    def runs(self) -> list[Path]:
        """Those that wait, oldest first."""
        return [path for _, path in self._numbered()]

    def _numbered(self) -> list[tuple[int, Path]]:
        matches = ((_NUMBERED.fullmatch(path.name), path) for path in self.folder.glob(f"*{runfile.SUFFIX}"))
        return sorted((int(match[1]), path) for match, path in matches if match)

    def _bound(self) -> None:
        waiting = self.runs()
        sizes = [path.stat().st_size for path in waiting]
        while waiting and (len(waiting) > self._runs_max or sum(sizes) > self._bytes_max):
            waiting.pop(0).unlink(missing_ok=True)
            sizes.pop(0)
            self.dropped += 1

    def refuse(self, run: Path) -> None:
        """Sets a run aside that the server never will take."""
        (self.folder / REFUSED).mkdir(exist_ok=True)
        run.replace(self.folder / REFUSED / run.name)

    @contextlib.contextmanager
    def sending(self) -> Iterator[bool]:
        """Whether this process may send; another one that does so goes on with what is put meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True


def push(server: str, spool: Spool, *, token: str | None = None) -> Pushed:
    """Sends what waits, oldest first, until all is sent or the server is away.

    Args:
        server: its address; the path of the API is added.
        token: None: that of the variable `TOKEN`.

    Raises:
        UsageError: no address.
    """
    import httpx2

    bearer = os.environ.get(TOKEN, "") if token is None else token
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    sent, why = 0, ""
    refused: list[str] = []
    patience_until = time.monotonic() + _PATIENCE_S
    with spool.sending() as mine, _client(server, headers) as client:
        if not mine:
            return Pushed(0, len(spool.runs()), "another process is sending them", (), spool.dropped)
        while not why and (waiting := spool.runs()):
            run = waiting[0]
            try:
                answer = _post(client, run)
            except httpx2.HTTPError as error:
                why = str(error) or type(error).__name__
                break
            if answer.status_code in (200, 201):
                run.unlink(missing_ok=True)
                sent += 1
            elif answer.status_code in _LATER:
                pause = _retry_after_s(answer)
                if time.monotonic() + pause > patience_until:
                    why = _said(answer)
                else:
                    time.sleep(pause)
            elif answer.status_code in _STAYS or not 400 <= answer.status_code < 500:
                why = _said(answer)
            else:
                refused.append(f"{run.name}: {_said(answer)}")
                spool.refuse(run)
    return Pushed(sent, len(spool.runs()), why, refused, spool.dropped)


def _client(server: str, headers: dict[str, str]) -> httpx2.Client:
    import httpx2

    try:
        # Redirects are not followed: the token is for this server alone.
        return httpx2.Client(base_url=server.rstrip("/"), headers=headers, timeout=_TIMEOUT_S, follow_redirects=False)
    except httpx2.InvalidURL as error:
        raise UsageError(f"'{server}' is no address: {error}.", repair="Write https://HOST.", culprit=server) from error


def _post(client: httpx2.Client, run: Path) -> httpx2.Response:
    try:
        body = run.read_bytes()
    except OSError as error:
        raise StorageError(
            f"{run} cannot be read: {error.strerror}.", repair="Look at it.", culprit=str(run)
        ) from error
    fields = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return client.post("/api/v1/runs", content=body, headers=fields)


def _retry_after_s(answer: httpx2.Response) -> float:
    said = answer.headers.get("retry-after", "")
    return min(float(said), _PATIENCE_S * 2) if said.isascii() and said.isdigit() else 1.0


def _said(answer: httpx2.Response) -> str:
    """What a refusal says, as a sentence."""
    try:
        content: Any = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("detail"), str):
        return f"the server answered {answer.status_code}"
    return f"{content['detail']} {content.get('repair') or ''}".strip()
