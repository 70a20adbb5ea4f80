# SPDX-License-Identifier: Apache-2.0
"""The words of the command line that name what is compared."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lichen import redact
from lichen.errors import UsageError
from lichen.ledger.runfile import SUFFIX
from lichen.service.verdict import OperandKind

_SCHEMES: Final = ("http://", "https://")
_PREFIXES: Final[tuple[OperandKind, ...]] = ("url", "cmd", "git", "run")
_SHAPES: Final = "url:https://… (or the address alone), cmd:COMMAND, git:REF or run:FILE"


@dataclass(frozen=True, slots=True)
class Operand:
    """One side as it was asked for: ``value`` is what stands behind the kind."""

    kind: OperandKind
    value: str

    @property
    def text(self) -> str:
        """As the user may write it, secrets masked."""
        return redact.text(f"{self.kind}:{self.value}")

    @property
    def command(self) -> tuple[str, ...]:
        """Words of a ``cmd`` operand."""
        return tuple(shlex.split(self.value))

    @property
    def files(self) -> tuple[Path, ...]:
        """Files of a ``run`` operand, which are joined by commas."""
        return tuple(Path(name) for name in self.value.split(","))


def parse_operand(word: str) -> Operand:
    """An operand from its word.

    Raises:
        UsageError: it is none; the repair names the shapes.
    """
    kind, colon, value = word.partition(":")
    if word.startswith(_SCHEMES):
        return Operand("url", word)
    if not colon or kind not in _PREFIXES:
        looks_recorded = word.endswith(SUFFIX) or Path(word).is_file()
        repair = f"Did you mean run:{word}?" if looks_recorded else f"Write {_SHAPES}."
        raise UsageError(f"'{word}' does not say what it is.", repair=repair, culprit=word)
    operand = Operand(kind, value.strip())
    if not operand.value:
        raise UsageError(f"'{word}' names nothing.", repair=f"Write {_SHAPES}.", culprit=word)
    if operand.kind == "url" and not operand.value.startswith(_SCHEMES):
        raise UsageError(
            f"'{operand.value}' is no address.", repair="An address starts with http:// or https://.", culprit=word
        )
    if operand.kind == "cmd":
        try:
            words = operand.command
        except ValueError as error:
            raise UsageError(
                f"The command '{operand.value}' cannot be read: {error}.", repair="Close its quotes.", culprit=word
            ) from error
        if not words:
            raise UsageError(f"'{word}' names nothing.", repair=f"Write {_SHAPES}.", culprit=word)
    return operand


def check_pair(base: Operand, head: Operand) -> None:
    """Refuses recorded runs beside a site that is measured now: two moments are never compared silently.

    Raises:
        UsageError: one side is recorded and the other is not.
    """
    if (base.kind == "run") != (head.kind == "run"):
        live = head if base.kind == "run" else base
        raise UsageError(
            f"'{live.text}' would be measured now, the other side was recorded.",
            repair="Measure it first (lichen measure) and compare two run:FILE, or give a base that can be started.",
            culprit=live.text,
        )
