# SPDX-License-Identifier: Apache-2.0
"""What a file of a bill is, what is refused before an engine opens it, and mistakes in a format of one's own."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lichen.collect.bills.engine import DuckEngine
from lichen.collect.bills.format import formats, named, recognise
from lichen.collect.bills.opening import MOST_COLUMNS, files_of, sniff
from lichen.errors import ConfigError, StorageError

HEAD: Final = "ChargePeriodStart,ProviderName,ServiceName,ChargeCategory,BillingCurrency,BilledCost"
OWN: Final = """
name = "acme"
title = "The bill of Acme"
source = "https://acme.example/billing"
[cells.day]
columns = ["When"]
required = true
[cells.billed_cost]
columns = ["Price"]
required = true
"""


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_table_is_known_by_its_first_line_whatever_its_name(delimiter: str, packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "bill"
    text = "\ufeff" + HEAD.replace(",", delimiter) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    found = sniff(path)
    assert (found.kind, found.delimiter, found.compression) == ("csv", delimiter, "gzip" if packed else "")
    assert found.columns == tuple(HEAD.split(","))
    assert found.size == path.stat().st_size


def test_headings_may_hold_separators_and_differ_in_letter_case_alone(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_text('"a;b;c;d;e",resourceTags/user:Name,resourceTags/user:name\n1,2,3\n', encoding="utf-8")
    assert sniff(path).columns == ("a;b;c;d;e", "resourceTags/user:Name", "resourceTags/user:name (2)")


def test_fields_of_nested_records_have_names(tmp_path: Path) -> None:
    usage = pa.array([{"amount": 1.0, "unit": "h"}])
    table = pa.table({"usage": usage, "credits": pa.array([[{"name": "x", "amount": -1.0}]]), "cost": [1.0]})
    pq.write_table(table, tmp_path / "bill.parquet")
    assert sniff(tmp_path / "bill.parquet").columns == (
        "usage", "usage.amount", "usage.unit", "credits", "credits[].name", "credits[].amount", "cost",
    )  # fmt: skip


def _damaged_parquet(path: Path) -> None:
    pq.write_table(pa.table({"a": list(range(1000))}), path)
    path.write_bytes(path.read_bytes()[:-20])


def _bomb(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(300):
            file.write(b"0" * (1 << 20))


FAULTS: Final = {
    "empty": (lambda path: path.write_bytes(b""), "is empty."),
    "one column": (lambda path: path.write_text("a#b#c\n1#2#3\n"), "has one column, 'a#b#c'."),
    "empty line": (lambda path: path.write_text("\nA,B\n"), "begins with an empty line."),
    "twice": (lambda path: path.write_text("Cost,Day,Cost\n1,2,3\n"), "has two columns 'Cost'."),
    "wide": (lambda path: path.write_text(",".join(f"c{n}" for n in range(10_000))), "has 10000 columns."),
    "long line": (lambda path: path.write_bytes(b"a,b," + b"x" * (2 << 20)), "has a first line of more than 1 MiB."),
    "binary": (lambda path: path.write_bytes(b"\x00\x01\x02,\x03" * 99), "is no text."),
    "latin": (lambda path: path.write_bytes("Coût,Durée\n".encode("latin-1")), "has headings that are not UTF-8."),
    "utf-16": (lambda path: path.write_bytes("Cost,Day\n".encode("utf-16")), "is UTF-16."),
    "zip": (lambda path: path.write_bytes(b"PK\x03\x04" + b"0" * 99), "is a zip archive."),
    "zstd": (lambda path: path.write_bytes(b"\x28\xb5\x2f\xfd" + b"0" * 99), "is packed with zstd."),
    "excel": (lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0" + b"0" * 99), "is an Excel workbook."),
    "gzip": (lambda path: path.write_bytes(b"\x1f\x8b" + os.urandom(99)), "is a damaged gzip file."),
    "parquet": (_damaged_parquet, "is a damaged Parquet file."),
    "bomb": (_bomb, "unpacks to more than 200 times its size."),
    "json": (lambda path: path.write_text('{"a": [1, 2'), "is damaged JSON."),
    "deep": (lambda path: path.write_text("[" * 100_000), "is damaged JSON."),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_bill_is_refused_in_one_sentence_with_a_repair(fault: str, tmp_path: Path) -> None:
    path = tmp_path / "bill"
    write, problem = FAULTS[fault]
    write(path)
    with pytest.raises(StorageError) as refused:
        sniff(path)
    assert refused.value.problem == f"{path} {problem}"
    assert refused.value.repair.endswith(".")
    assert refused.value.culprit == str(path)


def test_as_many_columns_as_may_be_are_read(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_text(",".join(f"c{n}" for n in range(MOST_COLUMNS)))
    assert len(sniff(path).columns) == MOST_COLUMNS


def test_a_folder_gives_its_bills_in_order_and_passes_over_what_lies_beside_them(tmp_path: Path) -> None:
    for name in (
        "2026-05/b.csv.gz", "2026-05/a.parquet", "2026-04/c.csv", "usage.json", "_SUCCESS", "_temporary/x.csv", ".hidden.csv",
        "2026-05/manifest.json", "2026-05/export-Manifest.json", "2026-05/cur-00001-metadata.json", "readme.md",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = [path.relative_to(tmp_path).as_posix() for path in files_of(tmp_path)]
    assert found == ["2026-04/c.csv", "2026-05/a.parquet", "2026-05/b.csv.gz", "usage.json"]
    assert files_of(tmp_path / "readme.md") == [tmp_path / "readme.md"]
    (tmp_path / "none").mkdir()
    with pytest.raises(StorageError, match="There is no bill in"):
        files_of(tmp_path / "none")
    with pytest.raises(StorageError, match="cannot be read: No such file or directory"):
        files_of(tmp_path / "absent.csv")


def test_a_format_of_ones_own_stands_beside_the_shipped_ones_and_in_place_of_them(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(OWN)
    known = formats([tmp_path])
    assert recognise(["When", "Price", "What"], known).name == "acme"
    assert named("acme", known).verified == "documentation"
    (tmp_path / "acme.toml").write_text(OWN.replace('"acme"', '"oci"'))
    assert len(formats([tmp_path / "acme.toml"])) == len(formats())
    assert named("oci", formats([tmp_path])).title == "The bill of Acme"


@pytest.mark.parametrize(
    ("more", "problem", "repair"),
    [
        ("[cells.regoin]\nconst = 'x'", "[cells] has 'regoin', which is no key of a format", "Did you mean 'region'?"),
        ("[cells.region]\ncolumn = ['x']", "[cells.region] has 'column', which is no key of a format", "Did you mean 'columns'?"),
        ("[cells.region]\ncolumns = 'x'", "[cells.region] columns is no list of texts", "Write a list of texts in quotes."),
        (
            "[cells.region]\ncolumns = ['x']\nconst = 'y'",
            "[cells.region] gives `columns` and `const`",
            "Give exactly one of columns, const, sum, json, regex, object, prefixes.",
        ),
        ("[cells.region]\nmap = { a = 'b' }", "[cells.region] says nowhere what it is read from",
         "Give one of columns, const, sum, json, regex, object, prefixes."),
        ("[cells.region]\nsum = ['x']", "[cells.region] has a `sum`, and is no amount", "Use `columns`."),
        ("[cells.list_cost]\nsum = ['x * y']", "[cells.list_cost] sum has 'x * y'",
         "Write a column, -column, or column * 0.001."),
        ("[cells.region]\njson = 'x'", "[cells.region] has json = 'x'", "Write it as column:key."),
        ("[cells.region]\nregex = { column = 'x', pattern = '(' }",
         "[cells.region] has a pattern that cannot be read: missing ), unterminated subpattern at position 0",
         "Repair the pattern."),
        ("[cells.region]\nregex = { column = 'x', pattern = 'a' }", "[cells.region] has a pattern with 0 groups",
         "Give it one group: the value."),
        ("[cells.period]\ncolumns = ['x']\ndates = 'american'", "[cells.period] dates is 'american'",
         "Words: epoch, iso, month/day/year, written, year-month."),
        ("[cells.region]\ncolumns = ['x']\nrequired = 'yes'", "[cells.region] has a `required` that is neither true nor false",
         "Write true or false."),
    ],
)  # fmt: skip
def test_a_mistake_in_a_format_names_the_key_and_the_repair(
    more: str, problem: str, repair: str, tmp_path: Path
) -> None:
    path = tmp_path / "acme.toml"
    path.write_text(f"{OWN}\n{more}\n")
    with pytest.raises(ConfigError) as refused:
        formats([path])
    assert refused.value.problem == f"The format {path}: {problem}."
    assert refused.value.repair == repair


def test_a_format_needs_a_day_and_a_cost_and_to_be_toml(tmp_path: Path) -> None:
    path = tmp_path / "acme.toml"
    path.write_text(OWN.split("[cells.billed_cost]", maxsplit=1)[0])
    with pytest.raises(ConfigError, match=r"has no \[cells\.billed_cost\]"):
        formats([path])
    path.write_text("name = acme")
    with pytest.raises(ConfigError, match=r"The format .* cannot be read"):
        formats([path])
    with pytest.raises(ConfigError, match="No such file"):
        formats([tmp_path / "absent.toml"])


def test_an_answer_of_one_document_a_line_is_read_as_rows(tmp_path: Path) -> None:
    path = tmp_path / "details.json"
    rows = [
        {"domain": f"d{n}", "totalPrice": {"value": n, "currencyCode": "EUR"}, "periodStart": "2026-05-01"}
        for n in (1, 2)
    ]
    path.write_text("\n".join(json.dumps({**row, "description": "Instance"}) for row in rows))
    found = sniff(path)
    assert found.kind == "json"
    assert recognise(found.columns, formats()).name == "ovhcloud-bill"


def test_separators_at_the_ends_of_lines_make_columns_without_names(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_text(f"{HEAD},, \n2026-10-05,AWS,S3,Usage,EUR,1,,\n", encoding="utf-8")
    found = sniff(path)
    assert found.columns == (*HEAD.split(","), "(7)", "(8)")
    (row,) = DuckEngine(tmp_path / "spool").read(found).to_pyarrow().to_pylist()
    assert (row["BilledCost"], row["(7)"], row["(8)"]) == ("1", None, None)
