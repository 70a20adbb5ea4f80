# SPDX-License-Identifier: Apache-2.0
"""Method files, each a plug-in of the group ``lichen.methods``."""

from pathlib import Path
from typing import Final

_HERE = Path(__file__).parent
LICHEN_1: Final = _HERE / "lichen-1.toml"
GREENFRAME_2: Final = _HERE / "greenframe-2.toml"
