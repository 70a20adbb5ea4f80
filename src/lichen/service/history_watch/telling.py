# SPDX-License-Identifier: Apache-2.0
"""Telling a server of a deployment, with the facts that Git knows."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lichen.errors import StorageError, UsageError
from lichen.service.spool import TOKEN

_TIMEOUT_S: Final = 20.0
_GIT_S: Final = 20.0


def git_facts(folder: Path) -> dict[str, str]:
    """Commit, version (the nearest tag, else the commit) and author of what is checked out; empty outside a repository."""
    asked = {
        "commit": ("rev-parse", "HEAD"), "version": ("describe", "--tags", "--always"), "author": ("log", "-1", "--format=%an"),
    }  # fmt: skip
    return {name: answer for name, words in asked.items() if (answer := _git(folder, *words))}


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, timeout=_GIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):  # no Git: what it would say is given by hand
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""


def tell_deployment(server: str, body: Mapping[str, Any], *, token: str | None = None) -> tuple[dict[str, Any], bool]:
    """Sends a deployment.

    Args:
        server: its address; the path of the API is added.
        body: as ``POST /api/v1/deployments`` takes it.
        token: None: that of the variable `TOKEN`.

    Returns:
        The deployment as the server keeps it, and whether it is new there.

    Raises:
        UsageError: no address, or the server refuses it.
        StorageError: the server does not answer.
    """
    import httpx2

    bearer = os.environ.get(TOKEN, "") if token is None else token
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    try:
        # Redirects are not followed: the token is for this server alone.
        answer = httpx2.post(
            f"{server.rstrip('/')}/api/v1/deployments", json=dict(body), headers=headers, timeout=_TIMEOUT_S,
            follow_redirects=False,
        )  # fmt: skip
    except httpx2.InvalidURL as error:
        raise UsageError(f"'{server}' is no address: {error}.", repair="Write https://HOST.", culprit=server) from error
    except httpx2.HTTPError as error:
        raise StorageError(
            f"{server} does not answer: {str(error) or type(error).__name__}.", repair="Try again when it is back.",
            culprit=server,
        ) from error  # fmt: skip
    content = _document(answer)
    if answer.status_code not in (200, 201) or not content:
        raise UsageError(
            f"{server} refuses the deployment: {content.get('detail') or f'it answered {answer.status_code}.'}",
            repair=content.get("repair") or "", culprit=content.get("culprit") or server,
        )  # fmt: skip
    return content, answer.status_code == 201


def _document(answer: Any) -> dict[str, Any]:
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
