# SPDX-License-Identifier: Apache-2.0
"""Several writers at once, writers that are killed, and disks that are full: each run is there once, whole, or not at all."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from tests.ledger_support import batch_of, check_whole, copy_to, ids, opened, row, run_of, writer

from lichen.errors import StorageError
from lichen.ledger import Ledger, open_ledger


def complete(where: Path, batches: int) -> Ledger:
    """The ledger after everything was appended once more: each run is there exactly once."""
    ledger = open_ledger(str(where))
    wanted = [run for number in range(batches) for run in batch_of(number)]
    ledger.append_runs(wanted)
    assert ids(ledger) == sorted(run.run_id for run in wanted)
    assert check_whole(ledger) == len(wanted)
    return ledger


def test_writers_at_once_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    opened(tmp_path)
    batches = 8
    orders = [list(range(batches)), list(reversed(range(batches))), random.Random(1).sample(range(batches), batches)]
    processes = [writer(str(tmp_path), *order) for order in orders]
    ledger = open_ledger(str(tmp_path))
    try:
        while any(process.poll() is None for process in processes):
            check_whole(ledger, size=5)  # a reader sees whole batches all the time
            ledger.compact()  # and somebody tidies up meanwhile
    finally:
        said = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said
    added = sum(int(line) for out, _ in said for line in out.split())
    assert added == batches * 5
    assert len(ids(ledger)) == batches * 5
    complete(tmp_path, batches)


def test_retention_loses_nothing_that_is_appended_meanwhile(tmp_path: Path) -> None:
    """Both write to the same month: whoever is slower looks again."""
    old = [run_of(row(), day="2026-03-01", version=str(number)) for number in range(12)]
    new = [run_of(row(), day="2026-03-20", version=str(number)) for number in range(12)]
    ledger = opened(tmp_path, old[:6])

    def append() -> None:
        for one in zip(old, new, strict=True):
            open_ledger(str(tmp_path)).append_runs(one)

    thread = threading.Thread(target=append)
    thread.start()
    while thread.is_alive():
        ledger.retain(date(2026, 3, 10))
    thread.join()
    ledger.retain(date(2026, 3, 10))
    assert ids(ledger) == sorted(run.run_id for run in new)
    assert check_whole(ledger, rows=1) == len(new)


def test_threads_of_one_process_take_turns(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    added: list[int] = []
    threads = [
        threading.Thread(target=lambda: added.extend(ledger.append_runs(batch_of(number)).runs for number in range(4)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(added) == 20
    assert check_whole(ledger, size=5) == 20


def test_a_writer_killed_at_any_moment_leaves_whole_batches(tmp_path: Path) -> None:
    opened(tmp_path)
    chance = random.Random(7)
    batches = 40
    for _ in range(6):
        process = writer(str(tmp_path), *range(batches))
        assert process.stdout is not None
        process.stdout.readline()  # it has begun to append
        time.sleep(chance.uniform(0, 0.25))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        told = check_whole(open_ledger(str(tmp_path)), size=5)
        assert told % 5 == 0
    complete(tmp_path, batches)


@pytest.mark.parametrize("place", ["_tell", "_commit"])
def test_the_next_writer_completes_what_a_dead_one_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Dead after the evidence (before `_commit`), or between both commits (before `_tell`)."""
    ledger = opened(tmp_path, batch_of(0))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"lichen.ledger.writer.Writer.{place}", die)
        with pytest.raises(KeyboardInterrupt):
            ledger.append_runs(batch_of(1))
    seen = {"_tell": 10, "_commit": 5}[place]
    assert check_whole(ledger) == seen
    assert len(ids(ledger)) == 5

    appended = open_ledger(str(tmp_path)).append_runs(batch_of(1))
    assert appended.runs == 10 - seen
    assert len(ids(ledger)) == check_whole(ledger, size=5) == 10


