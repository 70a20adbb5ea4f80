# SPDX-License-Identifier: Apache-2.0
"""Sources of electricity by the hour. Nothing here is asked unless a person runs ``lichen factors fetch``."""

from collections.abc import Mapping
from typing import Final

ADAPTERS: Final[Mapping[str, str]] = {
    "electricity-maps": "lichen.factors.adapters.electricity_maps:ElectricityMaps",
    "entsoe": "lichen.factors.adapters.entsoe:Entsoe",
    "neso": "lichen.factors.adapters.neso:Neso",
    "rte": "lichen.factors.adapters.rte:Rte",
}
"""Name of each source, and the class that reads it."""
