# SPDX-License-Identifier: Apache-2.0
"""Energy of NVIDIA graphics cards, as their driver counts it (NVML), through its shared library.

Cards since Volta count millijoules since the driver was loaded. Older ones only tell their power, which is integrated here.
Source: docs.nvidia.com/deploy/nvml-api, nvmlDeviceGetTotalEnergyConsumption and nvmlDeviceGetPowerUsage.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from lichen.collect.base import Availability
from lichen.collect.machine.cumulative import Cumulative
from lichen.errors import NothingMeasured

LIBRARY: Final = "libnvidia-ml.so.1"
_SUCCESS: Final = 0
_MILLI: Final = 1e-3


class Card(Protocol):
    """One graphics card."""

    def energy_mj(self) -> int | None:
        """Energy since the driver was loaded [mJ]; None when it cannot be read or is not counted."""
        ...

    def power_mw(self) -> int | None:
        """Power now [mW]; None when it cannot be read."""
        ...


class NvmlError(Exception):
    """A call that did not succeed.

    Attributes:
        status: NVML's return code.
    """

    def __init__(self, function: str, status: int) -> None:
        super().__init__(f"{function} returned {status}")
        self.status = status


class Library:
    """The driver's library, initialised. `close` it.

    Raises:
        OSError: it is not installed.
        NvmlError: it does not start.
    """

    def __init__(self, path: str = LIBRARY) -> None:
        self._library = ctypes.CDLL(path)
        self.call("nvmlInit_v2")

    def call(self, function: str, *arguments: Any) -> None:
        """Calls a function.

        Raises:
            NvmlError: it did not succeed.
        """
        status = getattr(self._library, function)(*arguments)
        if status != _SUCCESS:
            raise NvmlError(function, status)

    def cards(self) -> list[NvmlCard]:
        """All cards that this user may see."""
        count = ctypes.c_uint()
        self.call("nvmlDeviceGetCount_v2", ctypes.byref(count))
        found = []
        for index in range(count.value):
            handle = ctypes.c_void_p()
            self.call("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(index), ctypes.byref(handle))
            found.append(NvmlCard(self, handle))
        return found

    def close(self) -> None:
        """Lets the library go."""
        self._library.nvmlShutdown()


class NvmlCard:
    """A card behind its handle."""

    def __init__(self, library: Library, handle: ctypes.c_void_p) -> None:
        self._library = library
        self._handle = handle

    def energy_mj(self) -> int | None:
        """Energy since the driver was loaded [mJ]."""
        return self._ask("nvmlDeviceGetTotalEnergyConsumption", ctypes.c_ulonglong())

    def power_mw(self) -> int | None:
        """Power now [mW]."""
        return self._ask("nvmlDeviceGetPowerUsage", ctypes.c_uint())

    def _ask(self, function: str, answer: ctypes.c_ulonglong | ctypes.c_uint) -> int | None:
        try:
            self._library.call(function, self._handle, ctypes.byref(answer))
        except (NvmlError, AttributeError):
            return None
        return int(answer.value)


@dataclass(slots=True)
class _Books:
    """Energy of one card since it is watched.

    Attributes:
        counts: whether it counts energy by itself; else its power is integrated.
    """

    card: Card
    counts: bool
    counter: Cumulative[float] = field(default_factory=Cumulative)
    integral_j: float = 0.0
    last: tuple[int, float] | None = None

    def read_j(self, now_ns: int) -> float | None:
        if self.counts:
            total_mj = self.counter.feed(self.card.energy_mj())
            return None if total_mj is None else total_mj * _MILLI
        power_mw = self.card.power_mw()
        if power_mw is None:
            return None
        power_w = power_mw * _MILLI
        if self.last is not None:
            self.integral_j += (self.last[1] + power_w) / 2 * (now_ns - self.last[0]) / 1e9
        self.last = now_ns, power_w
        return self.integral_j


class Nvml:
    """Energy of all cards.

    Args:
        open_cards: gives the cards, and what closes them.
        clock_ns: monotonic clock.
    """

    def __init__(
        self,
        open_cards: Callable[[], tuple[list[Card], Callable[[], None]]] | None = None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._open_cards = open_cards or _installed
        self._clock_ns = clock_ns
        self._books: list[_Books] = []
        self._close: Callable[[], None] | None = None

    def start(self) -> None:
        """Opens the driver's library.

        Raises:
            NothingMeasured: there is no driver, no card, or none that tells energy or power.
        """
        cards, self._close = self._open_cards()
        self._books = [_Books(card, counts=card.energy_mj() is not None) for card in cards]
        if not self._books or self.read_j() is None:
            self.close()
            raise NothingMeasured(
                "No NVIDIA card here tells its energy or its power." if cards else "This machine has no NVIDIA card.",
                repair="Take the meter out.",
                culprit="nvml",
            )

    def read_j(self) -> float | None:
        """Energy of all cards since `start` [J]; None when one of them cannot be read now."""
        now_ns = self._clock_ns()
        totals = [books.read_j(now_ns) for books in self._books]
        known = [total for total in totals if total is not None]
        return sum(known) if known and len(known) == len(totals) else None

    def notes(self) -> tuple[str, ...]:
        """How energy is known where no card counts it."""
        if all(books.counts for books in self._books):
            return ()
        return ("A graphics card tells its power only: it is read every second and integrated.",)

    def close(self) -> None:
        """Lets the library go."""
        if self._close is not None:
            self._close()
            self._close = None


def _installed() -> tuple[list[Card], Callable[[], None]]:
    try:
        library = Library()
    except (OSError, AttributeError) as error:
        raise NothingMeasured(
            f"There is no driver of NVIDIA cards here: {error}.",
            repair="Install it, or take the meter out.",
            culprit=LIBRARY,
        ) from error
    except NvmlError as error:
        raise NothingMeasured(
            f"The driver of NVIDIA cards does not start: {error}.",
            repair="See nvidia-smi: the kernel module must be loaded, and this user may have to see /dev/nvidia*.",
            culprit=LIBRARY,
        ) from error
    try:
        return list(library.cards()), library.close
    except NvmlError as error:
        library.close()
        raise NothingMeasured(
            f"The cards of NVIDIA's driver cannot be listed: {error}.", repair="See nvidia-smi.", culprit=LIBRARY
        ) from error


def probe() -> Availability:
    """Whether NVIDIA's driver tells energy."""
    meter = Nvml()
    try:
        meter.start()
    except NothingMeasured as error:
        return Availability(False, error.problem, error.repair)
    meter.close()
    return Availability(True)
