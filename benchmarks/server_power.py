# SPDX-License-Identifier: Apache-2.0
"""Power of servers without a meter: Lichen's model against published formulas, on servers whose processor no fit has seen.

TABLE is a csv file of SPECpower_ssj2008 results, which is not shipped. Peers: SDIA (chips x TDP x
u / 0.65), the Teads curve on TDP, and Cloud Carbon Footprint's AWS average of 0.74 to 3.5 W per thread, with and without its
0.392 W/GB. Limits for servers from 2015 on: mean absolute error 18 %, coverage of the 90 % range at least 85 %, both with each
CPU model left out of coefficients and range in turn; and no peer may be closer.

Run: .venv/bin/python benchmarks/server_power.py TABLE.csv
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np

MAPE_LIMIT = 0.18
COVERAGE_LIMIT = 0.85
FIT = runpy.run_path(str(Path(__file__).resolve().parents[1] / "tools" / "fit_server_power.py"))
LOADS = FIT["LOADS"]


def peers(servers: Any) -> dict[str, np.ndarray]:
    """Watts at the eleven loads as others would give them."""
    per_thread = servers.threads[:, None] * (0.74 + (3.5 - 0.74) * LOADS)
    return {
        "SDIA": servers.tdp_w[:, None] * LOADS / 0.65,
        "Teads x TDP": servers.tdp_w[:, None] * np.interp(LOADS, [0, 0.1, 0.5, 1], [0.12, 0.32, 0.75, 1.02]),
        "CCF per thread": per_thread,
        "CCF with memory": per_thread + 0.392 * servers.memory_gb[:, None],
    }


def main(arguments: list[str]) -> int:
    """Prints the comparison; 1 when a limit is missed."""
    if not arguments:
        print("skipped: no table of measurements was given (benchmarks/server_power.py TABLE.csv)")
        return 0
    servers = FIT["eras"](FIT["read"](Path(arguments[0])))["new"]
    full = FIT["FULL"]
    error = FIT["mape"](FIT["residuals"](servers, [full])[full])
    coverage = FIT["nested_coverage"](servers, [full])[full]
    print(f"{len(servers)} servers, {len(np.unique(servers.name))} CPU models, each predicted without itself, 11 loads")
    print(f"  {'Lichen':16} MAPE {error:6.1%}   range covers {coverage:.1%}")
    others = {name: float(np.abs(watts / servers.power_w - 1).mean()) for name, watts in peers(servers).items()}
    for name, other in others.items():
        print(f"  {name:16} MAPE {other:6.1%}   no range")
    met = error <= MAPE_LIMIT and coverage >= COVERAGE_LIMIT and error < min(others.values())
    print(
        f"limits: MAPE <= {MAPE_LIMIT:.0%}, coverage >= {COVERAGE_LIMIT:.0%}, closer than each peer: {'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
