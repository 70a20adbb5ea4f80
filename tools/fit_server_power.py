# SPDX-License-Identifier: Apache-2.0
"""Fits the power model of servers on a table of published measurements and says how well it predicts unknown processors.

Usage: ``python tools/fit_server_power.py TABLE.csv [--write]``. TABLE holds one row per SPECpower_ssj2008 result: the
`COLUMNS`. ``--write`` replaces the rows of the factor pack ``server-power``; the table itself is
never shipped. SPEC and SPECpower are trademarks of the Standard Performance Evaluation Corporation.

Idle and full power are fitted by ordinary least squares on logarithms, the load curve is the median over servers, and what is
typical of an unknown property comes from a regression on the known ones. Errors are those of leaving out each CPU model in turn,
so that no server helps to predict one with the same processor. Servers before 2015 have coefficients of their own.
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lichen.catalogue.hardware import find_cpu
from lichen.factors import TABLE_SERVER_POWER
from lichen.factors.reader import COLUMNS as ROW_FIELDS
from lichen.model.server_model import ANCHORS, BUILD_FIELDS, FITTED, RESPONSES, TENTHS, Server, ServerModel

Array = npt.NDArray[np.float64]

ERA_START: Final = 2015
FIRST_DAYS: Final = {"old": date(2006, 1, 1), "new": date(ERA_START, 1, 1)}
LOADS: Final = np.linspace(0.0, 1.0, 11)
HOST_THREADS: Final = 48
TAIL: Final = 0.04
"""Tail beyond each bound of the printed range: a little under 5 %, because the fit has seen the other CPU models only."""
POWERS: Final = ("ActiveIdle", *(f"{load}_AvgPower" for load in range(10, 101, 10)))
COLUMNS: Final = (
    "Hardware_Availability_Year", "CPUMake", "CPUName", "HW_CPUName", "CPUChips", "CPUThreads", "TDP", "HW_MemAmountGB", *POWERS,
)  # fmt: skip


@dataclass(frozen=True)
class Servers:
    """Columns of the table, one entry per server; ``power_w`` has one column per load."""

    name: npt.NDArray[np.str_]
    year: Array
    amd: Array
    tdp_w: Array
    threads: Array
    memory_gb: Array
    power_w: Array

    def __len__(self) -> int:
        return len(self.name)

    def at(self, rows: npt.NDArray[np.bool_]) -> Servers:
        """Some of the servers."""
        return Servers(*(column[rows] for column in vars(self).values()))


def read(path: Path) -> Servers:
    """The servers of a table whose thermal design power is known."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["TDP"]]

    def column(name: str) -> Array:
        return np.array([float(row[name]) for row in rows])

    cpus = {name: find_cpu(name).cpu for name in {row["HW_CPUName"] for row in rows}}
    launched = [cpu.year if (cpu := cpus[row["HW_CPUName"]]) else 0 for row in rows]
    return Servers(
        name=np.array([row["CPUName"] for row in rows]),
        # some results give a year before the processor existed
        year=np.maximum(column("Hardware_Availability_Year"), launched),
        amd=np.array([float(row["CPUMake"] == "amd") for row in rows]),
        tdp_w=column("TDP") * column("CPUChips"),
        threads=column("CPUThreads"),
        memory_gb=column("HW_MemAmountGB"),
        power_w=np.column_stack([column(name) for name in POWERS]),
    )


def _least_squares(columns: Sequence[Array], target: Array) -> list[float]:
    design = np.column_stack([np.ones_like(target), *columns])
    return [float(value) for value in np.linalg.lstsq(design, target, rcond=None)[0]]


def _significant(value: float) -> float:
    return float(f"{value:.5g}")


