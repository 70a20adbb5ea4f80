# SPDX-License-Identifier: Apache-2.0
"""The command line: one file a command, thin: parse, call the service, render. Commands are imported when they are called."""

import sys
from typing import NoReturn

_INTERRUPTED = 130


def main() -> NoReturn:
    """Entry point; a Ctrl-C while the rest is still being imported ends it as one that comes later does."""
    try:
        from lichen.cli.app import main as begin
    except KeyboardInterrupt:
        sys.stderr.write("stopped: nothing was written\n")
        sys.exit(_INTERRUPTED)
    begin()


__all__ = ["main"]
