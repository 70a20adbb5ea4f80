# SPDX-License-Identifier: Apache-2.0
"""Tables of measured processor load."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from tests.focus_support import OWNERS, bring, on, project, rows, write

from lichen.collect.bills.utilisation import Load, read_utilisation
from lichen.errors import StorageError
from lichen.ledger import Selection
from lichen.service.board.gathering import summable, total_documents
from lichen.service.context import open_context
from lichen.service.evaluation import evaluate_activities, parse_document


def table(folder: Path, text: str) -> Path:
    path = folder / "load.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_loads_are_read_by_resource_and_day(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "Instance ID,CPU utilization,from,to\ni-2,1,,\ni-1,0.5,2026-10-16,\ni-1,0.125,2026-10-01,2026-10-15\n",
    )
    assert read_utilisation(path) == (
        Load(resource="i-2", cpu=1.0, first=date.min, last=date.max),
        Load(resource="i-1", cpu=0.125, first=date(2026, 10, 1), last=date(2026, 10, 15)),
        Load(resource="i-1", cpu=0.5, first=date(2026, 10, 16), last=date.max),
    )


def test_a_row_may_be_a_day(tmp_path: Path) -> None:
    path = table(tmp_path, "resource;cpu;jour\nvm-1;0,35;31/10/2026\n")
    assert read_utilisation(path) == (
        Load(resource="vm-1", cpu=0.35, first=date(2026, 10, 31), last=date(2026, 10, 31)),
    )


@pytest.mark.parametrize(
    ("text", "sentence", "repair"),
    [
        ("resource,cpu\ni-1,35\n", r"cpu is 35 \(.*:2\)", "35 % is 0.35"),
        ("resource,cpu\ni-1,-0.1\n", r"cpu is -0\.1", "from 0 to 1"),
        ("resource,cpu\ni-1,\n", "cpu is empty", "Fill it in"),
        ("resource,cpu\ni-1,a lot\n", "cpu is 'a lot', not a number", "plain number"),
        ("resource,cpu\n,0.2\n", "resource is empty", "Fill it in"),
        ("machine,cpu\ni-1,0.2\n", "is not a table of utilisation: it has no column resource", "first line"),
        ("resource,cpu,from,to\ni-1,0.2,2026-10-02,2026-10-01\n", "to .* is before from", "Turn them"),
        ("resource,cpu,day,to\ni-1,0.2,2026-10-02,2026-10-03\n", "a day besides from and to", "Keep one"),
        ("resource,cpu\ni-1,0.2\ni-2,0.2\ni-1,0.3\n", r"i-1 has two loads for one day \(.*:4\)", "Give each day one"),
    ],
)
def test_a_wrong_line_is_refused(tmp_path: Path, text: str, sentence: str, repair: str) -> None:
    with pytest.raises(StorageError, match=sentence) as caught:
        read_utilisation(table(tmp_path, text))
    assert repair in caught.value.repair


def test_a_measured_load_moves_what_is_used_and_nothing_of_what_was_made(tmp_path: Path) -> None:
    """A machine of Google whose virtual CPUs and memory are two lines, as pages add them up: at 30 % where 40 % is usual."""
    google = {
        "ProviderName": "Google Cloud", "PublisherName": "Google", "RegionId": "europe-west9", "SkuPriceDetails": "",
        "ServiceName": "Compute Engine", "ResourceId": "vm-1", "ChargeDescription": "",
    }  # fmt: skip
    core = {"SkuMeter": "N2 Instance Core running in Paris", "ConsumedUnit": "Hours", "ConsumedQuantity": "96"}
    memory = {
        "SkuMeter": "N2 Instance Ram running in Paris",
        "ConsumedUnit": "gibibyte hour",
        "ConsumedQuantity": "384",
    }
    figures = []
    for name, settings in (("assumed", OWNERS), ("measured", f'{OWNERS}\n[bills]\nutilisation = "load.csv"\n')):
        workspace = project(tmp_path / name, settings)
        table(tmp_path / name, "resource,cpu\nvm-1,0.3\n")
        bring(workspace, write(tmp_path / f"{name}.csv", [on(5, **google, **core), on(5, **google, **memory)]))
        context = open_context(workspace)
        documents = total_documents(context, Selection(quantities=summable(context)), ("application",))
        context.store.close()
        activities, said = parse_document(workspace, {"activities": documents[("shop",)]})
        found = evaluate_activities(workspace, workspace.method("lichen-1"), activities, said, on=None)
        figures.append(
            {(one.indicator, one.phase): one.value for one in found.totals() if one.accounting == "location"}
        )
    assumed, measured = figures
    for indicator in ("gwp100", "adpe", "pe", "water"):
        assert measured[indicator, "embodied"] == pytest.approx(assumed[indicator, "embodied"], rel=1e-9)
        assert measured[indicator, "use"] < assumed[indicator, "use"]


def test_a_measured_load_is_none_of_capacity_that_nobody_uses(tmp_path: Path) -> None:
    """A machine and what is unused of its reservation, with one identifier: 30 % and 0 %."""
    workspace = project(tmp_path / "project", f'{OWNERS}\n[bills]\nutilisation = "load.csv"\n')
    table(tmp_path / "project", "resource,cpu\ni-1,0.3\n")
    unused = {"SkuMeter": "EUW3-UnusedBox:m5.xlarge", "ChargeDescription": ""}
    bring(workspace, write(tmp_path / "bill.csv", [on(5), on(5, **unused)]))
    found = rows(workspace, "attributes", "value", quantity="vcpu_time")
    assert found == [('{"utilisation":0.0}', 4 * 86_400.0), ('{"utilisation":0.3}', 4 * 86_400.0)]
