# SPDX-License-Identifier: Apache-2.0
"""The result as a JSON file."""

from __future__ import annotations

import json
from typing import ClassVar

from lichen.service.result import Result


class JsonExport:
    """The document of ``lichen measure --json``, indented and with sorted keys so that two runs can be compared line by line."""

    name: ClassVar[str] = "json"
    media_type: ClassVar[str] = "application/json"
    suffix: ClassVar[str] = ".json"

    def render(self, result: Result, *, lang: str) -> bytes:  # noqa: ARG002 - the document has no language
        """UTF-8 JSON; NaN and infinity are refused, unknown is null."""
        text = json.dumps(result.to_json(), sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
        return f"{text}\n".encode()
