# SPDX-License-Identifier: Apache-2.0
"""A run file that is wrong in any one place is refused in a sentence, or read; sentences never steer the terminal."""

from __future__ import annotations

import contextlib
import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.mutations import ABSENT, mutated, paths

from lichen.cli.failure import printable, shortened
from lichen.config import load_settings
from lichen.errors import StorageError, UsageError
from lichen.ledger import runfile
from lichen.service.explain import explain
from lichen.service.parts import run_folder
from lichen.service.summary import summarise
from lichen.service.workspace import Workspace

WORKSPACE = Workspace(load_settings(None))
GOLDEN = Path(__file__).parents[1] / "golden" / "run" / "lichen-run-1.json"
VALUES: tuple[Any, ...] = (-1, 10**400, math.nan, True, "zzz", [], [1], {"k": []}, None, ABSENT)


def test_one_wrong_value_anywhere_is_refused_or_read(tmp_path: Path) -> None:
    good = json.loads(GOLDEN.read_text(encoding="utf-8"))
    good["activities"] = good["activities"][:2]
    path, refused = tmp_path / "run.json", 0
    for place in paths(good, longest_list=1):
        for value in VALUES:
            path.write_text(json.dumps(mutated(good, place, value)), encoding="utf-8")
            try:
                summarise(WORKSPACE, runfile.read(path))
            except UsageError:
                refused += 1
                continue
            with contextlib.suppress(UsageError):
                explain(WORKSPACE, good["journeys"][0]["name"], path)
    assert refused > 200


def test_a_pipe_is_not_waited_for_and_a_dangling_link_is_no_run(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match="is a pipe"):
        runfile.read_document(tmp_path / "pipe")
    (tmp_path / f"2026-01-01-x{runfile.SUFFIX}").symlink_to(tmp_path / "gone")
    assert list(runfile.find(tmp_path)) == []


def test_sentences_do_not_steer_the_terminal() -> None:
    assert printable("\x1b]0;x\x07 é\x9b") == "\\x1b]0;x\\x07 é\\x9b"
    assert shortened(f"'{'y' * 900}' is odd", "y" * 900) == f"'{'y' * 200}…' is odd"


def test_the_folder_of_a_run_is_its_own() -> None:
    folder = run_folder(WORKSPACE.settings, "logs")
    assert folder.name.endswith(f"-{os.getpid()}")
    assert ":" not in folder.name
