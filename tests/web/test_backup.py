# SPDX-License-Identifier: Apache-2.0
"""A backup holds everything that was acknowledged before it began, and comes back as it was."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.web.server_support import client, context, run

from lichen.errors import StorageError
from lichen.ledger import runfile
from lichen.service import backup, landing
from lichen.store.queries import backup as queries
from lichen.store.queries.landing import run_ids

PATH = "/api/v1/runs"


def place(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def ids(found: object) -> list[str]:
    with found.store.reading() as session:  # type: ignore[attr-defined]
        return sorted(run_ids(session))


def test_what_comes_back_is_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "b.tar"
    with context(place(tmp_path, "a")) as web:
        with client(web) as api:
            api.post(PATH, json={"runs": [run(i) for i in range(5)]})
            landing.land_all(web)
            api.post(PATH, json=run(5))  # acknowledged, not landed
        kept = backup.back_up(web, file)
        with web.store.reading() as session:
            before = {name: list(queries.rows(session, name)) for name in queries.tables()}
        columns = ["run_id", "entity", "quantity", "value", "samples"]
        rows = web.ledger.activities(columns=columns).sort_by([(name, "ascending") for name in columns[:3]])
        known = ids(web)
    assert kept.rows["ingest_journal"] == 6
    with context(place(tmp_path, "b")) as other:
        backup.restore(other, file)
        with other.store.reading() as session:
            assert {name: list(queries.rows(session, name)) for name in queries.tables()} == before
        assert other.ledger.activities(columns=columns).sort_by([(name, "ascending") for name in columns[:3]]) == rows
        assert ids(other) == known
        assert landing.land_all(other) == 1
        assert other.ledger.runs().num_rows == 6
        with client(other) as api:  # numbers go on where they were
            assert api.post(PATH, json=run(5)).status_code == 200
            assert api.post(PATH, json=run(6)).status_code == 201
        assert other.ledger.run(runfile.run_id(run(3))) is not None


def test_a_backup_under_load_holds_what_was_acknowledged_before(tmp_path: Path) -> None:
    file = tmp_path / "b.tar"
    with context(place(tmp_path, "a")) as web, client(web) as api:
        stop = threading.Event()

        def send() -> None:
            number = 100
            while not stop.is_set():
                api.post(PATH, json=run(number))
                number += 1

        def land() -> None:
            while not stop.is_set():
                landing.land_all(web)

        threads = [threading.Thread(target=send), threading.Thread(target=land)]
        for thread in threads:
            thread.start()
        try:
            for turn in range(3):
                acknowledged = api.post(PATH, json={"runs": [run(10 * turn + i) for i in range(10)]}).json()["items"]
                before = {item["run_id"] for item in acknowledged} | set(ids(web))
                backup.back_up(web, file)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    with context(place(tmp_path, "b")) as other:
        backup.restore(other, file)
        assert before <= set(ids(other))
        landing.land_all(other)
        found = other.ledger.runs().column("run_id").to_pylist()
        assert sorted(found) == ids(other)


def rewritten(file: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> None:
    with tarfile.open(file) as archive:
        members = [(member.name, archive.extractfile(member).read()) for member in archive]  # type: ignore[union-attr]
    with tarfile.open(file, "w") as archive:
        for name, content in members:
            if (changed := change(name, content)) is not None:
                info = tarfile.TarInfo(changed[0])
                info.size = len(changed[1])
                archive.addfile(info, io.BytesIO(changed[1]))


def manifest(**change: object) -> Callable[[str, bytes], tuple[str, bytes]]:
    def changed(name: str, content: bytes) -> tuple[str, bytes]:
        return name, json.dumps({**json.loads(content), **change}).encode() if name == "manifest.json" else content

    return changed


DAMAGES: dict[str, Callable[[str, bytes], tuple[str, bytes] | None]] = {
    "a byte of the ledger": lambda name, content: (name, b"x" + content[1:] if "evidence" in name else content),
    "a table is missing": lambda name, content: None if name.startswith("store/run.") else (name, content),
    "no manifest": lambda name, content: None if name == "manifest.json" else (name, content),
    "a path that leads out": lambda name, content: ("ledger/../../x" if "evidence" in name else name, content),
    "another format": manifest(format="lichen-backup/2"),
    "a newer store": manifest(store_revision="r9999"),
    "a manifest without hashes": manifest(sha256=None),
    "a manifest without a schema": manifest(store_revision=None),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_backup_that_is_not_whole_changes_nothing(tmp_path: Path, name: str) -> None:
    file = tmp_path / "b.tar"
    with context(place(tmp_path, "a")) as web:
        with client(web) as api:
            api.post(PATH, json=run())
        landing.land_all(web)
        backup.back_up(web, file)
    rewritten(file, DAMAGES[name])
    with context(place(tmp_path, "b")) as other:
        with pytest.raises(StorageError):
            backup.restore(other, file)
        assert ids(other) == []
        assert not list((tmp_path / "b" / ".lichen").glob("ledger/**/*.parquet"))
    assert not (tmp_path / "x").exists()


USERS = "store/user.jsonl.gz"
USER = {"id": "a" * 32, "email": "a@example.org", "created_at": "2026-01-01T00:00:00+00:00"}
FORGED: dict[str, bytes] = {
    "no gzip": b"{}",
    "a gzip that ends early": gzip.compress(b"{}" * 99)[:-9],
    "no JSON": gzip.compress(b"{nope"),
    "brackets": gzip.compress(b"[" * 200_000),
    "no row": gzip.compress(b"[1, 2]"),
    "no time": gzip.compress(json.dumps({**USER, "created_at": "yesterday"}).encode()),
    "a time without a zone": gzip.compress(json.dumps({**USER, "created_at": "2026-01-01T00:00:00"}).encode()),
    "a time that UTC has not": gzip.compress(json.dumps({**USER, "created_at": "0001-01-01T00:00:00+12:00"}).encode()),
    "an object for a text": gzip.compress(json.dumps({**USER, "email": {"a": 1}}).encode()),
    "a column is missing": gzip.compress(b"{}"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_backup_that_somebody_forged_changes_nothing(tmp_path: Path, name: str) -> None:
    file = tmp_path / "b.tar"
    with context(place(tmp_path, "a")) as web:
        backup.back_up(web, file)
    rewritten(file, lambda member, content: (member, FORGED[name] if member == USERS else content))
    digest = hashlib.sha256(FORGED[name]).hexdigest()

    def signed(member: str, content: bytes) -> tuple[str, bytes]:
        if member != "manifest.json":
            return member, content
        said = json.loads(content)
        return member, json.dumps({**said, "sha256": {**said["sha256"], USERS: digest}}).encode()

    rewritten(file, signed)
    with context(place(tmp_path, "b")) as other:
        with pytest.raises(StorageError):
            backup.restore(other, file)
        with other.store.reading() as session:
            assert queries.occupied(session) is None


@pytest.mark.parametrize("content", [b"", b"nonsense" * 1000, b"\0" * 10240])
def test_a_file_that_is_no_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "b.tar").write_bytes(content)
    with context(place(tmp_path, "b")) as other, pytest.raises(StorageError, match=r"b\.tar"):
        backup.restore(other, tmp_path / "b.tar")


def test_what_is_there_is_kept_or_set_aside(tmp_path: Path) -> None:
    file = tmp_path / "b.tar"
    with context(place(tmp_path, "a")) as web:
        with client(web) as api:
            api.post(PATH, json=run(1))
        landing.land_all(web)
        backup.back_up(web, file)
        with client(web) as api:
            api.post(PATH, json=run(2))
        with pytest.raises(StorageError, match="holds data"):
            backup.restore(web, file)
        assert len(ids(web)) == 2
        backup.restore(web, file, force=True)
        assert ids(web) == [runfile.run_id(run(1))]
    aside = sorted(
        path.name.split(".")[0] for path in (tmp_path / "a" / ".lichen").iterdir() if path.name.endswith("Z")
    )
    assert aside == ["ledger", "lichen"]


def test_nothing_is_restored_below_a_server(tmp_path: Path) -> None:
    file = tmp_path / "b.tar"
    with context(place(tmp_path, "a")) as web:
        backup.back_up(web, file)
        serving = landing.Landing(web)
        serving.step()
        with pytest.raises(StorageError, match="A server uses"):
            backup.restore(web, file, force=True)
        serving.release()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with context(place(tmp_path, "a")) as web, pytest.raises(StorageError, match="cannot be written"):
        backup.back_up(web, tmp_path / "absent" / "b.tar")
