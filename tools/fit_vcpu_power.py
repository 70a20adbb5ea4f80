# SPDX-License-Identifier: Apache-2.0
"""Power of a hardware thread, idle and at full load, by the architecture of its processor.

Usage: ``python tools/fit_vcpu_power.py TABLE.csv [--write]``. TABLE holds one row per SPECpower_ssj2008 result, as for
``tools/fit_server_power.py``; ``--write`` replaces the rows of the factor pack ``cloud``. The table itself is never shipped. SPEC
and SPECpower are trademarks of the Standard Performance Evaluation Corporation.

Of each server the power of its memory (`server.memory_power`) is taken off, and the rest divided by its hardware threads. The
value of an architecture is the mean over its servers, because many machines sum to their mean; the range lies between the 5 % and
the 95 % quantile. Its upper bound at full load is raised by `FASTER`: clouds rent out processors of more power per thread than
those that are benchmarked. Architectures of fewer than `LEAST` servers have published means instead, of the same benchmark
(`PUBLISHED`), and those that nobody measured have estimates (`ESTIMATED`). A provider's processor is the mean over the instances
that the catalogue knows of it, from the 5 % quantile of their lower to the 95 % quantile of their upper bounds.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from lichen.catalogue import machines
from lichen.catalogue.build_cloud import PROVIDERS
from lichen.catalogue.hardware import find_cpu
from lichen.catalogue.machines import keys as machine_keys
from lichen.factors import PACK_SERVERS, TABLE_VCPU_POWER
from lichen.factors.reader import COLUMNS as ROW_FIELDS
from lichen.factors.reader import PEDIGREE, read_pack

LEAST: Final = 10
"""Servers of an architecture from which their quantiles are taken for its range."""
LEAST_THREADS: Final = 32
"""Hosts of fewer threads carry no rented machines."""
FASTER: Final = 1.3
"""``tools/fit_server_power.py`` gives hosts of M5, C5, M6a and M6i 1.25 to 1.3 times the mean power of their architecture."""
QUANTILES: Final = (0.05, 0.95)
LOADS: Final[Mapping[str, str]] = {"idle": "ActiveIdle", "full": "100_AvgPower"}
VALID_FROM: Final = "2010-01-01"
DIGITS: Final = 3


@dataclass(frozen=True, slots=True)
class Published:
    """Means of a published table [W per hardware thread, memory included], memory and threads of a large processor."""

    idle_w: float
    full_w: float
    gb_per_chip: float
    threads_per_chip: int
    note: str = ""


PUBLISHED: Final[Mapping[str, Published]] = {
    "ivybridge": Published(1.707, 5.557, 13.3, 20),
    "broadwell": Published(0.713, 3.685, 69.6, 44),
    "coffeelake": Published(1.138, 5.422, 19.6, 16),
    "icelake": Published(0.767, 3.758, 136.0, 80),
    "sapphirerapids": Published(0.989, 4.019, 130.8, 112, "names told apart letter by letter"),
    "emeraldrapids": Published(0.848, 3.797, 160.0, 128, "names told apart letter by letter"),
    "graniterapids": Published(0.582, 2.527, 221.1, 256),
    "zen1": Published(0.847, 2.604, 92.4, 64),
    "zen4": Published(0.739, 2.282, 152.2, 192),
    "zen5": Published(
        0.267, 1.481, 193.6, 256, "blank lines of its list of names left out; with them it reads 3.68 and 8.96 W"
    ),
}
"""Coefficients of Cloud Carbon Footprint, April 2026, from SPECpower_ssj2008 results to March 2026."""


@dataclass(frozen=True, slots=True)
class Estimated:
    """An architecture that no result is published of [W per virtual CPU, which is a core]."""

    idle_w: float
    full_w: float
    pedigree: str
    why: str


ESTIMATED: Final[Mapping[str, Estimated]] = {
    "cortex_a72": Estimated(0.8, 3.0, "D", "Graviton: 16 cores of a 2018 process; no power is published."),
    "neoverse_n1": Estimated(0.5, 2.3, "C", "Ampere Altra: 250 W for 128 cores, 1.95 W a core, and a share of supply and fans."),
    "neoverse_v1": Estimated(0.5, 2.4, "C", "Graviton3: 64 cores, no power is published; as Neoverse N1, wider cores at 5 nm."),
    "neoverse_v2": Estimated(0.5, 2.4, "C", "Graviton4 and Axion: no power is published; as Neoverse V1."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Power:
    """Watts of one hardware thread: value, 5 % and 95 % bound; where they come from."""

    value: float
    low: float
    high: float
    source: str
    basis: str
    comment: str


Powers = Mapping[tuple[str, str], Power]
"""By load and architecture."""


def memory_w_per_gb() -> float:
    """Power of a gigabyte of memory, as the method charges it."""
    return next(
        float(row.data["value"]) for row in read_pack(PACK_SERVERS).rows if row.data["id"] == "server.memory_power"
    )


def _significant(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def measured(table: Path, memory_w: float) -> dict[tuple[str, str], Power]:
    """Architectures of enough measured servers."""
    servers: dict[str, list[Mapping[str, str]]] = {}
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            cpu = find_cpu(row["HW_CPUName"]).cpu
            if cpu and float(row["CPUThreads"]) >= LEAST_THREADS:
                servers.setdefault(cpu.architecture, []).append(row)
    found: dict[tuple[str, str], Power] = {}
    for kind, rows in servers.items():
        if len(rows) < LEAST or kind not in kinds():
            continue
        for load, column in LOADS.items():
            each = [(float(r[column]) - memory_w * float(r["HW_MemAmountGB"])) / float(r["CPUThreads"]) for r in rows]
            low, high = (float(bound) for bound in np.quantile(each, QUANTILES))
            of = f"{len(rows)} servers of {LEAST_THREADS} threads or more"
            comment = f"Mean, 5 and 95 % of {of}, {memory_w:g} W/GB of memory taken off"
            raised = f"{comment}; upper bound x {FASTER:g}, as clouds rent out faster processors."
            power = Power(float(np.mean(each)), low, high, "spec-power-threads", "source", f"{comment}.")
            faster = replace(power, high=high * FASTER, basis="assumed", comment=raised)
            found[load, kind] = faster if load == "full" else power
    return found


def kinds(provider: str = "") -> Counter[str]:
    """Architectures of the instances of a provider, or of all, and how many instances there are of each."""
    prefix = f"{provider}:" if provider else ""
    facts = (machines.find(key) or {} for key in machine_keys() if key.startswith(prefix))
    # What a service rents out under a name of its own is an instance that counts already.
    own = (one for one in facts if one.get("kind") == "instance" and "inside" not in one)
    return Counter(str(one["vcpu_kind"]) for one in own if "vcpu_kind" in one)


def published(memory_w: float) -> dict[tuple[str, str], Power]:
    """Architectures that others have averaged, with the memory of an average server taken off."""
    found: dict[tuple[str, str], Power] = {}
    for kind, one in PUBLISHED.items():
        memory = memory_w * one.gb_per_chip / one.threads_per_chip
        for load, power_w in (("idle", one.idle_w), ("full", one.full_w)):
            value, reach = power_w - memory, PEDIGREE["C" if load == "idle" else "B"]
            comment = f"{power_w:g} W less {memory:.2g} W of memory ({one.gb_per_chip:g} GB for {one.threads_per_chip} threads)"
            words = f"{comment}; {one.note}." if one.note else f"{comment}."
            found[load, kind] = Power(value, value / reach, value * reach, "ccf-coefficients-2026", "assumed", words)
    return found


def estimated() -> dict[tuple[str, str], Power]:
    """Architectures that nobody measured."""
    found: dict[tuple[str, str], Power] = {}
    for kind, one in ESTIMATED.items():
        for load, value in (("idle", one.idle_w), ("full", one.full_w)):
            reach = PEDIGREE[one.pedigree]
            found[load, kind] = Power(value, value / reach, value * reach, "lichen-pedigree", "assumed", one.why)
    return found


def averages(powers: Powers) -> dict[tuple[str, str], Power]:
    """What is known of a processor by its provider alone, and of any."""
    found: dict[tuple[str, str], Power] = {}
    anyone = _known(kinds(), powers)
    for name in (*PROVIDERS, "any"):
        own = _known(kinds(name), powers)
        counts = own or anyone
        what = f"Mean over {counts.total()} instances of {len(counts)} architectures of the catalogue"
        comment = f"{what}; 5 and 95 % of their bounds{'' if own else ', whoever rents them out'}."
        for load in LOADS:
            some = [powers[load, kind] for kind in counts.elements()]
            low, high = QUANTILES
            found[load, name] = Power(
                float(np.mean([power.value for power in some])),
                float(np.quantile([power.low for power in some], low)),
                float(np.quantile([power.high for power in some], high)),
                "spec-power-threads",
                "assumed",
                comment,
            )
    return found


def _known(counts: Counter[str], powers: Powers) -> Counter[str]:
    """Of some architectures those whose power is known."""
    return Counter({kind: count for kind, count in counts.items() if ("full", kind) in powers})


def rows(powers: Powers) -> Iterator[dict[str, Any]]:
    """The rows of the pack's table."""
    for (load, kind), power in sorted(powers.items()):
        row: dict[str, Any] = dict.fromkeys(ROW_FIELDS, "")
        row |= {
            "id": f"cloud.vcpu.{load}_power.{kind}",
            "value": _significant(power.value),
            "low": _significant(power.low),
        }
        row |= {
            "high": _significant(power.high),
            "unit": "W",
            "boundary": "it",
            "geography": "WORLD",
            "valid_from": VALID_FROM,
        }
        row |= {"source": power.source, "distribution": "lognormal", "range_basis": power.basis}
        yield row | {"redistributable": "true", "comment": power.comment}


def table(path: Path) -> str:
    """The pack's table as csv text."""
    memory_w = memory_w_per_gb()
    powers = {**published(memory_w), **estimated(), **measured(path, memory_w)}
    file = io.StringIO()
    writer = csv.DictWriter(file, ROW_FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows({**powers, **averages(powers)}))
    return file.getvalue()


def main(arguments: Sequence[str]) -> int:
    """Prints the rows; writes the pack's table when asked to."""
    parser = argparse.ArgumentParser(description="Power of a hardware thread by architecture.")
    parser.add_argument("table", type=Path)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    text = table(asked.table)
    print(text, end="")
    if asked.write:
        TABLE_VCPU_POWER.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
