# SPDX-License-Identifier: Apache-2.0
"""Standard error that cannot fail: what is said on the side never decides how a command ends."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO, cast


class _Lossy(io.TextIOWrapper):
    """Text that goes nowhere from the first failure on: a full disk, a reader that left, a descriptor that is not for writing."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError:
            self._give_up()
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        """Also for what is still buffered, which Python would complain about at exit."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, self.fileno())
        finally:
            os.close(nowhere)


@contextlib.contextmanager
def lossy_stderr() -> Iterator[None]:
    """While it lasts, writing to ``sys.stderr`` raises no OSError. A stream that stands in for the process's own is kept."""
    before = cast("TextIO | None", sys.stderr)
    if before is None:  # the process was started without one
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stderr(nowhere):
            yield
    elif isinstance(before, io.TextIOWrapper) and before is sys.__stderr__:
        stream = _Lossy(before.buffer, before.encoding, "backslashreplace", line_buffering=True)
        try:
            with contextlib.redirect_stderr(stream):
                yield
        finally:
            stream.flush()
            stream.detach()
    else:
        yield
