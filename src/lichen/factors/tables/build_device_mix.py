# SPDX-License-Identifier: Apache-2.0
"""Makes ``packs/device_mix.toml``: the device of an unknown visitor, from the shares and factors of ``packs/devices.toml``.

Run it with ``python -m lichen.factors.tables.build_device_mix [OUTPUT]``.

A power of the mix is the mean of the devices' powers weighted by share. An embodied impact is charged per hour of use, so
the mix's is chosen such that impact / lifetime equals the weighted mean of the devices' impact / lifetime. Ranges: the
devices' own half-ranges with their weights, and the half-range of each share times the device's distance from the mean, all
added in quadrature.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lichen.factors import PACK_DEVICE_MIX, PACK_DEVICES
from lichen.factors.store import FactorStore
from lichen.records import Factor

DEVICES: Final = ("smartphone", "laptop", "desktop", "tablet")
WEIGHTED: Final = ("idle_power", "screen_power", "cpu_energy", "memory_power", "disk_energy", "lifetime_use")
PER_HOUR: Final = ("embodied_gwp100", "embodied_adpe", "embodied_pe", "embodied_water")

_HEADER: Final = """# SPDX-License-Identifier: Apache-2.0
# The device of an unknown visitor. Made by tables/build_device_mix.py from devices.toml: change that file, not this one.

[pack]
id = "device-mix"
version = "{version}"
description = "The default mix of devices, computed from the shares and factors of the pack 'devices'."

[defaults]
boundary = "device"
geography = "WORLD"
valid_from = {valid_from}
source = "lichen-pedigree"
range_basis = "assumed"
comment = "{comment}"
"""


def build() -> str:
    """The pack as toml text."""
    store = FactorStore.load([PACK_DEVICES])
    shares = {device: store.lookup(f"device.mix.share_{device}").value for device in DEVICES}
    some = store.lookup("device.laptop.idle_power")
    shown = ", ".join(f"{device} {share:.0%}" for device, share in shares.items())
    header = _HEADER.format(
        version=some.pack.split()[-1],
        valid_from=some.valid_from.isoformat(),
        comment=f"Mean of the pack 'devices' by share: {shown}; half-ranges of devices and shares added in quadrature.",
    )
    lifetime = _mean(store, shares, "lifetime_use", lambda factor, _: factor.value).value
    blocks = [_block(store, shares, name, lambda factor, _: factor.value) for name in WEIGHTED]
    blocks += [_block(store, shares, name, lambda factor, life: factor.value / life * lifetime) for name in PER_HOUR]
    return "\n".join([header, *blocks])


_Scale = Callable[[Factor, float], float]


@dataclass(frozen=True, slots=True)
class _Mean:
    value: float
    low: float
    high: float
    unit: str


def _mean(store: FactorStore, shares: Mapping[str, float], name: str, scaled: _Scale) -> _Mean:
    """Share-weighted mean of a factor. ``scaled`` takes the factor and the device's lifetime [h]."""
    factors = {device: store.lookup(f"device.{device}.{name}") for device in shares}
    each = {
        device: scaled(factor, store.lookup(f"device.{device}.lifetime_use").value)
        for device, factor in factors.items()
    }
    value = sum(share * each[device] for device, share in shares.items())
    below, above = [], []
    for device, factor in factors.items():
        share = store.lookup(f"device.mix.share_{device}")
        moved = (share.high - share.low) / 2 * (each[device] - value)
        below += [moved, share.value * each[device] * (1 - factor.low / factor.value)]
        above += [moved, share.value * each[device] * (factor.high / factor.value - 1)]
    return _Mean(value, value - math.hypot(*below), value + math.hypot(*above), factors["laptop"].unit)


def _block(store: FactorStore, shares: Mapping[str, float], name: str, scaled: _Scale) -> str:
    mean = _mean(store, shares, name, scaled)
    return (
        f'[[factor]]\nid = "device.mix.{name}"\nvalue = {mean.value:.4g}\nlow = {mean.low:.4g}\nhigh = {mean.high:.4g}\n'
        f'unit = "{mean.unit}"\n'
    )


def main() -> int:
    """Writes the pack."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PACK_DEVICE_MIX
    path.write_text(build(), encoding="utf-8")
    print(f"-> {path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
