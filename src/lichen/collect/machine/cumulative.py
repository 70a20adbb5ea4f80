# SPDX-License-Identifier: Apache-2.0
"""Counters that others keep, made to grow only: what they add is kept when they start again from zero."""

from __future__ import annotations

from typing import Generic, TypeVar

_N = TypeVar("_N", int, float)


class Cumulative(Generic[_N]):
    """Sum of the increases of one counter since it is watched.

    Args:
        highest: last value before it starts again from zero, where it does so; None: a fall means that it was set to zero.

    Attributes:
        resets: how often the counter was seen to start again by itself.
    """

    __slots__ = ("_before", "_from", "_highest", "_last", "resets")

    def __init__(self, highest: _N | None = None) -> None:
        self.resets = 0
        self._highest: _N | None = highest
        self._before: _N | None = None
        self._from: _N | None = None
        self._last: _N | None = None

    def feed(self, value: _N | None) -> _N | None:
        """Takes the counter's present value; the total, None when the value is unknown now.

        The first value is the start. A value below the previous one has started from zero in between. An unknown value changes
        nothing: the next one continues from the one before it.
        """
        if value is None:
            return None
        if self._from is None:
            self._from = value
        elif self._last is not None and value < self._last:
            self.resets += 1
            if self._highest is not None:
                self._last = self._highest
            self.restart()
        self._last = value
        return self.total

    @property
    def total(self) -> _N | None:
        """What was added so far; None when no value was ever known."""
        if self._from is None:
            return self._before
        added = (self._from if self._last is None else self._last) - self._from
        return added if self._before is None else self._before + added

    def restart(self) -> None:
        """The next value belongs to a new counter that began at zero."""
        self._before = self.total
        self._last = None
        self._from = None if self._before is None else type(self._before)(0)
