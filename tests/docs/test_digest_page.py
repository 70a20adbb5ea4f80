# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/digest.md are what the sample portfolio says, and its check of signatures works."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from tests import board_support

from lichen.outputs.notify import limits
from lichen.outputs.notify.webhook import signature
from lichen.plugins import names
from lichen.render.notices import worded
from lichen.service import digest
from lichen.service.context import ServiceContext
from lichen.service.digest.model import Scope
from lichen.service.notifying import GROUP, Outgoing

FILE = Path(__file__).resolve().parents[2] / "docs" / "digest.md"
PAGE = FILE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```text (\w+) (\S+) (en|fr)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceContext]:
    with board_support.sample_board(tmp_path_factory.mktemp("sample")) as context:
        yield context


def test_there_is_an_example_of_each() -> None:
    assert {scope for scope, *_ in EXAMPLES} == set(get_args(Scope))
    assert {lang for _, _, lang, _ in EXAMPLES} == {"en", "fr"}


@pytest.mark.parametrize(("scope", "code", "lang", "told"), EXAMPLES, ids=[scope for scope, *_ in EXAMPLES])
def test_an_example_is_what_the_sample_says(
    sample: ServiceContext, scope: Any, code: str, lang: str, told: str, request: pytest.FixtureRequest
) -> None:
    """``--update-golden`` writes what it says now."""
    found = digest.build(sample, digest.About(scope, code.removeprefix("-")))
    outgoing = Outgoing(
        delivery_id="x", message=digest.digest_message(found), lang=lang, base_url="https://lichen.example.org"
    )
    says = worded(outgoing).plain()
    if request.config.getoption("--update-golden"):
        FILE.write_text(FILE.read_text(encoding="utf-8").replace(told, says), encoding="utf-8")
        return
    assert says == told


def test_one_of_the_examples_is_a_week_without_news() -> None:
    assert [scope for scope, _, _, told in EXAMPLES if "nothing moved" in told] == ["application"]


def test_the_check_of_signatures_takes_ours_and_no_other() -> None:
    code = next(block for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
    scope: dict[str, Any] = {}
    exec(code, scope)
    body, stamp = b'{"schema":1}', str(int(time.time()))
    headers = {"x-lichen-timestamp": stamp, "x-lichen-signature-256": f"sha256={signature('key', stamp, body)}"}
    assert scope["is_from_lichen"](headers, body, "key")
    assert not scope["is_from_lichen"](headers, body + b" ", "key")
    assert not scope["is_from_lichen"](headers, body, "another")
    assert not scope["is_from_lichen"](headers | {"x-lichen-timestamp": "1"}, body, "key")


def test_the_table_has_every_notifier_with_its_limit() -> None:
    rows = dict(re.findall(r"^\| `([\w-]+)` \|.*\| ([^|]+) \|$", PAGE, re.MULTILINE))
    assert set(rows) == {name for name in names(GROUP) if not name.startswith("test")}
    for name in ("slack", "email", "webhook", "teams", "mattermost"):
        assert f"{getattr(limits, name.upper()).characters:,} characters" in rows[name]
