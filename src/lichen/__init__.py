# SPDX-License-Identifier: Apache-2.0
"""Lichen measures and reduces the footprint of software."""

from importlib import import_module
from pathlib import Path
from typing import Any, Final

__version__: Final = "0.1.0"

NOMENCLATURE: Final = Path(__file__).with_name("nomenclature.csv")
"""The built-in nomenclature, as a plug-in of the group ``lichen.nomenclatures``."""


def __getattr__(name: str) -> Any:
    """``lichen.track``, loaded when it is first used: importing Lichen stays cheap."""
    if name == "track":
        return import_module("lichen.tracking").track
    raise AttributeError(f"module 'lichen' has no attribute '{name}'")
