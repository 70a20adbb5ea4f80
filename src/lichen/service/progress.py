# SPDX-License-Identifier: Apache-2.0
"""What a long use case tells while it works. The command line hands in something that draws it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Listener of a measurement."""

    def phase(self, text: str) -> None:
        """A new phase begins: parts start, a journey begins, the run is written."""
        ...

    def sample(self, journey: str, taken: int, expected: int, precision: float | None) -> None:
        """A sample of a journey was counted; ``expected`` is the present guess of how many there will be."""
        ...

    def done(self, text: str) -> None:
        """A phase ended."""
        ...

    def close(self) -> None:
        """Nothing more will be told, whether all went well or not: what was drawn is taken away. May be called twice."""
        ...


class Silent:
    """Says nothing."""

    def phase(self, text: str) -> None:
        """Nothing."""

    def sample(self, journey: str, taken: int, expected: int, precision: float | None) -> None:
        """Nothing."""

    def done(self, text: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""
