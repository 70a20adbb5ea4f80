# SPDX-License-Identifier: Apache-2.0
"""Lichen measures and reduces the footprint of software."""

from pathlib import Path
from typing import Final

__version__: Final = "0.1.0"

NOMENCLATURE: Final = Path(__file__).with_name("nomenclature.csv")
"""The built-in nomenclature, as a plug-in of the group ``lichen.nomenclatures``."""
