# SPDX-License-Identifier: Apache-2.0
"""Factors: what one unit of electricity, of a device, of a network or of a server costs, with source and range.

The packs are plug-ins of the group ``lichen.factor_packs``; each constant below is one of them. A pack is a file, and adding
a factor is adding a row: see ``docs/recipes/add-a-factor.md``.
"""

from pathlib import Path
from typing import Final

_PACKS: Final = Path(__file__).with_name("packs")

SOURCES: Final = _PACKS / "sources.toml"
"""Bibliography that every pack may cite from."""

PACK_ELECTRICITY: Final = _PACKS / "electricity.toml"
PACK_REGIONS: Final = _PACKS / "regions.toml"
PACK_GENERATION: Final = _PACKS / "generation.toml"
PACK_DEVICES: Final = _PACKS / "devices.toml"
PACK_DEVICE_MIX: Final = _PACKS / "device_mix.toml"
PACK_NETWORKS: Final = _PACKS / "networks.toml"
PACK_SERVERS: Final = _PACKS / "servers.toml"
PACK_SERVER_POWER: Final = _PACKS / "server_power.toml"
PACK_STORAGE: Final = _PACKS / "storage.toml"
PACK_CLOUD: Final = _PACKS / "cloud.toml"
PACK_SCREENS: Final = _PACKS / "screens.toml"
PACK_GREENFRAME: Final = _PACKS / "greenframe.toml"
PACK_SWDM_4: Final = _PACKS / "swdm4.toml"
PACK_SWDM_3: Final = _PACKS / "swdm3.toml"
PACK_ONEBYTE: Final = _PACKS / "onebyte.toml"
PACK_ECOINDEX: Final = _PACKS / "ecoindex.toml"
PACK_BOAVIZTA: Final = _PACKS / "boavizta.toml"
PACK_CCF: Final = _PACKS / "ccf.toml"
PACK_TDP: Final = _PACKS / "tdp.toml"

BUILTIN_PACKS: Final = (
    PACK_ELECTRICITY,
    PACK_REGIONS,
    PACK_GENERATION,
    PACK_DEVICES,
    PACK_DEVICE_MIX,
    PACK_NETWORKS,
    PACK_SERVERS,
    PACK_SERVER_POWER,
    PACK_STORAGE,
    PACK_CLOUD,
    PACK_SCREENS,
    PACK_GREENFRAME,
    PACK_SWDM_4,
    PACK_SWDM_3,
    PACK_ONEBYTE,
    PACK_ECOINDEX,
    PACK_BOAVIZTA,
    PACK_CCF,
    PACK_TDP,
)
"""The packs that ship with Lichen, in the order of their description."""

TABLE_SERVER_POWER: Final = Path(__file__).with_name("tables") / "server_power.csv"
"""Rows of the pack ``server-power`` that a fit made; ``tools/fit_server_power.py`` writes them."""

TABLE_VCPU_POWER: Final = Path(__file__).with_name("tables") / "vcpu_power.csv"
"""Rows of the pack ``cloud`` by architecture; ``tools/fit_vcpu_power.py`` writes them."""
