# SPDX-License-Identifier: Apache-2.0
"""What every use case of the server needs: decisions, facts, the model, and the time."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from lichen.errors import StorageError

if TYPE_CHECKING:
    from lichen.config import Settings
    from lichen.ledger import Ledger
    from lichen.service.workspace import Workspace
    from lichen.store import Store


_NO_NAME: Final = re.compile(r"[\[\]\\]|%[0-9A-Fa-f]{2}")
"""What the library that writes the tables takes for something else in the path of a folder: it makes an address of it."""


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceContext:
    """Handed to every use case that reads or writes what the server keeps.

    Attributes:
        store: decisions (applications, teams, traffic, money...) and the ingest journal.
        ledger: facts.
        workspace: settings, nomenclature, factors and methods.
        clock: the present moment, in UTC; another one in tests.
    """

    store: Store
    ledger: Ledger
    workspace: Workspace
    clock: Callable[[], datetime] = field(default=now)

    @property
    def settings(self) -> Settings:
        """Those of the workspace."""
        return self.workspace.settings


class LedgerWhenThere:
    """A ledger that is opened when it is first asked something: a server starts, and takes runs in, while its place is away."""

    def __init__(self, where: str) -> None:
        self.where = where
        self._opened: Ledger | None = None
        self._opening = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        with self._opening:
            if self._opened is None:
                from lichen.ledger import open_ledger

                self._opened = open_ledger(self.where)
        return getattr(self._opened, name)


def open_context(workspace: Workspace) -> ServiceContext:
    """The store and the ledger that the settings name.

    Raises:
        StorageError: the store cannot be opened, or the ledger cannot lie where it is to.
    """
    from lichen.store import open_store

    settings = workspace.settings
    place = ledger_place(settings)
    return ServiceContext(
        store=open_store(settings.server.store, folder=settings.folder),
        ledger=cast("Ledger", LedgerWhenThere(place)),
        workspace=workspace,
    )


def has_store(settings: Settings) -> bool:
    """Whether a server's store is there, or is named; nothing is opened."""
    return settings.server.store is not None or (settings.folder / ".lichen" / "lichen.db").exists()


def ledger_place(settings: Settings) -> str:
    """The folder or bucket of facts.

    Raises:
        StorageError: it is a folder whose name is no name for the library that writes the tables.
    """
    place = _ledger_place(settings)
    sign = None if "://" in place else _NO_NAME.search(str(Path(place).absolute()))
    if sign is not None:
        raise StorageError(
            f"The ledger cannot lie in {place}: the name of a folder there holds '{sign[0]}'.",
            repair="Rename that folder, or name another place under [server] ledger in lichen.toml.",
            culprit=place,
        )
    return place


def _ledger_place(settings: Settings) -> str:
    return settings.server.ledger or str((settings.folder / ".lichen" / "ledger").absolute())


def existing_ledger(settings: Settings, *, create: bool = True) -> Ledger | None:
    """The ledger of a project; None when it has none yet.

    Args:
        create: make the one that the settings name where there is none.

    Raises:
        StorageError: the one that the settings name is away, forbidden or damaged.
    """
    if not settings.server.ledger and not Path(_ledger_place(settings), "ledger.json").is_file():
        return None
    place = ledger_place(settings)
    from lichen.ledger import open_ledger
    from lichen.ledger.handles import read_marker
    from lichen.ledger.location import parse

    if not create and read_marker(location := parse(place)) is None and location.empty():
        return None
    return open_ledger(place, create=create)
