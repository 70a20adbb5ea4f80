# SPDX-License-Identifier: Apache-2.0
"""Renderings of a result, plug-ins of the group ``lichen.outputs``, and of a gate, plug-ins of ``lichen.gate_outputs``.

Output rooms do not import one another.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

from lichen.service.gating.outcome import GateResult
from lichen.service.result import Result


class Output(Protocol):
    """A plug-in of the group ``lichen.outputs``. The class is instantiated without arguments."""

    name: ClassVar[str]
    media_type: ClassVar[str]
    suffix: ClassVar[str]

    def render(self, result: Result, *, lang: str) -> bytes:
        """The whole file, in ``en`` or ``fr``."""
        ...


class GateOutput(Protocol):
    """A plug-in of the group ``lichen.gate_outputs``. The class is instantiated without arguments."""

    name: ClassVar[str]
    media_type: ClassVar[str]
    suffix: ClassVar[str]

    def render(self, gate: GateResult, *, lang: str) -> bytes:
        """The whole file, in ``en`` or ``fr``."""
        ...
