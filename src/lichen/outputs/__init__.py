# SPDX-License-Identifier: Apache-2.0
"""Renderings of a result. Each output is a plug-in of the group ``lichen.outputs``; output rooms do not import one another."""

from __future__ import annotations

from typing import ClassVar, Protocol

from lichen.service.result import Result


class Output(Protocol):
    """A plug-in of the group ``lichen.outputs``. The class is instantiated without arguments."""

    name: ClassVar[str]
    media_type: ClassVar[str]
    suffix: ClassVar[str]

    def render(self, result: Result, *, lang: str) -> bytes:
        """The whole file, in ``en`` or ``fr``."""
        ...
