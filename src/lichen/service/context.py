# SPDX-License-Identifier: Apache-2.0
"""What every use case of the server needs: decisions, facts, the model, and the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lichen.config import Settings
    from lichen.ledger import Ledger
    from lichen.service.workspace import Workspace
    from lichen.store import Store


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


def store_url(settings: Settings) -> str:
    """The database of decisions."""
    return settings.server.store or f"sqlite:///{(settings.folder / '.lichen' / 'lichen.db').absolute()}"


def ledger_place(settings: Settings) -> str:
    """The folder or bucket of facts."""
    return settings.server.ledger or str((settings.folder / ".lichen" / "ledger").absolute())