def fit(servers: Servers) -> ServerModel:
    """The coefficients that fit servers best, rounded as they are shipped."""
    value: dict[str, float] = {
        "typical.tdp": round(float(np.exp(np.log(servers.tdp_w).mean()))),
        "typical.threads": round(float(np.exp(np.log(servers.threads).mean()))),
        "typical.year": float(np.median(servers.year)),
        "typical.amd_share": float(servers.amd.mean()),
    }
    tdp, threads = (np.log(servers.tdp_w / value["typical.tdp"]), np.log(servers.threads / value["typical.threads"]))
    intercept, value["typical.memory_exponent"] = _least_squares([threads], np.log(servers.memory_gb))
    value["typical.memory"] = round(float(np.exp(intercept)))
    for name, column, size in (("threads", threads, tdp), ("tdp", tdp, threads)):
        _, value[f"typical.{name}_exponent"] = _least_squares([size], column)
        intercept, value[f"typical.{name}_intel_exponent"], maker = _least_squares([size, servers.amd], column)
        value[f"typical.{name}_intel"] = value[f"typical.{name}"] * float(np.exp(intercept))
        value[f"typical.{name}_amd_ratio"] = float(np.exp(maker))
    memory = np.log(servers.memory_gb / value["typical.memory"])
    columns = [tdp, threads, memory, servers.year - value["typical.year"], servers.amd]
    for response, column in zip(RESPONSES, (0, -1), strict=True):
        found = _least_squares(columns, np.log(servers.power_w[:, column]))
        value[f"{response}.reference_power"] = float(np.exp(found[0]))
        for size, exponent in zip(("tdp", "threads", "memory"), found[1:4], strict=True):
            value[f"{response}.{size}_exponent"] = exponent
        value[f"{response}.yearly_ratio"], value[f"{response}.amd_ratio"] = (float(np.exp(x)) for x in found[4:])
    idle, full = servers.power_w[:, :1], servers.power_w[:, -1:]
    shares = np.median((servers.power_w - idle) / (full - idle), axis=0)
    value |= {f"curve.load_{tenth}": float(share) for tenth, share in zip(TENTHS, shares[1:-1], strict=True)}
    sizes = (servers.tdp_w, servers.threads, servers.memory_gb, servers.year)
    for name, column in zip(FITTED, sizes, strict=True):
        value |= {f"fitted.{name}_min": float(column.min()), f"fitted.{name}_max": float(column.max())}
    return ServerModel({name: _significant(value[name]) for name in BUILD_FIELDS})


def known(servers: Servers, properties: Sequence[str]) -> Server:
    """What a user would say about the servers who knows some of their properties."""
    said = {"tdp_w": servers.tdp_w, "threads": servers.threads, "memory_gb": servers.memory_gb}
    said |= {"year": servers.year, "amd_share": servers.amd}
    return Server(**{name: said[name] for name in properties})


def predict(model: ServerModel, server: Server, count: int) -> Array:
    """Power at the eleven loads, one row per server [W]."""
    idle, full = (np.broadcast_to(power, count)[:, None] for power in (model.idle_w(server), model.max_w(server)))
    return np.asarray(idle + (full - idle) * model.curve(LOADS))


def situations(*, year_known: bool) -> Iterator[tuple[str, ...]]:
    """Combinations of known properties; servers of the old era are only told apart by a known year."""
    sizes: tuple[tuple[str, ...], ...] = (("tdp_w", "threads"), ("tdp_w",), ("threads",))
    years: tuple[tuple[str, ...], ...] = (("year",),) if year_known else (("year",), ())
    for size, memory, year, make in itertools.product(sizes, (("memory_gb",), ()), years, (("amd_share",), ())):
        yield (*size, *memory, *year, *make)
    yield from years


def residuals(servers: Servers, cases: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], Array]:
    """ln(true / estimate) at each load, each CPU model predicted by a fit on the others, for each case of knowledge."""
    found = {case: np.empty_like(servers.power_w) for case in cases}
    for name in np.unique(servers.name):
        out = servers.name == name
        model, rest = fit(servers.at(~out)), servers.at(out)
        for case in cases:
            found[case][out] = np.log(rest.power_w / predict(model, known(rest, case), len(rest)))
    return found


def bounds(errors: Array) -> tuple[Array, Array]:
    """Bounds of ln(true / estimate) at the anchors: quantiles per load, smoothed by a straight line from 10 % load on."""
    sides = []
    for tail in (TAIL, 1 - TAIL):
        by_load = np.quantile(errors, tail, axis=0)
        line = np.poly1d(np.polyfit(LOADS[1:], by_load[1:], 1))
        sides.append(np.array([by_load[0], line(0.1), line(1.0)]))
    return np.minimum(sides[0], -0.01), np.maximum(sides[1], 0.01)


def spreads(errors: Mapping[tuple[str, ...], Array]) -> dict[str, tuple[Array, Array]]:
    """Basis -> bounds of the logarithm at the anchors; never narrower with less knowledge."""
    own: dict[str, tuple[Array, Array]] = {}
    for case, values in errors.items():
        low, high = bounds(values)
        basis = Server(**dict.fromkeys(case, 1.0)).basis
        known_low, known_high = own.get(basis, (low, high))
        own[basis] = (np.minimum(low, known_low), np.maximum(high, known_high))
    parts = {basis: set(basis.split("_")) - {"nothing"} for basis in own}
    richer = {basis: [other for other in own if parts[other] >= parts[basis]] for basis in own}
    return {
        basis: (
            np.minimum.reduce([own[other][0] for other in richer[basis]]),
            np.maximum.reduce([own[other][1] for other in richer[basis]]),
        )
        for basis in own
    }


