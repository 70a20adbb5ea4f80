# SPDX-License-Identifier: Apache-2.0
"""The processor's own meter (RAPL, running average power limit), as Linux shows it under /sys/class/powercap.

Zones lie inside each other: cores and graphics are part of their package, packages and memory part of the platform (psys). Only
packages and memory are added, or the platform is taken alone. Source: kernel Documentation/power/powercap/powercap.rst.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Final

from lichen.collect.base import Availability
from lichen.collect.machine.cumulative import Cumulative
from lichen.errors import NothingMeasured

POWERCAP: Final = Path("/sys/class/powercap")
_ZONE: Final = re.compile(r"intel-rapl:\d+(?::\d+)?")
"""Zones of the processor's registers; the same packages appear once more as ``intel-rapl-mmio``."""
_PACKAGE: Final = re.compile(r"package-\d+(?:-die-\d+)?")
_PLATFORM: Final = "psys"
_MEMORY: Final = "dram"
_MIRROR_UJ: Final = 1_000_000
"""Two counters of up to a quarter of a gigajoule that are closer than this are one counter shown twice."""
_REPAIR: Final = (
    "As root: chmod -R a+r /sys/class/powercap/* (again after each start of the machine), or run Lichen as root."
)
_MICRO: Final = 1e-6


@dataclass(slots=True)
class Zone:
    """One counter.

    Attributes:
        name: package-0, dram, psys...
        folder: where it lies; parent: name of the folder of the package that it belongs to.
        highest_uj: value after which it starts again from zero.
    """

    name: str
    folder: Path
    highest_uj: int | None
    fd: int = -1
    books: Cumulative[int] = field(default_factory=Cumulative)

    @property
    def parent(self) -> str:
        """Folder of the package that it is part of; its own when it is a package."""
        return ":".join(self.folder.name.split(":")[:2])

    def read_uj(self) -> int | None:
        """The counter now [µJ]; None when it cannot be read."""
        try:
            return int(os.pread(self.fd, 64, 0))
        except (OSError, ValueError):
            return None


def zones(folder: Path = POWERCAP) -> list[Zone]:
    """All zones of the processor, packages before what lies in them."""
    return sorted(_zones(folder), key=lambda zone: [int(part) for part in zone.folder.name.split(":")[1:]])


def _zones(folder: Path) -> Iterator[Zone]:
    try:
        listed = list(folder.iterdir())
    except OSError:
        return
    for place in listed:
        if _ZONE.fullmatch(place.name) is None:
            continue
        try:
            name = (place / "name").read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        try:
            highest = int((place / "max_energy_range_uj").read_text(encoding="ascii"))
        except (OSError, ValueError):
            highest = None
        yield Zone(name, place, highest, books=Cumulative(highest))


def counted(found: list[Zone]) -> list[Zone]:
    """The zones that are added: the platform alone where there is one, else packages and their memory."""
    platform = [zone for zone in found if zone.name == _PLATFORM]
    if platform:
        return platform
    return [zone for zone in found if _PACKAGE.fullmatch(zone.name) or zone.name == _MEMORY]


class Rapl:
    """Energy of the processors, with memory where it has a counter, or of the platform.

    Args:
        folder: where the zones lie.
    """

    def __init__(self, folder: Path = POWERCAP) -> None:
        self._folder = folder
        self._zones: list[Zone] = []
        self._notes: list[str] = []

    def start(self) -> None:
        """Opens the zones.

        Raises:
            NothingMeasured: there are none, or they may not be read.
        """
        found = zones(self._folder)
        if not found:
            raise NothingMeasured(
                f"This machine shows no RAPL meter in {self._folder}: virtual machines have none.",
                repair="Measure on a machine of your own, or take the meter out: a model stands in.",
                culprit=str(self._folder),
            )
        for chosen in (counted(found), counted([zone for zone in found if zone.name != _PLATFORM])):
            self._zones = self._opened(chosen)
            if self._zones:
                break
        if not self._zones:
            raise NothingMeasured(
                f"The RAPL meter in {self._folder} counts neither packages nor a platform.",
                repair="Take the meter out: a model stands in.",
                culprit=str(self._folder),
            )
        self._leave_mirrors()
        names = ", ".join(f"{zone.name} ({zone.folder.name})" for zone in self._zones)
        if self._zones[0].name != _PLATFORM:
            self._notes.append(
                f"RAPL counts {names}: power supply, storage, network and, without dram, memory are not in it, so that it is a "
                "lower bound of the machine."
            )
        else:
            self._notes.append(
                f"RAPL counts {names}: the platform as its maker wired it, without losses of the power supply."
            )
        self.read_j()

    def _opened(self, chosen: list[Zone]) -> list[Zone]:
        """The zones whose counters move: a platform that its maker did not wire stays at zero."""
        for zone in chosen:
            file = zone.folder / "energy_uj"
            try:
                zone.fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
            except OSError as error:
                self._close(chosen)
                denied = isinstance(error, PermissionError)
                raise NothingMeasured(
                    f"The RAPL meter {file} cannot be read: {error.strerror}.",
                    repair=_REPAIR if denied else "Take the meter out: a model stands in.",
                    culprit=str(file),
                ) from error
        if any(zone.name == _PLATFORM and not zone.read_uj() for zone in chosen):
            self._close(chosen)
            return []
        return chosen

    def _leave_mirrors(self) -> None:
        """Leaves out zones that show the counter of another: some processors give one register for each of their dies."""
        values = [zone.read_uj() for zone in self._zones]
        mirrored = set()
        for a, b in combinations(range(len(values)), 2):
            x, y = values[a], values[b]
            if self._zones[a].name == _MEMORY or self._zones[b].name == _MEMORY or not x or not y:
                continue
            if abs(x - y) < _MIRROR_UJ:
                mirrored.add(b)
        if mirrored:
            left = [zone for i, zone in enumerate(self._zones) if i in mirrored]
            self._notes.append(
                f"{', '.join(zone.name for zone in left)} of RAPL shows the counter of another zone and is left out."
            )
            self._close(left)
            self._zones = [zone for i, zone in enumerate(self._zones) if i not in mirrored]

    def read_j(self) -> float | None:
        """Energy since `start` [J]; None when a zone cannot be read now."""
        totals = [zone.books.feed(zone.read_uj()) for zone in self._zones]
        known = [total for total in totals if total is not None]
        return sum(known) * _MICRO if known and len(known) == len(totals) else None

    def notes(self) -> tuple[str, ...]:
        """Which zones are counted."""
        return tuple(self._notes)

    def close(self) -> None:
        """Gives the descriptors back."""
        self._close(self._zones)

    @staticmethod
    def _close(listed: list[Zone]) -> None:
        for zone in listed:
            if zone.fd >= 0:
                os.close(zone.fd)
                zone.fd = -1


def probe(folder: Path = POWERCAP) -> Availability:
    """Whether the processor's meter can be read."""
    meter = Rapl(folder)
    try:
        meter.start()
    except NothingMeasured as error:
        return Availability(False, error.problem, error.repair)
    meter.close()
    return Availability(True)
