# SPDX-License-Identifier: Apache-2.0
"""``python -m lichen.demo.reset --data DIR``: return the portal's data to the seed state."""

import argparse
import sys
from pathlib import Path

from lichen.demo import datadir
from lichen.errors import LichenError


def main(arguments: list[str] | None = None) -> int:
    """Reset a data folder; also while the portal runs.

    Args:
        arguments: command line without the program name; the process's own by default.

    Returns:
        The exit code: 0, or that of the error.
    """
    parser = argparse.ArgumentParser(prog="python -m lichen.demo.reset", description="Reset the portal's data.")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="data folder of the portal")
    folder: Path = parser.parse_args(arguments).data
    try:
        datadir.reset(folder)
    except LichenError as error:
        sys.stderr.write(f"{error.sentence()}\n")
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
