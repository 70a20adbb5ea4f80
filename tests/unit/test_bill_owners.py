# SPDX-License-Identifier: Apache-2.0
"""Whose the lines of a bill are: rules of lichen.toml, their order, and shares that are exactly the whole."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.collect.bills.owners import UNALLOCATED, Owners, Shares, parts
from lichen.config import Settings, load_settings
from lichen.errors import ConfigError

ALONE = Decimal(1)

RULES = """
[[bills.owner]]
application = "portal"
accounts = ["111122223333", "Portal *"]

[[bills.owner]]
application_tag = "Application"
values = { "Web Shop" = "shop" }

[[bills.owner]]
application = "etl"
resource_groups = ["rg-etl-*"]
providers = ["azure"]

[[bills.owner]]
application = "mail"
services = ["Amazon Simple Email*"]

[[bills.owner]]
application = "probe"
resources = ["i-0[a]*"]
tags = { env = "*", team = "field" }

[[bills.shared]]
name = "network"
services = ["*Virtual Private Cloud"]
weights = { shop = 2, portal = 1 }

[[bills.shared]]
name = "support"
services = ["*Support*"]
by = "cost"

[[bills.shared]]
name = "logs"
tags = { application = "logs" }
by = "even"
among = ["shop", "portal", "etl"]
"""


def settings_of(text: str, folder: Path) -> Settings:
    file = folder / "lichen.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file)


@pytest.fixture
def owners(tmp_path: Path) -> Owners:
    return Owners.from_settings(settings_of(RULES, tmp_path), ["shop", "Field Probe"])


def tagged(**tags: object) -> str:
    return json.dumps(tags)


@pytest.mark.parametrize(
    ("keys", "application"),
    [
        ({"account": "111122223333"}, "portal"),
        ({"account_name": "portal production"}, "portal"),
        # The first rule counts: the account goes before the tag.
        ({"account": "111122223333", "tags": tagged(application="shop")}, "portal"),
        ({"tags": tagged(application="shop")}, "shop"),
        ({"tags": tagged(**{"user:Application": "  WEB shop"})}, "shop"),
        ({"tags": tagged(application="SHOP")}, "shop"),
        ({"tags": tagged(application="field_probe")}, "Field Probe"),
        ({"tags": tagged(application="Not Yet/Known")}, "not-yet-known"),
        ({"tags": tagged(application=7)}, "7"),
        ({"resource_group": "RG-ETL-prod", "provider": "azure"}, "etl"),
        ({"resource_group": "rg-etl-prod", "provider": "aws"}, UNALLOCATED),
        ({"service": "Amazon Simple Email Service"}, "mail"),
        # Signs that other tools take for patterns are signs.
        ({"resource": "i-0[a]77", "tags": tagged(env="prod", team="Field")}, "probe"),
        ({"resource": "i-0a77", "tags": tagged(env="prod", team="field")}, UNALLOCATED),
        ({"resource_name": "i-0[a]", "tags": tagged(team="field")}, UNALLOCATED),
        ({"tags": tagged(application=" - ")}, UNALLOCATED),
        ({"tags": tagged(application=None)}, UNALLOCATED),
        ({"tags": tagged(application=["shop"])}, UNALLOCATED),
        ({"tags": '{"application": "sh'}, UNALLOCATED),
        ({"tags": '["application"]'}, UNALLOCATED),
        ({"tags": "[" * 100_000}, UNALLOCATED),
        ({"tags": tagged(application="x" * 300)}, UNALLOCATED),
        ({}, UNALLOCATED),
    ],
)
def test_the_first_rule_that_holds_counts(owners: Owners, keys: dict[str, str], application: str) -> None:
    assert owners.of(keys) == ((application, ALONE),)


def test_what_is_shared_goes_first(owners: Owners) -> None:
    network = {"service": "Amazon Virtual Private Cloud", "account": "111122223333"}
    ((pool, whole),) = owners.of(network)
    third = Decimal("0.333333333333")
    assert whole == 1
    assert owners.shares(pool, {}) == (("portal", third), ("shop", 1 - third))
    ((pool, _),) = owners.of({"tags": tagged(application="logs")})
    logs = owners.shares(pool, {"shop": Decimal(9)})
    assert [code for code, _ in logs] == ["etl", "portal", "shop"]
    assert sum(share for _, share in logs) == 1


def test_a_pool_is_shared_by_what_each_pays(owners: Owners) -> None:
    ((pool, whole),) = owners.of({"service": "AWS Premium Support"})
    assert whole == 1
    paid = {
        "shop": Decimal("30.00"),
        "portal": Decimal("10.00"),
        "": Decimal(500),
        pool: Decimal(9),
        "etl": Decimal(-3),
    }
    assert owners.shares(pool, paid) == (("portal", Decimal("0.25")), ("shop", Decimal("0.75")))
    assert owners.shares(pool, {"": Decimal(500)}) == ((UNALLOCATED, ALONE),)


def test_an_even_pool_is_of_those_who_pay(tmp_path: Path) -> None:
    text = '[[bills.shared]]\nname = "hub"\naccounts = ["hub"]\nby = "even"\n'
    owners = Owners.from_settings(settings_of(text, tmp_path))
    ((pool, _),) = owners.of({"account": "hub"})
    assert owners.shares(pool, {"a": Decimal(1), "b": Decimal(99)}) == (("a", Decimal("0.5")), ("b", Decimal("0.5")))


def test_among_keeps_others_out(tmp_path: Path) -> None:
    text = '[[bills.shared]]\nname = "hub"\naccounts = ["hub"]\nby = "cost"\namong = ["a", "c"]\n'
    owners = Owners.from_settings(settings_of(text, tmp_path))
    ((pool, _),) = owners.of({"account": "hub"})
    assert owners.shares(pool, {"a": Decimal(1), "b": Decimal(99)}) == (("a", ALONE),)
    assert owners.shares(pool, {"b": Decimal(99)}) == ((UNALLOCATED, ALONE),)


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.decimals(0, 10**9, places=9), min_size=1, max_size=40))
def test_shares_are_exactly_the_whole(weights: dict[str, Decimal]) -> None:
    if not any(weights.values()):
        weights = {**weights, "one": Decimal(1)}
    found = dict(parts(weights))
    whole = sum(weights.values())
    assert sum(found.values()) == 1
    assert all(abs(found.get(code, Decimal(0)) - weight / whole) < Decimal("1e-12") for code, weight in weights.items())
    assert parts(dict(reversed(weights.items()))) == tuple(found.items())


def test_the_hash_follows_what_decides(tmp_path: Path) -> None:
    def hash_of(text: str, codes: tuple[str, ...] = ()) -> str:
        return Owners.from_settings(settings_of(text, tmp_path), codes).hash

    rule = '[[bills.owner]]\napplication = "a"\naccounts = ["1"]\n'
    other = '[[bills.owner]]\napplication = "b"\naccounts = ["1"]\n'
    assert hash_of(rule) == hash_of(rule + "\n# said aloud\n")
    assert len({hash_of(rule), hash_of(other), hash_of(rule + other), hash_of(other + rule), hash_of("")}) == 5
    # Which applications exist matters only where a tag's value names one of them.
    assert hash_of(rule, ("a",)) == hash_of(rule)
    named = '[[bills.owner]]\napplication_tag = "app"\n'
    assert hash_of(named, ("a",)) != hash_of(named)


@pytest.mark.parametrize(
    ("text", "sentence", "repair"),
    [
        ("[bills]\nmaping = []\n", r"no key 'bills\.maping' \(.*:2\)", "Did you mean 'mapping'"),
        ('[[bills.owner]]\naccounts = ["1"]\n', r"A \[\[bills\.owner\]\] has no application \(.*:1\)", "Give one of"),
        ('[[bills.owner]]\napplication = "a"\napplication_tag = "b"\n', "has both application and", "Give one of"),
        ('[[bills.owner]]\napplication = "a"\nvalues = { b = "c" }\n', "has values and no application_tag", "Give app"),
        ('[[bills.owner]]\napplication = "a/b"\n', r"bills\.owner\.application is 'a/b'", "without '/'"),
        ('[[bills.owner]]\napplicaton = "a"\n', r"no key 'bills\.owner\.applicaton'", "Did you mean 'application'"),
        ('[[bills.owner]]\napplication = "a"\ntags = { x = 1 }\n', r"bills\.owner\.tags is a table", "Give a table"),
        (
            '[[bills.owner]]\napplication = "a"\n[[bills.owner]]\napplication = "b"\naccounts = ["1"]\n',
            "comes after one that takes every line", "Move it up",
        ),
        ('[[bills.shared]]\nby = "even"\naccounts = ["1"]\n', r"A \[\[bills\.shared\]\] has no name", "Add name"),
        ('[[bills.shared]]\nname = "x"\nby = "even"\n', "'x' does not say what is shared", "Give it a condition"),
        ('[[bills.shared]]\nname = "x"\naccounts = ["1"]\n', "'x' has neither weights nor by", "Give one of"),
        (
            '[[bills.shared]]\nname = "x"\naccounts = ["1"]\nby = "even"\nweights = { a = 1 }\n',
            "'x' has both weights and by", "Give one of",
        ),
        ('[[bills.shared]]\nname = "x"\naccounts = ["1"]\nby = "evn"\n', r"shared\.by is 'evn'", "Did you mean 'even'"),
        ('[[bills.shared]]\nname = "x"\naccounts = ["1"]\nweights = { a = 0 }\n', r"shared\.weights is a table", "Give a"),
        (
            '[[bills.shared]]\nname = "x"\naccounts = ["1"]\nweights = { a = 1 }\namong = ["b"]\n',
            "'x' has weights and among", "Take among out",
        ),
        (
            '[[bills.shared]]\nname = "x"\naccounts = ["1"]\nby = "even"\n' * 2,
            r"Two \[\[bills\.shared\]\] are called 'x'", "Rename",
        ),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_one_sentence(tmp_path: Path, text: str, sentence: str, repair: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        settings_of(text, tmp_path)
    assert repair in caught.value.repair


def test_many_owners_are_one_answer_each(owners: Owners) -> None:
    found: set[Shares] = {
        owners.of({"resource": f"i-{number}", "tags": tagged(application=f"app {number % 7}")})
        for number in range(2_000)
    }
    assert found == {((f"app-{number}", ALONE),) for number in range(7)}
