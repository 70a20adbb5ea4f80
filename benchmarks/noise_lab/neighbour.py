# SPDX-License-Identifier: Apache-2.0
"""A busy neighbour: ``neighbour.py cpu`` computes in its registers, ``neighbour.py memory`` copies more than the caches hold."""

from __future__ import annotations

import sys

import numpy as np
from fixed_work import loop

BYTES = 128 * 2**20


def main(kind: str) -> None:
    """Until it is killed."""
    if kind == "cpu":
        while True:
            loop(1_000_000)
    source, target = np.ones(BYTES // 8), np.zeros(BYTES // 8)
    while True:
        np.copyto(target, source)


if __name__ == "__main__":
    main(sys.argv[1])
