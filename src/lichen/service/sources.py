# SPDX-License-Identifier: Apache-2.0
"""Which factors a composite factor was made of: the default mix of devices stands for four devices and their publications."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from lichen.errors import FactorNotFound
from lichen.factors.tables.build_device_mix import DEVICES, PER_HOUR
from lichen.records import Factor
from lichen.service.workspace import Workspace

_MIX: Final = "device.mix."
_SHARE: Final = "share_"


def components(workspace: Workspace, factor: Factor, on: date | None = None) -> list[dict[str, Any]]:
    """What a factor is a weighted mean of, heaviest first.

    Args:
        factor: any; only those of the mix of devices have components.
        on: day whose vintage is shown.

    Returns:
        Per device: its name, the factor with its own source, its share with its source, and whether it is weighted by hour of
        use. Empty for a factor that is not composite, or whose devices a pack of the user's has replaced.
    """
    name = factor.factor_id.removeprefix(_MIX)
    if name == factor.factor_id or name.startswith(_SHARE):
        return []
    try:
        found = [
            {
                "device": device,
                "factor": workspace.lookup(f"device.{device}.{name}", None, on=on).to_json(),
                "share": workspace.lookup(f"{_MIX}{_SHARE}{device}", None, on=on).to_json(),
                "per_hour": name in PER_HOUR,
            }
            for device in DEVICES
        ]
    except FactorNotFound:
        return []
    return sorted(found, key=lambda row: -row["share"]["value"])
