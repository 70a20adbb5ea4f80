# SPDX-License-Identifier: Apache-2.0
"""The outcome of the gate as a picture, for a readme or a page of a pipeline."""

from __future__ import annotations

from typing import ClassVar, Final

from lichen.render.badge import badge
from lichen.render.figures import plain, shorten
from lichen.render.gating import MARKS, GateText
from lichen.service.gating.outcome import GateResult

_NAME: Final = 40


class GateBadge:
    """Two fields: the application, and the verdict."""

    name: ClassVar[str] = "badge"
    media_type: ClassVar[str] = "image/svg+xml"
    suffix: ClassVar[str] = ".svg"

    def render(self, gate: GateResult, *, lang: str) -> bytes:
        """SVG without script, font or request."""
        text = GateText(gate, lang)
        left = shorten(plain(gate.project), _NAME)
        return badge(
            left, f"{MARKS[gate.outcome]} {text.verdict().lower()}", f"{left}: {text.headline()}", tone=gate.outcome
        ).encode()