def family_errors(servers: Servers) -> Array:
    """ln(true / estimate) of watts per thread when the host is only known to be its maker's: one typical host for all.

    What happens where a hypervisor hides the processor; hosts of fewer threads than `HOST_THREADS` carry no virtual machines.
    """
    hosts = servers.at(servers.threads >= HOST_THREADS)
    found = np.empty_like(hosts.power_w)
    for name in np.unique(hosts.name):
        out = hosts.name == name
        rest = hosts.at(out)
        like = hosts.at(~out & (hosts.amd == rest.amd[0]))
        tdp_w, threads = (float(np.exp(np.log(column).mean())) for column in (like.tdp_w, like.threads))
        host = Server(tdp_w=tdp_w, threads=threads, amd_share=rest.amd[0])
        model = fit(servers.at(servers.name != name))
        found[out] = np.log(rest.power_w / rest.threads[:, None] / (predict(model, host, 1) / threads))
    return found


def guest_spreads(servers: Servers) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Bounds for a guest whose host is known by its maker, and not at all; wider than those of a host that is known better."""
    known_better = spreads(residuals(servers, list(situations(year_known=False))))
    family = _wider(bounds(family_errors(servers)), known_better["tdp_threads_make"])
    return family, _wider(family, known_better["threads"])


def _wider(some: tuple[Array, Array], other: tuple[Array, Array]) -> tuple[Array, Array]:
    return np.minimum(some[0], other[0]), np.maximum(some[1], other[1])


def at_loads(anchored: Array) -> Array:
    """Bounds at the eleven loads from those at the anchors."""
    return np.interp(LOADS, [float(anchor) / 100 for anchor in ANCHORS], anchored)


def covered(errors: Array, spread: tuple[Array, Array]) -> npt.NDArray[np.bool_]:
    """Whether each true power lies within the range around its estimate."""
    low, high = (at_loads(side) for side in spread)
    return np.asarray((errors >= low) & (errors <= high))


FULL: Final = ("tdp_w", "threads", "memory_gb", "year", "amd_share")
JUDGED: Final = (FULL, FULL[:2], ("tdp_w",), ("threads",))


def nested_coverage(servers: Servers, cases: Sequence[tuple[str, ...]] = JUDGED) -> dict[tuple[str, ...], float]:
    """Share of true powers within a range that was itself fitted without the server's CPU model."""
    inside: dict[tuple[str, ...], list[npt.NDArray[np.bool_]]] = {case: [] for case in cases}
    for name in np.unique(servers.name):
        out = servers.name == name
        others, rest = servers.at(~out), servers.at(out)
        model, errors = fit(others), residuals(others, cases)
        spread = spreads(errors)
        for case in cases:
            own = np.log(rest.power_w / predict(model, known(rest, case), len(rest)))
            inside[case].append(covered(own, spread[known(rest, case).basis]))
    return {case: float(np.concatenate(rows).mean()) for case, rows in inside.items()}


def mape(errors: Array) -> float:
    """Mean of |estimate / true - 1|."""
    return float(np.abs(np.exp(-errors) - 1).mean())


def eras(servers: Servers) -> dict[str, Servers]:
    """Servers before 2015, and from 2015 on."""
    new = servers.year >= ERA_START
    return {"old": servers.at(~new), "new": servers.at(new)}


def report(servers: Servers) -> Iterator[str]:
    """Accuracy on CPU models that the fit has not seen."""
    for era, some in eras(servers).items():
        yield f"{era}: {len(some)} servers, {len(np.unique(some.name))} CPU models, {some.year.min():.0f}-{some.year.max():.0f}"
        cases = list(situations(year_known=era == "old"))
        errors = residuals(some, cases)
        spread = spreads(errors)
        for case in cases:
            basis = Server(**dict.fromkeys(case, 1.0)).basis
            low, high = (np.exp(side) for side in spread[basis])
            inside = covered(errors[case], spread[basis]).mean()
            yield (
                f"  {' '.join(case) or 'nothing'}: MAPE {mape(errors[case]):.1%}, range covers {inside:.1%}, true/estimate at "
                + ", ".join(f"{load} %: {a:.2f} to {b:.2f}" for load, a, b in zip(ANCHORS, low, high, strict=True))
            )
    errors_family = family_errors(eras(servers)["new"])
    low, high = (np.exp(side) for side in bounds(errors_family))
    yield f"  family alone, watts per thread: MAPE {mape(errors_family):.1%}, " + ", ".join(
        f"{load} %: {a:.2f} to {b:.2f}" for load, a, b in zip(ANCHORS, low, high, strict=True)
    )
    for case, share in nested_coverage(eras(servers)["new"]).items():
        yield f"  new, range fitted without the CPU model: {' '.join(case)} covers {share:.1%}"


