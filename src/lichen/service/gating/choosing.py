# SPDX-License-Identifier: Apache-2.0
"""Which journeys a gate measures: those whose files changed, or those that are worth it most."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from lichen.collect.traffic.globs import Glob
from lichen.config import Settings
from lichen.errors import UsageError
from lichen.service.gating.remote import Remote

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
    remote = Remote(settings)
    declared = {entry.name for entry in settings.journeys}
    found: list[str] = []
    for page in range(1, _PAGES_MAX + 1):
        rows = remote.rows("/api/v1/measure-next", "rows", page=page)
        for row in rows:
            journey = row.get("journey") or {}
            if row.get("application", {}).get("code") == settings.project.name and journey.get("code") in declared:
                found.append(journey["code"])
        if not rows or len(found) >= count:
            break
    return tuple(found[:count])
