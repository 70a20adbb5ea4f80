# SPDX-License-Identifier: Apache-2.0
"""What a gate asks a server: the journeys that are worth measuring, and earlier runs."""

from __future__ import annotations

import contextlib
import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lichen.config import Settings
from lichen.errors import StorageError, UsageError
from lichen.ledger import runfile
from lichen.records import ID_SHOWN
from lichen.service.spool import TOKEN

if TYPE_CHECKING:
    import httpx2

FOLDER: Final = Path(".lichen") / "baseline"
_TIMEOUT_S: Final = 30.0
_NOT_FOUND: Final = 404
_RUNS_FETCHED: Final = 40


class Remote:
    """The API of a server, with the token of ``LICHEN_TOKEN``.

    Args:
        settings: ``output.server`` names it.

    Raises:
        UsageError: no server is named, or (of the methods) it refuses the token.
        StorageError: of the methods: it does not answer, or answers something else.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.output.server is None:
            raise UsageError(
                "No server is named.", repair="Give --server, or set output.server.", culprit="output.server"
            )
        self.server: Final = settings.output.server

    def rows(self, path: str, key: str, **parameters: str | int) -> list[dict[str, Any]]:
        """The list that an answer holds under ``key``; empty where the server knows nothing of what is asked for."""
        answer = self._get(path, parameters)
        if answer.status_code == _NOT_FOUND:
            return []
        try:
            rows = answer.json()[key]
            if not all(isinstance(row, dict) for row in rows):
                raise TypeError  # noqa: TRY301 - one way out for whatever is not a list of rows
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"{self.server} answers something else than a list of {key}.",
                repair="Look whether the address is that of Lichen.",
                culprit=self.server,
            ) from error
        return list(rows)

    def content(self, path: str) -> bytes:
        """A file."""
        answer = self._get(path, {})
        if answer.status_code == _NOT_FOUND:
            raise StorageError(f"{self.server} has no {path}.", repair="Try again.", culprit=self.server)
        return answer.content

    def _get(self, path: str, parameters: dict[str, str | int]) -> httpx2.Response:
        with self._failing() as client:
            answer = client.get(path, params=parameters)
            if answer.status_code in (401, 403):
                raise UsageError(
                    f"{self.server} refuses to be read ({answer.status_code}).",
                    repair=f"Set {TOKEN} to a token with the scope read.",
                    culprit=TOKEN,
                )
            return answer if answer.status_code == _NOT_FOUND else answer.raise_for_status()

    @contextlib.contextmanager
    def _failing(self) -> Iterator[httpx2.Client]:
        import httpx2

        bearer = os.environ.get(TOKEN, "")
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        try:
            with httpx2.Client(
                base_url=self.server.rstrip("/"), headers=headers, timeout=_TIMEOUT_S, follow_redirects=False
            ) as client:
                yield client
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise StorageError(
                f"{self.server} does not answer: {str(error) or type(error).__name__}.",
                repair="Look whether it is up, or do without it.",
                culprit=self.server,
            ) from error


def fetch_baseline(settings: Settings) -> Path:
    """The newest runs of this application on the server, as files of a folder; those that are there are not fetched again.

    Returns:
        The folder, below that of lichen.toml.

    Raises:
        UsageError, StorageError: as `Remote`; the application being unknown there is no error: there are no runs.
    """
    remote, folder = Remote(settings), settings.folder / FOLDER
    for row in remote.rows("/api/v1/runs", "items", application=settings.project.name, limit=_RUNS_FETCHED):
        identity, day = str(row["run_id"]), str(row["measured_at"])[:10]
        path = folder / f"{day}-{identity[:ID_SHOWN]}{runfile.SUFFIX}"
        if not path.exists():
            raw = remote.content(f"/api/v1/runs/{identity}/file")
            runfile.write_atomically(path, raw if raw[:2] == b"\x1f\x8b" else gzip.compress(raw, mtime=0))
    return folder
