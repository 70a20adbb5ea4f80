# SPDX-License-Identifier: Apache-2.0
"""Spark as the engine of an import: a cluster of its own (``spark://HOST:PORT``), or processors of this machine (``local[2]``).

Files are opened here and nothing else is: the expressions are those that DuckDB runs. The files of a bill and the spool must lie
where every worker finds them under the same path; Lichen gives Spark no connector to an object store.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from lichen.collect.bills.engine import SCRATCH, failure, whole
from lichen.collect.bills.json_rows import json_table
from lichen.collect.bills.opening import LONGEST_LINE
from lichen.errors import StorageError, UsageError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from lichen.collect.bills.opening import Opened

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_BATCH: Final = 65_536
_SETTINGS: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",
    # A sum that does not fit is an error, never a null.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.shuffle.partitions": "32",
    # A line with too many or too few cells is seen only where all of them are read.
    "spark.sql.csv.parser.columnPruning.enabled": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}


class SparkEngine:
    """Spark, as the one application of this process; see `lichen.collect.bills.engine.Engine`.

    Memory and processors of executors are Spark's own settings (``spark-defaults.conf`` in ``SPARK_CONF_DIR``).

    Args:
        master: ``spark://HOST:PORT`` or ``local[N]``.
        spool: folder for what is made on the way, which the workers see too.

    Raises:
        UsageError: PySpark or Java is not installed.
        StorageError: the cluster does not answer.
    """

    def __init__(self, master: str, spool: Path) -> None:
        self.name = master
        self._scratch = spool / SCRATCH
        self._numbers = count(1)
        self._session = _session(master, spool)
        ibis = import_module("ibis")
        self._backend = ibis.pyspark.connect(self._session)

    def read(self, opened: Opened) -> ir.Table:
        """See `Engine.read`."""
        path = Path(opened.path)
        if opened.kind == "json":
            return self.table("lichen_rows", json_table(path))
        with _told([path]):
            if opened.kind == "parquet":
                return self._view("lichen_file", self._session.read.parquet(_address(path)))
            types = import_module("pyspark.sql.types")
            schema = types.StructType([types.StructField(name, types.StringType()) for name in opened.columns])
            reader = self._session.read.schema(schema).options(
                header=True, sep=opened.delimiter, quote='"', escape='"', encoding=opened.encoding, multiLine=True,
                mode="FAILFAST", maxCharsPerColumn=LONGEST_LINE, maxColumns=len(opened.columns) + 1,
            )  # fmt: skip
            return self._view("lichen_file", reader.csv(_address(path)))

    def spooled(self, folders: Sequence[Path], name: str) -> ir.Table:
        """See `Engine.spooled`."""
        with _told(folders):
            return self._view(name, self._session.read.parquet(*[_address(folder) for folder in folders]))

    def table(self, name: str, rows: pa.Table) -> ir.Table:
        """See `Engine.table`."""
        with _told(()):
            self._session.createDataFrame(rows).createOrReplaceTempView(name)
        return self._backend.table(name)

    def write(self, expression: ir.Table, folder: Path, *, about: Sequence[Path] = ()) -> None:
        """See `Engine.write`."""
        with _told(about), whole(folder) as draft:
            self._session.sql(self._backend.compile(expression)).write.parquet(_address(draft))

    def arrow(self, expression: ir.Table) -> Iterator[pa.RecordBatch]:
        """See `Engine.arrow`."""
        import pyarrow.dataset as ds

        # By way of the spool: what Spark hands over directly has to fit into the memory of this process.
        folder = self._scratch / f"arrow-{next(self._numbers)}"
        self.write(expression, folder)
        try:
            yield from ds.dataset(folder, format="parquet").to_batches(batch_size=_BATCH)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _view(self, name: str, frame: Any) -> ir.Table:
        frame.createOrReplaceTempView(name)
        return self._backend.table(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.stop()
        shutil.rmtree(self._scratch, ignore_errors=True)


def _session(master: str, spool: Path) -> Any:
    """The session of a cluster."""
    try:
        sql = import_module("pyspark.sql")
    except ImportError:
        raise UsageError(
            "Spark needs PySpark, which is not installed.", repair='pip install "lichen[spark]".', culprit=master
        ) from None
    home = os.environ.get("JAVA_HOME")
    if (shutil.which("java") if home is None else shutil.which("java", path=f"{home}/bin")) is None:
        raise UsageError(
            "Spark needs Java 17 or newer, and there is no `java` here.",
            repair="Install it (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME.",
            culprit=master,
        )
    builder = sql.SparkSession.builder.master(master).appName("lichen")
    settings = {**_SETTINGS, "spark.sql.warehouse.dir": _address(spool / SCRATCH / "warehouse")}
    if urlsplit(master).hostname in _LOOPBACK or master.startswith("local"):
        settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as error:
        raise StorageError(
            f"Spark at {master} does not answer: {_first_line(error)}.",
            repair="Start the cluster, or name its address as its own page shows it.",
            culprit=master,
        ) from error


def _address(path: Path) -> str:
    """A path that Spark does not take for one of its default file system, or for a pattern."""
    return path.absolute().as_uri() if not re.search(r"[\[\]{}*?]", str(path)) else _escaped(path)


def _escaped(path: Path) -> str:
    return "file://" + re.sub(r"([\[\]{}*?])", r"\\\1", str(path.absolute()))


@contextmanager
def _told(about: Sequence[Path]) -> Iterator[None]:
    """Turns what Spark raises into one sentence."""
    errors = import_module("pyspark.errors")
    java = import_module("py4j.protocol")
    try:
        yield
    except (errors.PySparkException, java.Py4JError, OSError) as error:
        raise failure(str(error), about) from error


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".:") if lines else type(error).__name__
