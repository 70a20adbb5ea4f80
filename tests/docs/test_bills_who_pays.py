# SPDX-License-Identifier: Apache-2.0
"""What docs/bills.md says of who pays is what is done."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from lichen.collect.bills.owners import UNALLOCATED, Owners
from lichen.collect.bills.utilisation import read_utilisation
from lichen.config import load_settings
from lichen.config.bills import CONDITIONS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "bills.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Who pays\n")[2].partition("\n## ")[0]


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)


@pytest.fixture
def owners(tmp_path: Path) -> Owners:
    file = tmp_path / "lichen.toml"
    file.write_text("\n".join(blocks("toml")), encoding="utf-8")
    return Owners.from_settings(load_settings(file), ["shop", "portal", "pipeline", "Web_Mail"])


def owner(owners: Owners, **keys: str) -> str:
    ((code, share),) = owners.of(keys)
    assert share == 1
    return code


def test_the_rules_do_what_their_comments_say(owners: Owners) -> None:
    assert owner(owners, tags=json.dumps({"Application": "web shop"})) == "shop"
    assert owner(owners, tags=json.dumps({"application": "Web Mail"})) == "Web_Mail"
    assert owner(owners, account="111122223333") == owner(owners, account_name="Portal-test") == "portal"
    group = {"resource_group": "rg-pipeline-prod"}
    assert owner(owners, **group, tags='{"env": "test"}') == "pipeline"
    assert owner(owners, **group) == UNALLOCATED


def test_the_example_of_shared_support(owners: Owners) -> None:
    pool = owner(owners, service="AWS Support (Business)", account="111122223333")
    paid = {"shop": Decimal("300.00"), "portal": Decimal("150.00"), UNALLOCATED: Decimal(40)}
    parts = {code: round(share * Decimal("90.00"), 2) for code, share in owners.shares(pool, paid)}
    assert parts == {"shop": Decimal("60.00"), "portal": Decimal("30.00")}
    assert "where `shop` pays 300 itself and `portal` 150: 60.00 and\n30.00" in SECTION


def test_the_table_has_every_condition() -> None:
    rows = "".join(line.split("|")[1] for line in SECTION.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`(\w+)`", rows)) == set(CONDITIONS)


def test_the_table_of_load_is_read(tmp_path: Path) -> None:
    (example,) = blocks("csv")
    path = tmp_path / "load.csv"
    path.write_text(example, encoding="utf-8")
    assert [(load.resource, load.cpu) for load in read_utilisation(path)] == [
        ("i-0abc", 0.12),
        ("i-0abc", 0.31),
        ("vm-7", 0.05),
    ]
