# SPDX-License-Identifier: Apache-2.0
"""What makes CPU seconds repeat better on this kind of machine: measures it, and writes the page of it.

``noise.py``: the statements of the page, from the results that are kept beside it.
``noise.py measure --condition quiet|one|memory|two [--work loop|sql|page] [--scale 0.1]``: measures, replaces the results of that
condition. All of one condition takes some five minutes on a quiet machine. `quiet` wants a machine with nothing else to do.
``noise.py page``: writes docs/noise.md and its pictures from the results.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "noise_lab"))

import results
from bench import NEIGHBOURS
from cells import WORKS, measure
from statements import statements

from lichen.collect.journeys import driver_session


def take(condition: str, works: list[str], scale: float) -> None:
    """Measures the cells of a condition; each is kept as soon as it is done."""
    with tempfile.TemporaryDirectory() as folder, driver_session():
        for work in works:
            print(f"{condition}, {work} ...", end=" ", flush=True)
            record = measure(condition, work, Path(folder), scale=scale)
            results.keep(record)
            print(f"{record['machine']['wall_s']:.0f} s")


def main() -> int:
    """0; what is measured here has no limit to break."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", nargs="?", choices=("say", "measure", "page"), default="say")
    parser.add_argument("--condition", choices=tuple(NEIGHBOURS), default="quiet")
    parser.add_argument("--work", choices=WORKS, action="append")
    parser.add_argument("--scale", type=float, default=1.0)
    asked = parser.parse_args()
    if asked.action == "measure":
        take(asked.condition, asked.work or list(WORKS), asked.scale)
    elif asked.action == "page":
        from page import write

        for path in write(results.load()):
            print(path)
    else:
        print("\n".join(statements(results.load())))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
