# SPDX-License-Identifier: Apache-2.0
"""The dashboard's data for 1,000 applications, a million samples and a year; then a tenth of them with one year and with ten.

    .venv/bin/python benchmarks/dashboard.py [--requests 200] [--applications 10000]

The server is a process of its own on SQLite; requests go over HTTP, one at a time, to other pages, filters, columns and curves
each time. Figures in the store are made up: the reading of them is timed. Limits: portfolio p95 150 ms, curves p95 100 ms,
400 MB.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.web import server_support

from lichen.records import DATA_METHODS
from lichen.service.board.figures import stamp_of
from lichen.service.board.periods import moved
from lichen.service.context import ServiceContext

TEAMS, JOURNEYS, SAMPLES = 50, 3, 10
RUNS_EACH = 100
"""Runs of an application in a year."""
SIZES = ((1000, 1), (100, 1), (100, 10))
"""Applications and years; the first is held against the limits."""
INDICATORS = ("gwp100", "energy", "adpe", "pe", "water")
LIMITS_MS = {"portfolio": 150.0, "timeseries": 100.0}
LIMIT_MB = 400.0
_LAST = date(2026, 10, 1)
_FIGURE = (
    "level", "ref", "granularity", "indicator", "period", "run_id", "tier", "phase", "accounting", "basis", "method",
    "factors_hash", "value", "low", "high", *DATA_METHODS, "source", "units",
)  # fmt: skip


def fill(context: ServiceContext, applications: int, years: int) -> None:
    """A year of everything; further years are copies of it, moved back."""
    stamp = stamp_of(context)
    connection = sqlite3.connect(str(context.store.url.database))
    connection.execute("PRAGMA synchronous=OFF")
    months = [moved(_LAST, -back) for back in range(12)]
    days = [months[-1] + timedelta(days=day) for day in range(365)]
    draw = random.Random(1)

    def put(table: str, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
        marks = ", ".join("?" * len(columns))
        names = ", ".join(f'"{name}"' for name in columns)
        connection.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)

    def figures() -> Iterator[tuple[Any, ...]]:
        places = [("organisation", "", 1000.0), *(("team", f"t{n}", 20.0) for n in range(TEAMS))]
        places += [("application", f"a{n}", 1.0) for n in range(applications)]
        places += [("journey", f"a{n}-{j}", 0.3) for n in range(applications) for j in range(JOURNEYS)]
        of_model = ("location", "total", stamp.method, stamp.factors_hash)
        for level, ref, size in places:
            for month in months:
                visits = draw.uniform(1e3, 1e6) * size
                at = ("month", "visits", month.isoformat(), "", "", "", "", "total", "", "")
                yield (level, ref, *at, visits, None, None, *[None] * 5, "traffic", visits)
                splits = [("", "")]
                if level == "application":
                    splits += [("device", ""), ("server", ""), ("", "use"), ("", "embodied")]
                for indicator in INDICATORS:
                    for tier, phase in splits:
                        value = visits * draw.uniform(0.1, 2.0)
                        at = ("month", indicator, month.isoformat(), "", tier, phase, *of_model)
                        yield (level, ref, *at, value, value * 0.6, value * 1.6, 0.2, 0, 0, 0.8, 0, "journeys", visits)

    def measured() -> Iterator[tuple[Any, ...]]:
        for number in range(applications * RUNS_EACH):
            day = days[number % 365].isoformat()
            application = number % applications
            at = (
                "run",
                "gwp100",
                day,
                f"{number:064x}",
                "",
                "",
                "location",
                "per_unit",
                stamp.method,
                stamp.factors_hash,
            )
            yield ("journey", f"a{application}-0", *at, 1.0, 0.6, 1.6, 0.2, 0, 0, 0.8, 0, "journeys", 1.0)

    put("organisation", ("id", "name", "currency", "lang"), iter([("o", "Bench", "EUR", "en")]))
    put("team", ("id", "code", "name"), ((f"t{n}", f"team-{n}", f"Team {n}") for n in range(TEAMS)))
    put(
        "application", ("id", "code", "team_id", "name", "domain", "criticality", "tags", "created_at"),
        ((f"a{n}", f"app-{n}", f"t{n % TEAMS}", f"Application {n}", f"Domain {n % 8}", n % 4 + 1, "[]", "2025-01-01 00:00:00")
         for n in range(applications)),
    )  # fmt: skip
    put(
        "journey", ("id", "application_id", "code", "name"),
        ((f"a{n}-{j}", f"a{n}", f"j{j}", f"Journey {j}") for n in range(applications) for j in range(JOURNEYS)),
    )  # fmt: skip
    put(
        "run", ("run_id", "application_id", "journeys", "measured_at", "received_at", "samples"),
        ((f"{n:064x}", f"a{n % applications}", '["j0"]', f"{days[n % 365]} 09:00:00.000000", f"{days[n % 365]} 09:00:00.000000",
          SAMPLES) for n in range(applications * RUNS_EACH)),
    )  # fmt: skip
    put(
        "traffic", ("id", "application_id", "journey_id", "day", "visits", "source"),
        ((f"{n}-{j}-{day}", f"a{n}", f"a{n}-{j}", day.isoformat(), 100.0, "log")
         for n in range(applications) for j in range(JOURNEYS) for day in days),
    )  # fmt: skip
    for table in ("cost", "value"):
        columns = ("id", "application_id", "period", "amount", "currency", "kind", "source")
        put(
            table, columns,
            ((f"{table}-{n}-{kind}-{month}", f"a{n}", month.isoformat(), draw.randrange(10**9), "EUR", str(kind), "bill")
             for n in range(applications) for month in months for kind in range(2)),
        )  # fmt: skip
    put(
        "target", ("id", "scope", "indicator", "base_year", "base_value", "horizon_year", "reduction", "path", "valid_from"),
        iter([("t", "organisation", "gwp100", 2025, 1e12, 2030, 0.3, '{"kind": "linear"}', "2025-01-01")]),
    )  # fmt: skip
    put("figure", _FIGURE, figures())
    put("figure", _FIGURE, measured())
    for back in range(1, years):
        _copy(connection, back)
    connection.commit()
    connection.execute("ANALYZE")
    connection.commit()
    connection.close()


def _copy(connection: sqlite3.Connection, back: int) -> None:
    """The same once more, years before; visits by day are left out, which no page reads."""
    shift = f"'-{back} years'"
    first = moved(_LAST, -11).isoformat()
    others = ", ".join(name for name in _FIGURE if name not in ("period", "run_id"))
    _again(connection, "figure", first, {
        "period": f"date(period, {shift})", "run_id": f"CASE run_id WHEN '' THEN '' ELSE '{back}-' || run_id END",
    }, others)  # fmt: skip
    _again(connection, "run", first, {
        "run_id": f"'{back}-' || run_id", "measured_at": f"datetime(measured_at, {shift}) || '.000000'",
    }, "application_id, journeys, received_at, samples")  # fmt: skip
    for table in ("cost", "value"):
        changed = {"id": f"'{back}-' || id", "period": f"date(period, {shift})"}
        _again(connection, table, first, changed, "application_id, amount, currency, kind, source")


def _again(connection: sqlite3.Connection, table: str, first: str, changed: dict[str, str], same: str) -> None:
    """Rows of the first year once more, with some columns changed."""
    when = "measured_at" if table == "run" else "period"
    into, what = ", ".join(changed), ", ".join(changed.values())
    connection.execute(
        f"INSERT INTO {table} ({into}, {same}) SELECT {what}, {same} FROM {table} WHERE {when} >= '{first}'"
    )


def serve(folder: Path) -> None:
    """The server's process: prints its port, and ends with its standard input."""
    import socket
    import threading

    import uvicorn

    from lichen.outputs.web.app import create_app
    from lichen.outputs.web.serving import settle

    with server_support.context(folder) as found, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(create_app(found), log_level="error", access_log=False))
        settle(found)

        def end() -> None:
            sys.stdin.read()
            server.should_exit = True

        threading.Thread(target=end, daemon=True).start()
        print(listener.getsockname()[1], flush=True)
        server.run([listener])


