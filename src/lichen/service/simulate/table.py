# SPDX-License-Identifier: Apache-2.0
"""A table of a scenario file, key by key: what is no number, no range or no known key is refused with its place."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final

from lichen.config.names import nearest
from lichen.errors import ConfigError
from lichen.portfolio.scenarios import LEVELS, Spread

_MOST: Final = 1e15


class Table:
    """A table of a file.

    Args:
        content: what stands in it.
        name: its heading, for messages; empty for the file itself.
        file: where it stands, for messages.
        known: keys that it may have.

    Raises:
        ConfigError: it is no table, or has a key that it may not have.
    """

    def __init__(self, content: Any, name: str, file: str, known: Iterable[str]) -> None:
        self.name, self.file = name, file
        if not isinstance(content, Mapping):
            raise self.error(f"'{name}' is no table", f"Write [{name}] above its keys.")
        self._content = content
        keys = list(known)
        for key in content:
            if key not in keys:
                raise self.error(f"There is no key '{self._dotted(key)}'", nearest(key, keys, valid_are="Keys"))

    def __contains__(self, key: str) -> bool:
        return key in self._content

    def error(self, problem: str, repair: str) -> ConfigError:
        """A refusal; ``problem`` ends without a full stop."""
        return ConfigError(f"{problem} ({self.file}).", repair=repair, culprit=f"{self.file}: {self.name}".strip(": "))

    def raw(self, key: str) -> Any:
        """What stands behind a key; None where it is absent."""
        return self._content.get(key)

    def text(self, key: str) -> str | None:
        """A text; None where it is absent."""
        found = self._content.get(key)
        if found is None:
            return None
        if not isinstance(found, str) or not found.strip() or not found.isprintable():
            raise self.error(f"{self._dotted(key)} is no text", f'Write {key} = "…".')
        return found.strip()

    def needed(self, key: str) -> str:
        """A text that must be there."""
        found = self.text(key)
        if found is None:
            raise self.error(f"{self._dotted(key)} is missing", f'Write {key} = "…".')
        return found

    def flag(self, key: str) -> bool:
        """Whether something is so; false where it is absent."""
        found = self._content.get(key, False)
        if not isinstance(found, bool):
            raise self.error(f"{self._dotted(key)} is neither true nor false", f"Write {key} = true.")
        return found

    def day(self, key: str) -> date | None:
        """A date, or the first day of a month such as ``2026-10``; None where it is absent."""
        found = self._content.get(key)
        if isinstance(found, datetime):
            return found.date()
        if isinstance(found, date) or found is None:
            return found
        try:
            return date.fromisoformat(found if len(str(found)) > len("2026-10") else f"{found}-01")
        except (TypeError, ValueError):
            raise self.error(f"{self._dotted(key)} is '{found}', no date", f"Write {key} = 2026-10-31.") from None

    def number(self, key: str, *, least: float = 0.0, most: float = _MOST) -> float | None:
        """A number; None where it is absent."""
        found = self._content.get(key)
        return None if found is None else self._checked(found, self._dotted(key), least, most)

    def spread(self, key: str, *, least: float = 0.0, most: float = _MOST) -> Spread | None:
        """A number, or ``{ low = 1, value = 2, high = 4 }``; None where it is absent."""
        found = self._content.get(key)
        if found is None:
            return None
        dotted = self._dotted(key)
        if not isinstance(found, Mapping):
            return Spread.of(self._checked(found, dotted, least, most))
        if set(found) != set(LEVELS):
            raise self.error(
                f"{dotted} has not just low, value and high", f"Write {key} = {{ low = 1, value = 2, high = 4 }}."
            )
        low, value, high = (self._checked(found[level], f"{dotted}.{level}", least, most) for level in LEVELS)
        if not low <= value <= high:
            raise self.error(
                f"{dotted} is {value:g}, not between {low:g} and {high:g}", "Put low, value and high in order."
            )
        return Spread(low, value, high)

    def _checked(self, found: Any, dotted: str, least: float, most: float) -> float:
        if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
            raise self.error(f"{dotted} is no number", "Write a number, such as 4000 or 0.25.")
        if not least <= found <= most:
            raise self.error(f"{dotted} is {found:g}", f"Write a number from {least:g} to {most:g}.")
        return float(found)

    def _dotted(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key
