# SPDX-License-Identifier: Apache-2.0
"""Measurements notice each other, and nobody is disturbed by what a killed one has left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lichen.service.presence import Presence, neighbour_notes, runtime_folder

STRANGER = """
import sys
from pathlib import Path
from lichen.service.presence import Presence
with Presence(Path(sys.argv[1])) as presence:
    print("in", flush=True)
    sys.stdin.read()
    print(presence.others())
"""


def stranger(folder: Path) -> subprocess.Popen[str]:
    """Another process that measures until its standard input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", STRANGER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    return process


def test_alone(tmp_path: Path) -> None:
    folder = tmp_path / "runtime"
    with Presence(folder) as presence:
        assert (presence.others(), neighbour_notes(presence)) == ((), ())
        assert len(list(folder.iterdir())) == 1
    assert not folder.exists()


def test_who_was_there_first_and_who_came_later_know_each_other(tmp_path: Path) -> None:
    first = stranger(tmp_path)
    second = stranger(tmp_path)
    assert second.communicate("")[0] == f"({first.pid},)\n"
    assert first.communicate("")[0] == f"({second.pid},)\n"


def test_a_measurement_that_holds_this_one_is_no_neighbour(tmp_path: Path) -> None:
    with Presence(tmp_path) as presence:
        inner = stranger(tmp_path)
        assert inner.communicate("")[0] == "()\n"
        assert presence.others() == ()


def test_a_measurement_that_runs_inside_this_one_is_no_neighbour(tmp_path: Path) -> None:
    inner = stranger(tmp_path)
    with Presence(tmp_path) as presence:
        assert presence.others() == ()
        assert inner.communicate("")[0] == "()\n"


def test_what_a_killed_measurement_left_is_removed(tmp_path: Path) -> None:
    killed = stranger(tmp_path)
    killed.kill()
    killed.communicate()
    assert len(list(tmp_path.iterdir())) == 1
    with Presence(tmp_path) as presence:
        assert presence.others() == ()
        assert [path.name.partition("-")[0] for path in tmp_path.iterdir()] == [str(os.getpid())]


def test_a_folder_that_cannot_be_used_disturbs_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with Presence(tmp_path / "file") as presence:
        assert presence.others() == ()


def test_the_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1")
    assert runtime_folder() == Path("/run/user/1/lichen")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert runtime_folder().name == f"lichen-{os.getuid()}"
