# SPDX-License-Identifier: Apache-2.0
"""A real Spark cluster, one master and two workers, imports a bill as DuckDB does. ``make spark`` installs it."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from tests.big_bill_support import write_part

from lichen.collect.bills.engine import open_engine
from lichen.errors import UsageError
from lichen.ledger import open_ledger

ROOT: Final = Path(__file__).resolve().parents[2]
SPARK: Final = ROOT / "tests" / "spark"
INSTALLED: Final = next(SPARK.glob(".venv/lib/python3*/site-packages/pyspark"), None)
ROWS: Final = 4_000
TRICKS: Final = (
    '{"application": "loans", "note": "a \\"quoted\\" word; and, a comma"}',
    '{"application": "loans", "note": "one line\nand another"}',
    "NULL",
)
"""Tags that are hard to read."""
_WAIT_S: Final = 60.0
_APART: Final = frozenset({"batch", "run_id"})
"""Columns that tell imports apart."""
_NUMBERS: Final = ("value", "effective_amount", "billed_amount", "list_amount")
_FLOATS: Final = "200001"
"""What accounts of the file with floats begin with: engines make decimals of floats by rules of their own."""

cluster_needed = [
    pytest.mark.slow,
    pytest.mark.skipif(INSTALLED is None, reason="Spark takes 800 MB and a minute to install: make spark"),
]


@dataclass(frozen=True)
class Cluster:
    """A cluster that answers.

    Attributes:
        environment: variables under which Lichen finds PySpark.
    """

    master: str
    environment: dict[str, str]


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    assert INSTALLED is not None
    folder = tmp_path_factory.mktemp("cluster")
    links = folder / "links"
    links.mkdir()
    # PySpark beside Lichen's own environment, without the other packages of Spark's.
    for name in ("pyspark", "py4j"):
        (links / name).symlink_to(INSTALLED.parent / name)
    port, page = free_port(), free_port()
    environment = os.environ | {
        "PYTHONPATH": str(links), "SPARK_HOME": str(links / "pyspark"), "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable, "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
    starter, deploy = str(links / "pyspark" / "bin" / "spark-class"), "org.apache.spark.deploy"
    master = f"spark://127.0.0.1:{port}"
    commands = [
        [starter, f"{deploy}.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(page)],
        *(
            [
                starter, f"{deploy}.worker.Worker", "--host", "127.0.0.1", "-c", "1", "-m", "1g", "-d", str(folder / name),
                "--webui-port", str(free_port()), master,
            ]
            for name in ("one", "two")
        ),
    ]  # fmt: skip
    with (folder / "log").open("wb") as log, contextlib.ExitStack() as stack:
        for command in commands:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
            stack.callback(process.wait)
            stack.callback(process.kill)
        _await_workers(page, 2, folder / "log")
        yield Cluster(master, environment)


def _await_workers(page: int, count: int, log: Path) -> None:
    until = time.monotonic() + _WAIT_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{page}/json/") as answer:
            if sum(worker["state"] == "ALIVE" for worker in json.load(answer)["workers"]) == count:
                return
        time.sleep(0.3)
    pytest.fail(f"the cluster did not start:\n{log.read_text(errors='replace')[-3000:]}")


def bill(folder: Path) -> Path:
    """A folder with Parquet of floats, Parquet of decimals and CSV, with texts that are hard to read."""
    folder.mkdir()
    write_part(folder / "floats.parquet", part=1, rows=ROWS)
    write_part(folder / "decimals.parquet", part=2, rows=ROWS, amounts="decimal")
    write_part(folder / "texts.csv", part=3, rows=ROWS)
    with (folder / "texts.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    for line, text in zip(lines[1:], TRICKS, strict=False):
        line[-1] = text
    with (folder / "texts.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines)
    return folder


def imported(cluster: Cluster, engine: str, place: Path, *folders: Path) -> tuple[list[int], str]:
    """Exit codes of the imports into folders, and what they said."""
    for folder in folders:
        folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, str(SPARK / "import_bills.py"), engine, str(place), *map(str, folders)],
        env=cluster.environment, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr


def rows(folder: Path) -> dict[str, dict[str, Any]]:
    """Rows of a ledger by their identity."""
    found = open_ledger(str(folder / ".lichen" / "ledger"), create=False).activities().to_pylist()
    by_id = {row["activity_id"]: {k: v for k, v in row.items() if k not in _APART} for row in found}
    assert len(by_id) == len(found) > 0
    return by_id


@pytest.mark.timeout(600)
class TestCluster:
    pytestmark = cluster_needed

    def test_rows_are_those_of_duckdb_and_the_same_in_every_run(self, cluster: Cluster, tmp_path: Path) -> None:
        place = bill(tmp_path / "bill")
        codes, said = imported(cluster, cluster.master, place, tmp_path / "first", tmp_path / "second")
        assert codes == [0, 0], said
        codes, said = imported(cluster, "duckdb", place, tmp_path / "duckdb")
        assert codes == [0], said
        first, here = rows(tmp_path / "first"), rows(tmp_path / "duckdb")
        assert first == rows(tmp_path / "second")
        assert first.keys() == here.keys()
        for identity, row in here.items():
            there = first[identity]
            assert there["value"] == pytest.approx(row["value"], rel=1e-9)
            rounded = _NUMBERS if row["account"].startswith(_FLOATS) else ("value", "amount")
            assert {**there, **{name: row[name] for name in rounded}} == row
            for name in _NUMBERS[1:] if row["quantity"] == "cost" else ():
                assert there[name] == pytest.approx(row[name], rel=Decimal("1e-9"))
        billed = sum(row["billed_amount"] for row in here.values() if row["quantity"] == "cost")
        assert isinstance(billed, Decimal)
        assert billed > 0

    def test_a_damaged_file_is_named(self, cluster: Cluster, tmp_path: Path) -> None:
        place = tmp_path / "bill"
        place.mkdir()
        write_part(place / "cut.csv", part=1, rows=2000)
        with (place / "cut.csv").open("a", encoding="utf-8") as file:
            file.write("AWS,one,cell,too,few\n")
        codes, said = imported(cluster, "local[2]", place, tmp_path / "none")
        assert codes == [2], said
        assert re.search(r"cut\.csv .*", said), said
        assert "Traceback" not in said
        assert not (tmp_path / "none" / ".lichen" / "ledger" / "activities").exists()


def test_a_machine_without_spark_says_what_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(UsageError, match="PySpark, which is not installed") as caught:
        open_engine("local[2]", tmp_path)
    assert 'pip install "lichen[spark]"' in caught.value.repair


@pytest.mark.parametrize("name", ["polars", "spark:", "spark://", "local[two]", "yarn"])
def test_an_engine_that_there_is_not_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no engine"):
        open_engine(name, tmp_path)
