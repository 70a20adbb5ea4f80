# SPDX-License-Identifier: Apache-2.0
"""The store that a command of the server's own machine works on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lichen.cli.invocation import Invocation
    from lichen.service.accounts import By
    from lichen.service.workspace import Workspace
    from lichen.store import Store


@contextmanager
def opened(invocation: Invocation, *, dry_run: bool = False) -> Iterator[tuple[Store, Workspace]]:
    """The store of the settings, made when there is none unless nothing is to be written, and the workspace."""
    from lichen.store import open_store

    workspace = invocation.workspace()
    settings = workspace.settings
    with open_store(settings.server.store, folder=settings.folder, create=not dry_run) as store:
        yield store, workspace


def by_command(name: str) -> By:
    """Who the audit log says it was: the command, and the user of the machine who typed it."""
    import getpass
    from datetime import UTC, datetime

    from lichen.service.accounts import By

    try:
        who = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user without a name
        who = str(os.getuid())
    return By(actor=f"command:{name} ({who})", at=datetime.now(UTC))
