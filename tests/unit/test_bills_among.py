# SPDX-License-Identifier: Apache-2.0
"""What lies beside bills in a folder and is none: left out by its name, where that is certain."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from tests.focus_support import LINE, line, write

from lichen.collect.bills.format import formats
from lichen.errors import StorageError
from lichen.service.bills.inputs import bills_among, sources
from lichen.service.progress import Silent


def among(*places: Path, format_name: str | None = None) -> tuple[list[str], list[str]]:
    """Names of the bills of some places, and of what is none."""
    found, _ = sources([str(place) for place in places], Path("unused"), Silent())
    files, others = bills_among(found, formats(), format_name)
    return [Path(one.name).name for one in files], [Path(one).name for one in others]


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "Exports of October.\nAsk Jo.\n", "Dear all, here they are; more to come.\n", "day,visits\n2026-10-01,3\n",
        "\ufeff", "id;name\n1;a\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["notes.txt", "notes.csv", "NOTES.TXT"])
def test_what_is_no_bill_is_left_out_of_a_folder(tmp_path: Path, text: str, name: str) -> None:
    write(tmp_path / "bills" / "october.csv", [line()])
    (tmp_path / "bills" / name).write_text(text, encoding="utf-8")
    assert among(tmp_path / "bills") == (["october.csv"], [name])


def test_what_is_named_itself_has_to_be_a_bill(tmp_path: Path) -> None:
    bill = write(tmp_path / "october.csv", [line()])
    notes = tmp_path / "notes.txt"
    notes.touch()
    with pytest.raises(StorageError, match=r"notes\.txt is empty"):
        among(bill, notes)


def test_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.txt").touch()
    with pytest.raises(StorageError, match=r"None of these files is a bill: .*0\.txt, .*2\.txt and 2 more\."):
        among(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("cut.csv", b"\x1f\x8b\x08\x00 is no gzip, and so on", "damaged gzip"),
        ("lacks.csv", ",".join(name for name in LINE if name != "BilledCost").encode() + b"\n1\n", "lacks 'BilledCost'"),
        ("packed.csv", gzip.compress(b"day,visits\n"), "no bill that Lichen knows"),
        ("wide.csv", "BilledCost,ServiceName\n".encode("utf-16"), "UTF-16"),
        ("book.csv", b"PK\x03\x04 and so on", "zip archive"),
        ("empty.parquet", b"", "is empty"),
        ("empty.csv.gz", b"", "is empty"),
        ("rows.txt", b'[{"a": 1}]', "no bill that Lichen knows"),
    ],
)  # fmt: skip
def test_a_bill_that_cannot_be_read_stops_all(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    write(tmp_path / "october.csv", [line()])
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StorageError, match=sentence):
        among(tmp_path)


def test_a_format_that_is_given_is_that_of_all_tables(tmp_path: Path) -> None:
    write(tmp_path / "october.csv", [line()])
    (tmp_path / "notes.txt").write_text("Ask Jo.\n", encoding="utf-8")
    assert among(tmp_path, format_name="focus") == (["october.csv"], ["notes.txt"])
    visits = tmp_path / "visits.csv"
    visits.write_text("day,visits\n2026-10-01,3\n", encoding="utf-8")
    with pytest.raises(StorageError) as refused:
        among(tmp_path, format_name="focus")
    assert refused.value.problem.startswith(f"{visits} lacks '")
    assert refused.value.problem.endswith("which focus needs: its columns are day, visits.")


@pytest.mark.parametrize("name", [one.name for one in formats() if one.name != "focus"])
def test_a_format_that_does_not_fit_says_what_it_needs(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError, match=f"bill.csv lacks '.*', which {name} needs"):
        among(write(tmp_path / "bill.csv", [line()]), format_name=name)
