# SPDX-License-Identifier: Apache-2.0
"""Slowing down who guesses: counters of failures and of requests that forget, in a bounded memory."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_KEYS_MAX: Final = 10_000


@dataclass(slots=True)
class _Level:
    amount: float
    at_s: float


class Throttle:
    """A bucket for each key: it takes ``burst`` at once and empties at ``per_s``.

    Keys that were not seen for longest are forgotten first, so that no number of addresses fills the memory.

    Args:
        per_s: what leaks from a bucket, per second.
        burst: what a bucket holds.
        clock: monotonic seconds.
        keys_max: buckets that are remembered.
    """

    def __init__(self, *, per_s: float, burst: float, clock: Callable[[], float], keys_max: int = _KEYS_MAX) -> None:
        self._per_s: Final = per_s
        self._burst: Final = burst
        self._clock: Final = clock
        self._keys_max: Final = keys_max
        self._levels: Final[OrderedDict[str, _Level]] = OrderedDict()
        self._lock: Final = threading.Lock()

    def __len__(self) -> int:
        return len(self._levels)

    def wait_s(self, key: str) -> int:
        """Whole seconds until one more fits in; 0 when it fits now."""
        with self._lock:
            return self._missing_s(self._level(key).amount)

    def add(self, key: str) -> int:
        """Takes one more when it fits; else leaves the bucket as it is and says the seconds to wait."""
        with self._lock:
            level = self._level(key)
            missing = self._missing_s(level.amount)
            if not missing:
                level.amount += 1
            return missing

    def give_back(self, key: str) -> None:
        """Takes one out again: it was counted before it was known to be harmless."""
        with self._lock:
            level = self._level(key)
            level.amount = max(0.0, level.amount - 1)

    def forget(self, key: str) -> None:
        """Empties a bucket."""
        with self._lock:
            self._levels.pop(key, None)

    def _missing_s(self, amount: float) -> int:
        over = amount + 1 - self._burst
        return max(1, math.ceil(over / self._per_s)) if over > 0 else 0

    def _level(self, key: str) -> _Level:
        now_s = self._clock()
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = _Level(0.0, now_s)
            if len(self._levels) > self._keys_max:
                self._levels.popitem(last=False)
        else:
            self._levels.move_to_end(key)
            level.amount = max(0.0, level.amount - max(0.0, now_s - level.at_s) * self._per_s)
            level.at_s = now_s
        return level
