# SPDX-License-Identifier: Apache-2.0
"""Digests of 80 applications from a year of data: the organisation's, every team's and every application's.

    .venv/bin/python benchmarks/digest.py [--applications 80] [--weeks 52]

The portfolio has a run a week of each journey, visits every day, and 40 deployments a week; figures in the store are made up: the
reading of them is timed. Limits: 2 s for one digest, whatever its scope; a Slack message of 8,000 characters.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests import board_support

from lichen.config import Channel
from lichen.outputs.notify import SlackNotifier
from lichen.service import digest
from lichen.service.board.figures import stamp_of
from lichen.service.board.periods import moved
from lichen.service.context import ServiceContext
from lichen.service.notifying import Outgoing

TEAMS, JOURNEYS, DEPLOYMENTS = 17, 3, 40
LIMIT_S, LIMIT_CHARACTERS = 2.0, 8_000
SUNDAY = date(2026, 11, 22)


def fill(context: ServiceContext, applications: int, weeks: int) -> None:
    """A portfolio with a history."""
    stamp = stamp_of(context)
    draw = random.Random(1)
    connection = sqlite3.connect(str(context.store.url.database))
    connection.execute("PRAGMA synchronous=OFF")

    def put(table: str, columns: str, rows: Iterator[tuple[Any, ...]]) -> None:
        names = columns.split()
        quoted = ", ".join(f'"{name}"' for name in names)
        connection.executemany(f'INSERT INTO "{table}" ({quoted}) VALUES ({", ".join("?" * len(names))})', rows)

    journeys = [(f"a{n}-{j}", f"a{n}") for n in range(applications) for j in range(JOURNEYS)]
    days = [SUNDAY - timedelta(days=back) for back in range(7 * weeks)]
    put("organisation", "id name currency lang", iter([("o", "Bench", "EUR", "en")]))
    put("team", "id code name", ((f"t{n}", f"team-{n}", f"Team {n}") for n in range(TEAMS)))
    put(
        "application", "id code team_id name tags created_at",
        ((f"a{n}", f"app-{n}", f"t{n % TEAMS}", f"Application {n}", "[]", "2025-01-01 00:00:00") for n in range(applications)),
    )  # fmt: skip
    put("journey", "id application_id code name", ((ref, of, ref[-1], f"Journey {ref[-1]}") for ref, of in journeys))
    put(
        "traffic", "id application_id journey_id day visits source",
        ((f"{ref}-{day}", of, ref, day.isoformat(), draw.uniform(50, 500), "log") for ref, of in journeys for day in days),
    )  # fmt: skip
    put(
        "deployment", "id application_id version at",
        ((f"d{week}-{n}", f"a{draw.randrange(applications)}", f"{week}.{n}",
          datetime.combine(SUNDAY - timedelta(days=7 * week + n % 7), datetime.min.time(), UTC).strftime("%Y-%m-%d %H:%M:%S.%f"))
         for week in range(weeks) for n in range(DEPLOYMENTS)),
    )  # fmt: skip
    columns = (
        "level ref granularity indicator period run_id tier phase accounting basis method factors_hash value low high"
    )
    of_model = ("location", "per_unit", stamp.method, stamp.factors_hash)

    def runs() -> Iterator[tuple[Any, ...]]:
        for ref, _ in journeys:
            for week in range(weeks):
                value, day = draw.uniform(0.9, 1.1), SUNDAY - timedelta(days=7 * week + 4)
                yield ("journey", ref, "run", "gwp100", day.isoformat(), f"{ref}-{week}", "", "", *of_model, value,
                       value * 0.6, value * 1.6)  # fmt: skip

    def months() -> Iterator[tuple[Any, ...]]:
        places = [("organisation", ""), *(("team", f"t{n}") for n in range(TEAMS))]
        places += [("application", f"a{n}") for n in range(applications)]
        for level, ref in places:
            for back in range(13):
                yield (level, ref, "month", "gwp100", moved(date(2026, 11, 1), -back).isoformat(), "", "", "", "location",
                       "total", stamp.method, stamp.factors_hash, 1e6, 6e5, 1.6e6)  # fmt: skip

    put("figure", columns, runs())
    put("figure", columns, months())
    connection.commit()
    connection.close()


def main() -> int:
    """Prints the times; 1 when a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--applications", type=int, default=80)
    parser.add_argument("--weeks", type=int, default=52)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, board_support.board(Path(folder)) as context:
        fill(context, asked.applications, asked.weeks)
        abouts = [digest.About("organisation"), *(digest.About("team", f"team-{n}") for n in range(TEAMS))]
        abouts += [digest.About("application", f"app-{n}") for n in range(asked.applications)]
        digest.build(context, abouts[0])  # factors and methods are read by the first
        alone = [_seconds(lambda: digest.build(context, abouts[0])) for _ in range(5)]
        cpu = _seconds(lambda: digest.build(context, abouts[0]), time.process_time)
        together = _seconds(lambda: list(digest.build_all(context, abouts)))
        texts = [
            SlackNotifier().payload(
                Outgoing(delivery_id="x", message=digest.digest_message(one), lang="fr", base_url="https://lichen.example.org"),
                Channel(name="c", kind="slack"),
            )
            for one in digest.build_all(context, abouts)
        ]  # fmt: skip
    longest = max(map(len, texts))
    found = {
        "applications": asked.applications, "weeks": asked.weeks, "one_digest_s": round(statistics.median(alone), 3),
        "slowest_s": round(max(alone), 3), "one_digest_cpu_s": round(cpu, 3),
        "all_digests": len(abouts), "all_digests_s": round(together, 3),
        "longest_slack_message_characters": longest,
    }  # fmt: skip
    print(json.dumps(found, indent=1))
    return int(max(alone) > LIMIT_S or longest > LIMIT_CHARACTERS)


def _seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    start = clock()
    work()
    return clock() - start


if __name__ == "__main__":
    raise SystemExit(main())
