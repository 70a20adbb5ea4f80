# SPDX-License-Identifier: Apache-2.0
"""``docs/compare.md`` says what is so: operands, settings, and the keys of the verdict."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from pathlib import Path

import click
import pytest

from lichen.cli.app import root as cli
from lichen.cli.commands.compare import command
from lichen.config import KEYS
from lichen.service.comparing.operands import parse_operand
from lichen.service.verdict import Cause, Effect, JourneyVerdict, OperandFacts, Verdict
from lichen.stats.paired import LOOKS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "compare.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(
    r"^lichen compare (.+)$", "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)), re.MULTILINE
)


def named(text: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", text))


@pytest.mark.parametrize("words", EXAMPLES)
def test_examples_are_read(words: str) -> None:
    # Below the root, as on the command line: a command remembers the names of its option for help from its first context.
    context = command.make_context("compare", shlex.split(words), parent=click.Context(cli, **cli.context_settings))
    assert parse_operand(context.params["base"]).kind == parse_operand(context.params["head"]).kind


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 3


def test_settings_that_are_named_exist() -> None:
    told = set(re.findall(r"`(compare\.[a-z_]+)`", PAGE))
    assert told <= set(KEYS)
    assert {"compare.delta", "compare.gate", "compare.max_minutes", "compare.build", "compare.serve"} <= told


def test_the_looks_are_those_of_the_rule() -> None:
    assert f"after {', '.join(map(str, LOOKS[:-1]))} and {LOOKS[-1]} pairs" in PAGE


def test_the_document_has_the_keys_that_are_told() -> None:
    section = PAGE.partition("## The verdict as JSON")[2]
    top = {name for row in re.findall(r"^\| (.+?) \|", section, re.MULTILINE) for name in named(row)}
    assert top == {field.name for field in fields(Verdict)} | {"schema_version"}
    for of in (JourneyVerdict, OperandFacts, Effect, Cause):
        assert {field.name for field in fields(of)} <= named(section), of.__name__