def test_two_writers_complete_a_dead_ones_work_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = opened(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("lichen.ledger.writer.Writer._tell", lambda *_: None)
        ledger.append_runs(batch_of(0))
    processes = [writer(str(tmp_path), 0, 1) for _ in range(2)]
    said = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert len(ids(ledger)) == check_whole(ledger, size=5) == 10


def test_a_copy_that_is_made_while_others_write_is_whole(tmp_path: Path) -> None:
    opened(tmp_path / "source", batch_of(0))
    process = writer(str(tmp_path / "source"), *range(1, 10))
    assert process.stdout is not None
    process.stdout.readline()
    try:
        copies = [tmp_path / f"copy-{number}" for number in range(2)]
        for place in copies:
            copy_to(str(tmp_path / "source"), place)
    finally:
        process.communicate()
    for place in copies:
        copied = open_ledger(str(place))
        seen = check_whole(copied, size=5)
        assert seen >= 10
        assert all(copied.run(run_id)["activities"] for run_id in ids(copied))
        complete(place, 10)


def test_a_copy_whose_runs_lag_behind_is_completed(tmp_path: Path) -> None:
    """The log of runs is copied first: several batches may come before that of activities is."""
    source = opened(tmp_path / "source", batch_of(0))
    copy_to(str(tmp_path / "source"), tmp_path / "copy")
    for number in (1, 2, 3):
        source.append_runs(batch_of(number))
    for path in sorted((tmp_path / "source").rglob("*")):
        inner = path.relative_to(tmp_path / "source")
        if path.is_file() and inner.parts[0] != "runs":
            (tmp_path / "copy" / inner).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "copy" / inner).write_bytes(path.read_bytes())
    copied = open_ledger(str(tmp_path / "copy"))
    assert (len(ids(copied)), check_whole(copied, size=5)) == (5, 20)
    complete(tmp_path / "copy", 5)


def test_a_file_that_may_not_grow_is_a_full_disk(tmp_path: Path) -> None:
    opened(tmp_path, batch_of(0))
    limit = 6000  # bytes: the log fits in, the rows do not

    def little() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = writer(str(tmp_path), 1, before=little)
    out, err = process.communicate()
    assert (process.returncode, out) == (1, "")
    assert "The disk of the ledger" in err
    assert err.strip().endswith("no row is half written.")
    assert check_whole(open_ledger(str(tmp_path)), size=5) == 5
    complete(tmp_path, 2)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this user may not mount")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def until_full(ledger: Ledger) -> int:
    """Appends batch after batch; how many runs were told to be there, once the disk is full."""
    appended, said = 0, ""
    while not said:
        try:
            appended += ledger.append_runs(batch_of(appended // 5)).runs
        except StorageError as error:
            said = error.sentence()
    assert "is full" in said
    assert "\n" not in said
    return appended


@pytest.mark.parametrize("left", [2_000, 12_000, 24_000, 60_000, 150_000])
def test_a_full_disk_is_told_and_nothing_is_half_written(small_disk: Path, left: int) -> None:
    """Full at different moments: in the evidence, in the rows, in the log."""
    ledger = opened(small_disk / "ledger")
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (free - left))
    appended = until_full(ledger)
    assert check_whole(open_ledger(str(small_disk / "ledger")), size=5) >= appended

    filler.unlink()
    again = complete(small_disk / "ledger", appended // 5 + 1)
    assert len(ids(again)) == appended + 5


def test_a_folder_that_may_not_be_written_to_is_told(tmp_path: Path) -> None:
    where = tmp_path / "ledger"
    opened(where, [run_of(row())])
    readonly = subprocess.run(["mount", "--bind", "-o", "ro", str(where), str(where)], capture_output=True, check=False)
    if readonly.returncode:
        pytest.skip("this user may not mount")
    try:
        ledger = open_ledger(str(where))
        assert len(ids(ledger)) == 1
        with pytest.raises(StorageError, match="permission denied"):
            ledger.append_runs(batch_of(1))
    finally:
        subprocess.run(["umount", "-l", str(where)], check=True)
