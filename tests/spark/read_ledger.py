# SPDX-License-Identifier: Apache-2.0
"""Reads a ledger with Spark, by the list of its files, and writes the sums of the ledger's own Ibis expression as JSON to stdout.

Runs in an environment of its own, with ``src`` on the path: ``python read_ledger.py FOLDER``.
"""

from __future__ import annotations

import json
import sys

import ibis
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from lichen.ledger.reader import Selection
from lichen.ledger.sums import totals


def main(folder: str) -> None:
    """Totals by application and month, and exact sums of money by currency."""
    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", False).getOrCreate()
    table = DeltaTable(f"{folder}/activities")
    activities = spark.read.options(basePath=table.table_uri, mergeSchema=True).parquet(*table.file_uris())
    activities.createOrReplaceTempView("activities")
    backend = ibis.pyspark.connect(spark)
    summed = totals(
        backend.table("activities"), ["application", "month"], peaks={"memory_peak"},
        selection=Selection(quantities=["cpu_time", "memory_peak", "visits"]),
    )  # fmt: skip
    money = spark.sql(
        "SELECT currency, sum(amount) AS amount FROM activities WHERE amount IS NOT NULL GROUP BY currency"
    )
    said = {"totals": backend.to_pyarrow(summed).to_pylist(), "money": [row.asDict() for row in money.collect()]}
    sys.stdout.write(f"{json.dumps(said, default=str)}\n")


if __name__ == "__main__":
    main(sys.argv[1])