_UNITS: Final = {
    "reference_power": ("W", "it"),
    **dict.fromkeys(("typical.tdp", "tdp_intel", "tdp_min", "tdp_max"), ("W", "none")),
    **dict.fromkeys(("typical.memory", "memory_min", "memory_max"), ("GB", "none")),
}


def _row(
    name: str, start: date, end: str, figures: tuple[float, float, float], words: tuple[str, str]
) -> dict[str, Any]:
    unit, boundary = next((unit for end_of, unit in _UNITS.items() if name.endswith(end_of)), ("1", "none"))
    value, low, high = figures
    row = dict.fromkeys(ROW_FIELDS, "")
    row |= {"id": f"server_power.{name}", "value": value, "low": low, "high": high, "unit": unit, "boundary": boundary}
    row |= {"geography": "WORLD", "valid_from": start, "valid_to": end, "source": "spec-power-fit"}
    return row | {"distribution": words[0], "range_basis": "source", "redistributable": "true", "comment": words[1]}


def rows(servers: Servers) -> Iterator[dict[str, Any]]:
    """The rows of the factor pack, by era."""
    for era, some in eras(servers).items():
        start = FIRST_DAYS[era]
        end = date(ERA_START - 1, 12, 31).isoformat() if era == "old" else ""
        of = f"{len(some)} servers of {some.year.min():.0f}-{some.year.max():.0f}"
        for name, value in fit(some).value.items():
            yield _row(
                name, start, end, (value, value, value), ("fixed", f"Fit on {of}; the common error is in spread.")
            )
        for basis, sides in spreads(residuals(some, list(situations(year_known=era == "old")))).items():
            for load, low, high in zip(ANCHORS, *np.exp(sides), strict=True):
                figures = (1.0, _significant(float(low)), _significant(float(high)))
                comment = f"True over estimated power of CPU models left out of the fit, {of}, {TAIL:.0%} tails."
                yield _row(f"spread.{basis}.load_{load}", start, end, figures, ("lognormal", comment))
    new = eras(servers)["new"]
    of = f"watts per thread of hosts with {HOST_THREADS} threads or more"
    for name, sides, who in zip(
        ("family", "hidden"), guest_spreads(new), ("their maker alone", "nothing"), strict=True
    ):
        for load, low, high in zip(ANCHORS, *np.exp(sides), strict=True):
            figures = (1.0, _significant(float(low)), _significant(float(high)))
            words = ("lognormal", f"True over estimated {of}, known by {who}.")
            yield _row(f"spread.{name}.load_{load}", FIRST_DAYS["new"], "", figures, words)
    slopes = np.diff([0.0, *(fit(new).value[f"curve.load_{t}"] for t in TENTHS), 1.0]) * 10
    busy = [float(slope) for slope in slopes[2:6]]
    figures = (_significant(sum(busy) / len(busy)), _significant(min(busy)), _significant(max(busy)))
    words = ("triangular", "Slope of the load curve between 20 and 60 % load; range: its segments.")
    yield _row("marginal_slope", FIRST_DAYS["new"], "", figures, words)


def table(servers: Servers) -> str:
    """The pack's table as csv text."""
    file = io.StringIO()
    writer = csv.DictWriter(file, ROW_FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(servers))
    return file.getvalue()


def main(arguments: Sequence[str]) -> int:
    """Prints how well the model predicts; writes the pack's table when asked to."""
    parser = argparse.ArgumentParser(description="Fits the power model of servers.")
    parser.add_argument("table", type=Path)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    servers = read(asked.table)
    for line in report(servers):
        print(line)
    if asked.write:
        TABLE_SERVER_POWER.write_text(table(servers), encoding="utf-8")
        print(f"written: {TABLE_SERVER_POWER}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
