# SPDX-License-Identifier: Apache-2.0
"""Files of rules: what is wrong with one is told in a sentence that names file, rule and repair."""

from __future__ import annotations

from pathlib import Path

import pytest

from lichen.collect.bills.mapping import Rules
from lichen.collect.bills.meter import Meter
from lichen.errors import ConfigError, ExitCode

GOOD = """
provider = "aws"
[[rule]]
name = "widgets"
meter = ["*Widget*"]
family = "requests"
platform = "aws:widgets"
amounts = [{ quantity = "requests" }]
"""


def refused(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        Rules.load([path])
    assert caught.value.exit_code is ExitCode.USAGE
    assert str(path) in caught.value.problem
    assert caught.value.repair
    return caught.value.sentence()


def test_a_good_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD, encoding="utf-8")
    found = Rules.load([path]).understand(Meter(provider="aws", service="x", meter="EU-Widgets", unit="Requests"))
    assert (found.rule, found.amounts[0].platform) == ("widgets", "aws:widgets")


@pytest.mark.parametrize(
    ("wrong", "put", "told"),
    [
        ('meter = ["*Widget*"]', 'metre = ["*Widget*"]', "rule 'widgets': It has the unknown key 'metre'. Did you mean 'meter'?"),
        ('family = "requests"', 'family = "request"', "'family' is 'request'. Did you mean 'requests'?"),
        ('family = "requests"', "", "'family' is ''. Valid: compute,"),
        ('quantity = "requests"', 'quantity = "request"', "'quantity' is 'request'. Did you mean 'requests'?"),
        ('quantity = "requests"', 'quantity = "cost"', "'quantity' is 'cost'."),
        ('quantity = "requests"', 'quantity = "requests", factor = -1', "'factor' is -1. Give a number above zero."),
        ('quantity = "requests"', 'quantity = "requests", factor = true', "'factor' is True. Give a number above zero."),
        ('quantity = "requests"', 'quantity = "requests", faktor = 1', "key 'faktor'. Did you mean 'factor'?"),
        ('platform = "aws:widgets"', "", "an amount has no platform. Add platform = ..."),
        ('platform = "aws:widgets"', "platform = 3", "'platform' is 3. Give a text."),
        ('["*Widget*"]', '["x"]\nattributes = { storage_clas = "ssd" }', "'storage_clas'. Did you mean 'storage_class'?"),
        ('platform = "aws:widgets"', 'platform = "aws:w"\nmethod = "guessed"', "'method' is 'guessed'."),
        ('platform = "aws:widgets"', 'platform = "aws:w"\nunit = "furlongs"', "'furlongs' is no unit of a bill."),
        ('platform = "aws:widgets"', 'platform = "aws:w"\nunits = ["hours"]', "'units' is 'hours'."),
        ('platform = "aws:widgets"', 'platform = "aws:w"\nreason = "ai"', "not exactly one of reason, instance, cores"),
        ('amounts = [{ quantity = "requests" }]', "", "not exactly one of reason, instance, cores"),
        ('amounts = [{ quantity = "requests" }]', 'reason = "cheap"', "'reason' is 'cheap'."),
        ('amounts = [{ quantity = "requests" }]', 'amounts = ["requests"]', "'amounts' holds 'requests'. Give tables"),
        ('["*Widget*"]', '"/(/"', "/(/ is no regular expression"),
        ('["*Widget*"]', "[3]", "'meter' is [3]. Give a text or a list of texts."),
        ('name = "widgets"', "", "rule '1': it has no name."),
        ('provider = "aws"', 'provder = "aws"', "The file has the unknown key 'provder'. Did you mean 'provider'?"),
        ('provider = "aws"', "[types]\npatterns = [{ column = 'meter', pattern = '(x)' }]", "has no group 'type'."),
        ('provider = "aws"', "provider = aws", '(at line 2, column 12). Write the text in quotes: provider = "…".'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, wrong: str, put: str, told: str) -> None:
    assert wrong in GOOD
    assert told in refused(tmp_path / "mine.toml", GOOD.replace(wrong, put, 1))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        Rules.load([tmp_path / "none.toml"])
