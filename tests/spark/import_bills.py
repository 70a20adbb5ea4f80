# SPDX-License-Identifier: Apache-2.0
"""Imports a bill into several folders by one engine: Java starts once for all of them.

    python import_bills.py ENGINE FILE FOLDER...

Prints the exit codes as a list, the last line of stdout.
"""

from __future__ import annotations

import json
import os
import sys

from lichen.cli.app import root


def imported(engine: str, file: str, folder: str) -> int:
    """Exit code of the import into a folder."""
    os.chdir(folder)
    try:
        root.main(["import", "bills", file, "--create", "--engine", engine])
    except SystemExit as left:
        return int(left.code or 0)


if __name__ == "__main__":
    _, by, bill, *folders = sys.argv
    codes = [imported(by, bill, folder) for folder in folders]
    sys.stdout.write(f"{json.dumps(codes)}\n")
