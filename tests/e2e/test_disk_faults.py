# SPDX-License-Identifier: Apache-2.0
"""A disk that fails at any write or sync, and one that is full: what was acknowledged is there once, and nothing by halves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.load_support import body
from tests.web.server_support import client, context

from lichen.errors import StorageError
from lichen.outputs.web.context import WebContext
from lichen.service import backup, landing
from lichen.store.queries.landing import run_ids

pytestmark = [pytest.mark.slow, pytest.mark.beside]
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The disk that fails, compiled."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs Linux and a C compiler (apt-get install gcc libc6-dev)")
    made = tmp_path_factory.mktemp("shim") / "faulty_disk.so"
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, "-o", str(made), str(HERE / "faulty_disk.c"), "-ldl"], check=True)
    return made


@pytest.mark.parametrize(("what", "every"), [("journal", 1), ("landing", 5)])
def test_a_disk_that_fails_at_any_moment_leaves_all_or_nothing(
    shim: Path, tmp_path: Path, what: str, every: int
) -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "faulty_disk.py"), str(tmp_path), str(shim), what, str(every)],
        env={**os.environ, "LD_PRELOAD": str(shim)}, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    *wrong, summary = map(json.loads, done.stdout.splitlines())
    assert wrong == []
    assert summary["calls"] > 20
    assert summary["tries"] >= 2 * (summary["calls"] // every)
    assert done.returncode == 0


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"needs the right to mount a small disk: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    """Takes what room is left."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096) == 4096:
                pass
        except OSError:
            pass
    return ballast


def known(web: WebContext) -> set[str]:
    with web.store.reading() as session:
        return set(run_ids(session))


def test_a_disk_that_is_full_refuses_reads_on_and_recovers(small: Path) -> None:
    with context(small) as web, client(web) as api:
        first = api.post("/api/v1/runs", content=body(0))
        assert first.status_code == 201
        ballast = fill(small)
        answers = [api.post("/api/v1/runs", content=body(number)) for number in range(1, 200)]
        taken = {answer.json()["run_id"] for answer in [first, *answers] if answer.status_code == 201}
        refused = [answer for answer in answers if answer.status_code != 201]
        assert {answer.status_code for answer in refused} == {507}
        assert refused[0].headers["retry-after"] == "30"
        assert known(web) == taken
        assert api.get("/api/v1/applications").status_code == 200
        assert api.post("/api/v1/runs", content=body(0)).status_code in (200, 507)
        with pytest.raises(StorageError, match="full"):
            landing.land_all(web)
        ballast.unlink()
        assert api.post("/api/v1/runs", content=body(500)).status_code == 201
        landing.land_all(web)
        assert set(web.ledger.runs(columns=["run_id"]).column("run_id").to_pylist()) == known(web) > taken
        assert landing.status(web).setbacks == []


def test_a_backup_that_finds_no_room_leaves_nothing_and_stops_nobody(small: Path, tmp_path: Path) -> None:
    with context(tmp_path) as web, client(web) as api:
        assert api.post("/api/v1/runs", content=body(0)).status_code == 201
        ballast = fill(small)
        with pytest.raises(StorageError, match="cannot be written"):
            backup.back_up(web, small / "kept.tar")
        assert [path.name for path in small.iterdir()] == ["ballast"]
        assert api.post("/api/v1/runs", content=body(1)).status_code == 201
        ballast.unlink()
        assert backup.back_up(web, small / "kept.tar").rows["ingest_journal"] == 2
