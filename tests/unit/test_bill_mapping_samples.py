# SPDX-License-Identifier: Apache-2.0
"""Real bills: every line has quantities or a reason that says something, and enough of the money has quantities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from lichen.collect.bills.engine import DuckEngine
from lichen.collect.bills.format import formats, recognise
from lichen.collect.bills.line import METER
from lichen.collect.bills.lines import checked_lines
from lichen.collect.bills.mapping import Rules
from lichen.collect.bills.meter import Meter, Reason, Understood
from lichen.collect.bills.opening import sniff

CLOUD: Final = Path(__file__).parents[3] / "shared" / "data" / "cloud"
REAL: Final = (
    "aws_cur_legacy_anonymised.csv",
    "focus_1_0_real_anonymised.csv",
    "azure_ea_export_anonymised_27.csv",
    "oci_cost_report.csv",
)
GENERATED: Final = (
    "focus_1_3_generated_aws_300.csv",
    "focus_1_2_generated_azure_300.csv",
    "focus_1_2_generated_gcp_300.csv",
)
NOT_UNDERSTOOD: Final = {Reason.NO_RULE, Reason.UNKNOWN_UNIT}
CAPACITY: Final = ("compute", "storage", "networking")
"""Categories of FOCUS whose usage is a quantity of something."""

pytestmark = pytest.mark.skipif(not CLOUD.exists(), reason="sample bills are not beside this checkout")


def lines(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    opened = sniff(CLOUD / name)
    with DuckEngine(folder / "spool", threads=1) as engine:
        for batch in engine.arrow(checked_lines(engine.read(opened), recognise(opened.columns, formats()))):
            yield from batch.to_pylist()


Read = Callable[[str], list[tuple[dict[str, Any], Understood]]]


@pytest.fixture(scope="module")
def understood(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Lines of a sample, each with what it is."""
    rules = Rules.load()

    @cache
    def read(name: str) -> list[tuple[dict[str, Any], Understood]]:
        folder = tmp_path_factory.mktemp("bill")
        return [
            (line, rules.understand(Meter(**{column: line[column] for column in METER})))
            for line in lines(folder, name)
        ]

    return read


@pytest.mark.parametrize("name", [*REAL, *GENERATED])
def test_every_line_is_estimated_or_has_a_reason_that_says_something(understood: Read, name: str) -> None:
    found = understood(name)
    unknown = Counter(
        (line["provider"], line["service"], line["meter"], line["description"], line["unit"], one.reason)
        for line, one in found
        if one.reason in NOT_UNDERSTOOD or (one.reason is Reason.NO_QUANTITY and line["quantity"] is not None)
    )
    assert not unknown
    assert any(one.amounts for _, one in found)


def test_capacity_of_the_real_focus_bill_is_covered_by_list_cost(understood: Read) -> None:
    """Of compute, storage and network usage; what has no quantity there is part of what another line counts."""
    cost = {True: Decimal(0), False: Decimal(0)}
    for line, one in understood(REAL[1]):
        if line["charge"] == "usage" and line["service_category"].lower() in CAPACITY:
            cost[bool(one.amounts)] += line["list_cost"] or Decimal(0)
            assert one.amounts or one.reason is Reason.INCLUDED, line
    assert cost[True] / (cost[True] + cost[False]) >= Decimal("0.95")


def test_most_lines_of_the_real_report_of_aws_have_quantities(understood: Read) -> None:
    """769 lines: 8 of tax, 21 of names that are kept and of deletions, 43 that other lines count."""
    found = Counter(str(one.reason or "estimated") for _, one in understood(REAL[0]))
    assert sum(found.values()) == 769
    assert found["estimated"] >= 690
    assert set(found) == {"estimated", "included", "no_usage"}
