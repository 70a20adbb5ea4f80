# SPDX-License-Identifier: Apache-2.0
"""Help texts are golden files: a change of the command line is seen in review."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click
import pytest
from click.testing import CliRunner

from lichen.cli.app import root as cli


def _paths(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _paths(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("path", list(_paths(cli)), ids=lambda path: " ".join(("lichen", *path)))
def test_help(path: tuple[str, ...], golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    answer = CliRunner().invoke(cli, [*path, "--help"], prog_name="lichen")
    assert answer.exit_code == 0
    golden(f"help/{'-'.join(('lichen', *path))}.txt", answer.output)
