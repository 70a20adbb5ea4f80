# SPDX-License-Identifier: Apache-2.0
"""Which journeys a gate measures: those whose files changed, or those that are worth it most."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lichen.collect.traffic.globs import Glob
from lichen.config import Settings
from lichen.errors import StorageError, UsageError
from lichen.service.spool import TOKEN

if TYPE_CHECKING:
    import httpx2

_TIMEOUT_S: Final = 30.0
_PAGES_MAX: Final = 40
"""Pages of the list that are read, 25 journeys each: what comes later is not worth it."""


def changed_journeys(settings: Settings, reference: str) -> tuple[str, ...]:
    """Declared journeys that files changed since a Git reference belong to.

    Args:
        reference: branch, tag or commit; what was changed on the other side since the two parted does not count.

    Returns:
        Those with a pattern in ``paths``, or a journey file, that changed; those without ``paths``, of which nobody knows; all
        when lichen.toml changed.

    Raises:
        UsageError: this is no Git repository, or there is no such reference.
    """
    if not reference:
        raise UsageError(
            "Git cannot tell what changed: the reference is empty.",
            repair="Name a branch, a tag or a commit, such as origin/main.",
            culprit="--changed-paths",
        )
    root = Path(_git(settings.folder, "rev-parse", "--show-toplevel").rstrip("\n"))
    listed = _git(
        settings.folder, "diff", "--name-only", "-z", "--no-renames", "--end-of-options", f"{reference}...HEAD", "--"
    )
    changed = [
        os.path.relpath(root / name, settings.folder.resolve()).replace(os.sep, "/")
        for name in listed.split("\0")
        if name
    ]
    own = None if settings.file is None else settings.file.name
    if own in changed:
        return tuple(entry.name for entry in settings.journeys)
    found = []
    for entry in settings.journeys:
        globs = [Glob(pattern.removeprefix("./")) for pattern in entry.paths]
        if entry.file is not None:
            globs.append(Glob(os.path.relpath(entry.file, settings.folder)))
        if not entry.paths or any(glob.matches(name) for glob in globs for name in changed):
            found.append(entry.name)
    return tuple(found)


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise UsageError("Git is not installed.", repair="Install it, or name the journeys.", culprit="git") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["it failed"])[0].removeprefix("fatal: ").rstrip(".")
        raise UsageError(
            f"Git cannot tell what changed: {said}.",
            repair="Fetch the branch (git fetch origin main, or fetch-depth: 0 in the pipeline), or name the journeys.",
            culprit=" ".join(words),
        ) from error
    return done.stdout


def next_journeys(settings: Settings, count: int) -> tuple[str, ...]:
    """Declared journeys that the server would measure next, the most promising first.

    Args:
        settings: ``output.server`` and ``project.name`` say whose list is asked for; the token is that of ``LICHEN_TOKEN``.
        count: how many at most.

    Raises:
        UsageError: no server is named, or it refuses the token.
        StorageError: the server does not answer, or answers something else.
    """
    server = settings.output.server
    if server is None:
        raise UsageError("No server is named.", repair="Give --server, or set output.server.", culprit="output.server")
    declared = {journey.name for journey in settings.journeys}
    found: list[str] = []
    for row in _rows(server):
        journey = row.get("journey") or {}
        if row.get("application", {}).get("code") == settings.project.name and journey.get("code") in declared:
            found.append(journey["code"])
        if len(found) == count:
            break
    return tuple(found)


def _rows(server: str) -> Iterator[dict[str, Any]]:
    import httpx2

    bearer = os.environ.get(TOKEN, "")
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    try:
        with httpx2.Client(
            base_url=server.rstrip("/"), headers=headers, timeout=_TIMEOUT_S, follow_redirects=False
        ) as client:
            for page in range(1, _PAGES_MAX + 1):
                answer = client.get("/api/v1/measure-next", params={"page": page})
                rows = _read(server, answer)
                yield from rows
                if not rows:
                    return
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise StorageError(
            f"{server} does not answer: {str(error) or type(error).__name__}.",
            repair="Look whether it is up, or name the journeys.",
            culprit=server,
        ) from error


def _read(server: str, answer: httpx2.Response) -> Sequence[dict[str, Any]]:
    if answer.status_code in (401, 403):
        raise UsageError(
            f"{server} refuses to say what to measure next ({answer.status_code}).",
            repair=f"Set {TOKEN} to a token with the scope read.",
            culprit=TOKEN,
        )
    try:
        rows = answer.raise_for_status().json()["rows"]
        if not all(isinstance(row, dict) for row in rows):
            raise TypeError  # noqa: TRY301 - one way out for whatever is not a list of rows
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{server} answers something else than a list of what to measure next.",
            repair="Look whether the address is that of Lichen.",
            culprit=server,
        ) from error
    return list(rows)
