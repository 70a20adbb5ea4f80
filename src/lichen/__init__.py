# SPDX-License-Identifier: Apache-2.0
"""Lichen measures and reduces the footprint of software."""

from importlib import import_module
from pathlib import Path
from typing import Any, Final

__version__: Final = "0.1.0"

NOMENCLATURE: Final = Path(__file__).with_name("nomenclature.csv")
"""The built-in nomenclature, as a plug-in of the group ``lichen.nomenclatures``."""


_PUBLIC: Final = {"track": "lichen.tracking", "evaluate": "lichen.service.figures"}


def __getattr__(name: str) -> Any:
    """``lichen.track`` and ``lichen.evaluate``, loaded when they are first used: importing Lichen stays cheap."""
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'lichen' has no attribute '{name}'")
