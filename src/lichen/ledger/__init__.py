# SPDX-License-Identifier: Apache-2.0
"""Where facts are kept. Run files are the landing format: a folder of them is enough for every command on one machine.

The ledger holds the same rows in Delta tables, for servers and analyses. Its names are loaded when they are first asked for: most
commands need run files only.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from lichen.ledger.adopting import RowFile
    from lichen.ledger.opening import Ledger, open_ledger
    from lichen.ledger.reader import Selection
    from lichen.ledger.tables import Fact, RunContent
    from lichen.ledger.writer import Appended, Slice

__all__ = ["Appended", "Fact", "Ledger", "RowFile", "RunContent", "Selection", "Slice", "open_ledger"]

_HOMES: Final = {
    "Appended": "writer", "Fact": "tables", "Ledger": "opening", "RowFile": "adopting", "RunContent": "tables",
    "Selection": "reader", "Slice": "writer", "open_ledger": "opening",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
