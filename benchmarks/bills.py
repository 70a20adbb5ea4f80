# SPDX-License-Identifier: Apache-2.0
"""A bill imported from its files to the ledger, beside a bare scan-and-group of the same files by the same keys, in one run.

    .venv/bin/python benchmarks/bills.py [--rows 10000000] [--csv] [--amounts decimal] [--folder /big/disk] [--repeat 3]

Lines are those of `tests/big_bill_support.py`: FOCUS 1.2, hourly, with resources, in files of 10 million. The bare scan is DuckDB
with as many threads and the same memory: it reads the columns that the format reads, groups by all texts and by the day, and
adds up the amounts as floats. The import is ``lichen import bills`` in a project of its own: read, summed, understood, given to
owners, written to the ledger and to the store. Both are processes of their own, and their peak memory is told. Of several sizes
(``--rows 10000000 30000000 100000000``) the time of a line may grow by a fifth at most. What counts is printed last, as a table.
No peer's program is run here; the figure to leave behind is 42,000 lines a second.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.big_bill_support import write_part

PART_ROWS = 10_000_000
MOST_MB = 2500.0
LEAST_PER_S = {"parquet": 2e6, "csv": 0.8e6}
MOST_TIMES = 3.0
MOST_GROWTH = 1.2
"""Time of a line in any size, over that in the smallest."""
SETTINGS = '[[bills.owner]]\napplication_tag = "application"\n'
DAYS = '"ChargePeriodStart"', '"BillingPeriodStart"'
KEYS = (
    "ProviderName", "BillingAccountId", "SubAccountId", "SubAccountName", "ResourceId", "ResourceName", "RegionId", "RegionName",
    "ServiceName", "ServiceCategory", "SkuMeter", "ChargeDescription", "SkuPriceDetails", "ConsumedUnit", "PricingUnit",
    "ChargeCategory", "PricingCategory", "CommitmentDiscountStatus", "CapacityReservationStatus", "PublisherName",
    "BillingCurrency", "Tags",
)  # fmt: skip
AMOUNTS = ("ConsumedQuantity", "PricingQuantity", "BilledCost", "EffectiveCost", "ListCost")


@dataclass(frozen=True)
class Cost:
    """What a process took."""

    wall_s: float
    processor_s: float
    peak_mb: float
    said: str


def run(words: list[str], folder: Path) -> Cost:
    """Runs a command, and weighs it with its children."""
    with (folder / "said").open("w+b") as said:
        begin = time.perf_counter()
        process = subprocess.Popen(words, cwd=folder, stdout=said, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode()
    if process.returncode:
        raise SystemExit(f"{' '.join(words[:4])} ended with {process.returncode}:\n{text[-2000:]}")
    return Cost(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, text)


def bare(files: Path, kind: str, folder: Path) -> Cost:
    """A scan-and-group of the same columns by the same keys."""
    source = f"read_csv('{files}/*.csv', all_varchar = true)" if kind == "csv" else f"read_parquet('{files}/*.parquet')"
    days = ", ".join(f"left({day}, 10)" if kind == "csv" else f"{day}::DATE" for day in DAYS)
    keys = ", ".join(f'"{name}"' for name in KEYS)
    sums = ", ".join(f'sum(TRY_CAST("{name}" AS DOUBLE))' for name in AMOUNTS)
    query = f"SELECT {days}, {keys}, {sums}, count(*) FROM {source} GROUP BY ALL"
    program = (
        "import duckdb, os\n"
        "settings = {'threads': len(os.sched_getaffinity(0)), 'memory_limit': '1200MB', 'preserve_insertion_order': False}\n"
        f"duckdb.connect(config={{**settings, 'temp_directory': {str(folder / 'scratch')!r}}})"
        f".execute({f'CREATE TABLE grouped AS {query}'!r})\n"
    )
    return run([sys.executable, "-c", program], folder)


def imported(files: Path, folder: Path) -> tuple[Cost, dict[str, Any]]:
    """An import into a project that is new, and what it told."""
    (folder / "lichen.toml").write_text(SETTINGS, encoding="utf-8")
    words = [sys.executable, "-m", "lichen", "import", "bills", str(files), "--create", "--json", "--quiet"]
    cost = run(words, folder)
    return cost, json.loads(cost.said[cost.said.index("{") :])


def generate(files: Path, kind: str, rows: int, amounts: str) -> None:
    """The files of a bill."""
    files.mkdir()
    # In a process of its own: those that are weighed are born with the peak memory of this one.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as elsewhere:
        for part, begin in enumerate(range(0, rows, PART_ROWS)):
            elsewhere.submit(
                write_part, files / f"part-{part:03d}.{kind}", part=part, rows=min(PART_ROWS, rows - begin),
                amounts="decimal" if amounts == "decimal" else "double",
            ).result()  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """What one size took: the fastest of some turns."""

    rows: int
    size_mb: float
    bare: Cost
    imported: Cost

    @property
    def line_s(self) -> float:
        """Time of a line."""
        return self.imported.wall_s / self.rows

    @property
    def times(self) -> float:
        """Time of the import over that of the bare scan."""
        return self.imported.wall_s / self.bare.wall_s

    def missed(self, kind: str) -> list[str]:
        """The targets that are missed, in words."""
        found = {
            f"fewer than {LEAST_PER_S[kind] / 1e6:g} M lines/s": 1 / self.line_s < LEAST_PER_S[kind],
            f"more than {MOST_TIMES:g} times the bare scan": self.times > MOST_TIMES,
            f"more than {MOST_MB:g} MB": self.imported.peak_mb > MOST_MB,
        }
        return [f"{self.rows:,} lines: {what}" for what, is_so in found.items() if is_so]


def measure(rows: int, kind: str, options: argparse.Namespace) -> Measured:
    """Runs one size, and prints each turn."""
    with tempfile.TemporaryDirectory(prefix="lichen-bills-", dir=options.folder) as place:
        files = Path(place) / "files"
        generate(files, kind, rows, options.amounts)
        size_mb = sum(path.stat().st_size for path in files.iterdir()) / 1e6
        print(f"{rows:,} lines of {kind}, {size_mb:,.0f} MB, amounts as {options.amounts}", flush=True)
        best: dict[str, Cost] = {}
        for turn in range(options.repeat):
            for name in ("bare", "import"):
                folder = Path(place) / f"{name}-{turn}"
                folder.mkdir()
                if name == "bare":
                    cost = bare(files, kind, folder)
                else:
                    cost, told = imported(files, folder)
                    if sum(file["lines"] for file in told["files"]) != rows:
                        raise SystemExit("not all lines were imported")
                print(
                    f"  {name:6} {cost.wall_s:7.1f} s  {rows / cost.wall_s / 1e6:5.2f} M lines/s  "
                    f"{cost.processor_s:7.1f} s of processors  {cost.peak_mb:6.0f} MB at most",
                    flush=True,
                )
                if name not in best or cost.wall_s < best[name].wall_s:
                    best[name] = cost
        print(f"  {told['charges']:,} charges, {told['rows']:,} rows of the ledger", flush=True)
        return Measured(rows, size_mb, best["bare"], best["import"])


def growth(sizes: list[Measured]) -> tuple[float, list[str]]:
    """How much longer a line takes at most than in the smallest size, and the target if it is missed."""
    smallest = min(sizes, key=lambda one: one.rows)
    slowest = max(sizes, key=lambda one: one.line_s)
    found = slowest.line_s / smallest.line_s
    told = f"a line of {slowest.rows:,} takes {found:.2f} times as long as one of {smallest.rows:,}"
    return found, [told] if found > MOST_GROWTH else []


def table(sizes: list[Measured], kind: str) -> str:
    """What counts, in Markdown."""
    head = (
        f"| lines of {kind} | MB | bare scan, s | import, s | M lines/s | times the bare scan | processors, s | peak, MB |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
    )
    return head + "\n".join(
        f"| {one.rows:,} | {one.size_mb:,.0f} | {one.bare.wall_s:.1f} | {one.imported.wall_s:.1f} | "
        f"{1e-6 / one.line_s:.2f} | {one.times:.2f} | {one.imported.processor_s:.0f} | {one.imported.peak_mb:,.0f} |"
        for one in sorted(sizes, key=lambda one: one.rows)
    )


def main() -> int:
    """Prints the figures; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[PART_ROWS], help="lines; several sizes show how time grows"
    )
    parser.add_argument("--csv", action="store_true", help="CSV in place of Parquet: 8 GB for 10 million lines")
    parser.add_argument("--amounts", choices=("double", "decimal"), default="double", help="type of amounts in Parquet")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()), help="where there is room; emptied again"
    )
    parser.add_argument("--repeat", type=int, default=2, help="times that each is run; the fastest counts")
    options = parser.parse_args()
    kind = "csv" if options.csv else "parquet"
    sizes = [measure(rows, kind, options) for rows in options.rows]
    grown, missed = growth(sizes)
    missed += [told for one in sizes for told in one.missed(kind)]
    print(f"\n{table(sizes, kind)}\n")
    print(
        f"Asked: {LEAST_PER_S[kind] / 1e6:g} M lines/s, {MOST_TIMES:g} times the bare scan, {MOST_MB:g} MB; a line takes "
        f"{grown:.2f} times as long as in the smallest size at most, asked {MOST_GROWTH:g}."
    )
    for told in missed:
        print(f"Missed: {told}.")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
