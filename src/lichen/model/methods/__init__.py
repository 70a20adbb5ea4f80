# SPDX-License-Identifier: Apache-2.0
"""Method files, each a plug-in of the group ``lichen.methods``."""

from pathlib import Path
from typing import Final

_HERE = Path(__file__).parent
LICHEN_1: Final = _HERE / "lichen-1.toml"
GREENFRAME_2: Final = _HERE / "greenframe-2.toml"
SWDM_4: Final = _HERE / "swdm-4.toml"
SWDM_3: Final = _HERE / "swdm-3.toml"
ONEBYTE: Final = _HERE / "onebyte.toml"
ECOINDEX: Final = _HERE / "ecoindex.toml"
BOAVIZTA_2_5: Final = _HERE / "boavizta-2.5.toml"
CCF_2024: Final = _HERE / "ccf-2024.toml"
CCF_FIXED: Final = _HERE / "ccf-fixed.toml"
TEADS: Final = _HERE / "teads.toml"
SDIA: Final = _HERE / "sdia.toml"
