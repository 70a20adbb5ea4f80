# SPDX-License-Identifier: Apache-2.0
"""Progress of a measurement on stderr where no bar can be drawn: one line when a phase begins, one when it ends."""

from __future__ import annotations

import click


class Lines:
    """Plain lines; a listener of `lichen.service.progress`."""

    def __init__(self) -> None:
        self._taken = 0

    def phase(self, text: str) -> None:
        """A new phase begins."""
        self._taken = 0
        click.echo(f"{text} ...", err=True)

    def sample(self, journey: str, taken: int, expected: int, precision: float | None) -> None:  # noqa: ARG002 - the protocol's
        """Remembered for the line at the end."""
        self._taken = taken

    def done(self, text: str) -> None:
        """A phase ended."""
        samples = f" ({self._taken} samples)" if self._taken else ""
        click.echo(f"{text}: done{samples}", err=True)