def paths(kind: str, count: int, applications: int) -> Iterator[str]:
    """Addresses that differ from one to the next."""
    draw = random.Random(2)
    for _ in range(count):
        if kind == "portfolio":
            sort = draw.choice(("gwp100", "name", "visits", "cost", "roi", "per_visit", "weighted", "trend", "gap"))
            team = f"&team=team-{draw.randrange(TEAMS)}" if draw.random() < 0.3 else ""
            month = moved(_LAST, -draw.randrange(3))
            page = draw.randrange(1, 3) if team == "" else 1
            yield f"/api/v1/portfolio?period={month:%Y-%m}&sort={sort}&page={page}{team}"
        else:
            ref = draw.choice(("level=organisation", f"level=application&ref=app-{draw.randrange(applications)}",
                               f"level=journey&ref=app-{draw.randrange(applications)}/j1"))  # fmt: skip
            yield f"/api/v1/timeseries?{ref}&indicator={draw.choice(('gwp100', 'energy', 'visits'))}"


def timed(folder: Path, token: str, count: int, applications: int) -> dict[str, Any]:
    """95th percentiles [ms] and the server's peak memory [MB]."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None and process.stdout is not None  # noqa: PT018
    try:
        address = f"http://127.0.0.1:{int(process.stdout.readline())}"
        found: dict[str, Any] = {}
        for kind in LIMITS_MS:
            taken = []
            for number, path in enumerate(paths(kind, count + 10, applications)):
                start = time.perf_counter()
                request = urllib.request.Request(address + path, headers={"Authorization": f"Bearer {token}"})
                with urllib.request.urlopen(request, timeout=60) as answer:
                    json.load(answer)
                if number >= 10:  # the first ones import and open connections
                    taken.append(1000 * (time.perf_counter() - start))
            taken.sort()
            found[kind] = {"p50": taken[len(taken) // 2], "p95": taken[int(len(taken) * 0.95)]}
        status = Path(f"/proc/{process.pid}/status").read_text()
        found["mb"] = next(int(line.split()[1]) / 1000 for line in status.splitlines() if line.startswith("VmHWM"))
        return found
    finally:
        process.stdin.close()
        process.wait(30)


def main() -> int:
    """Prints both histories; the first is held against the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--applications", type=int, help="so many with a year alone; 10,000 take 4 GB and some minutes")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return 0
    within = True
    sizes = SIZES if options.applications is None else ((options.applications, 1),)
    for number, (applications, years) in enumerate(sizes):
        with tempfile.TemporaryDirectory(prefix="lichen-bench-") as name:
            folder = Path(name)
            start = time.perf_counter()
            with server_support.context(folder) as context:
                token = server_support.token(context, "read")
                fill(context, applications, years)
                size = Path(str(context.store.url.database)).stat().st_size / 1e6
            made = time.perf_counter() - start
            print(f"{applications} applications, {years} year(s), {size:.0f} MB, made in {made:.0f} s", flush=True)
            found = timed(folder, token, options.requests, applications)
        for kind, limit in LIMITS_MS.items():
            one = found[kind]
            print(f"  {kind}: p50 {one['p50']:.0f} ms, p95 {one['p95']:.0f} ms (limit {limit:g})")
            within = within and (one["p95"] <= limit or number > 0)
        print(f"  server: {found['mb']:.0f} MB (limit {LIMIT_MB:g})", flush=True)
        within = within and (found["mb"] <= LIMIT_MB or number > 0)
    return 0 if within else 1


if __name__ == "__main__":
    raise SystemExit(main())
