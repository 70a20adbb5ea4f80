# SPDX-License-Identifier: Apache-2.0
"""A real Spark reads a ledger as DuckDB does: by the list of its files, with the same expression. ``make spark`` installs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tarfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest
from tests.ledger_support import row, run_of

from lichen.ledger import Fact, Ledger, Selection, Slice, open_ledger
from lichen.records import Activity

ROOT: Final = Path(__file__).resolve().parents[2]
SPARK: Final = ROOT / "tests" / "spark"
PYTHON: Final = SPARK / ".venv" / "bin" / "python"
OLDEST: Final = ROOT / "tests" / "fixtures" / "ledgers" / "v1.tar.gz"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.beside,
    pytest.mark.skipif(not PYTHON.exists(), reason="Spark takes 800 MB and a minute to install: make spark"),
]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Files of the first version and of this one: columns that lack, a source with a colon, unknown values, money."""
    with tarfile.open(OLDEST) as archive:
        archive.extractall(tmp_path / ".lichen", filter="data")
    made = open_ledger(str(tmp_path / ".lichen" / "ledger"))
    made.append_runs([run_of(row(value=4.0), version="3")])
    start, end = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    facts = [
        Fact(
            activity=Activity(
                entity="loans", quantity="cost", value=float(amount), unit="currency", attributes={"currency": "EUR"}
            ),
            run_id="import", started_at=start, ended_at=end, amount=amount,
        )
        for amount in (Decimal("0.1"), Decimal("0.2"))
    ]  # fmt: skip
    made.replace(Slice(source="cost:cloud", first_day=date(2026, 5, 1), end_day=date(2026, 6, 1)), facts)
    return made


def spark(folder: Path, *arguments: str) -> str:
    """What a program prints under Spark's own Python."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        [str(PYTHON), "-W", "ignore", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def test_the_same_expression_gives_the_same_sums_on_spark_and_on_duckdb(ledger: Ledger, tmp_path: Path) -> None:
    found = json.loads(spark(tmp_path, str(SPARK / "read_ledger.py"), ledger.where).splitlines()[-1])
    chosen = Selection(quantities=["cpu_time", "memory_peak", "visits"])
    here = ledger.totals(["application", "month"], peaks={"memory_peak"}, selection=chosen)
    there = [{**one, "value": None if one["value"] is None else float(one["value"])} for one in found["totals"]]
    assert there == here
    assert [one["value"] for one in there] == [5.5, None, 2.0, 0.25]
    assert found["money"] == [{"currency": "EUR", "amount": "0.300000"}]


def test_what_the_page_tells_to_type_into_spark_works(ledger: Ledger, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python spark\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    said = spark(tmp_path, "-c", block)
    assert re.search(r"loans\W+7\.5", said), said
    assert re.search(r"shop\W+0\.25", said), said
    assert ledger.where.startswith(str(tmp_path))
