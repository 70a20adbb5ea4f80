# SPDX-License-Identifier: Apache-2.0
"""The results: one record per condition and work, in a JSON file beside this module."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).resolve().with_name("results.json")


def load() -> list[dict[str, Any]]:
    """All records, none when nothing was measured yet."""
    return list(json.loads(FILE.read_text())["cells"]) if FILE.exists() else []


def keep(record: dict[str, Any]) -> None:
    """Adds a record; an older one of the same condition and work gives way."""
    key = (record["condition"], record["work"])
    cells = [cell for cell in load() if (cell["condition"], cell["work"]) != key]
    lines = ",\n".join(json.dumps(_rounded(cell)) for cell in (*cells, record))
    FILE.write_text(f'{{"cells": [\n{lines}\n]}}\n')


def _rounded(value: Any) -> Any:
    """Ten microseconds in seconds, and shorter for the loops of calibration, are all that a reader needs."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value
