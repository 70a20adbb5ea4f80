# SPDX-License-Identifier: Apache-2.0
"""The gate as JSON: what `lichen gate --json` prints and `lichen comment` reads."""

from __future__ import annotations

import json
from typing import ClassVar

from lichen.service.gating.outcome import GateResult, gate_document


class GateJson:
    """The document of the gate, indented and with sorted keys."""

    name: ClassVar[str] = "json"
    media_type: ClassVar[str] = "application/json"
    suffix: ClassVar[str] = ".json"

    def render(self, gate: GateResult, *, lang: str) -> bytes:  # noqa: ARG002 - the document has no language
        """UTF-8 JSON; unknown is null."""
        text = json.dumps(gate_document(gate), sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
        return f"{text}\n".encode()
