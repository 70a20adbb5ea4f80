# SPDX-License-Identifier: Apache-2.0
"""Where a server listens, and what it refuses before it does."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.web.server_support import context, run

from lichen.errors import UsageError
from lichen.ledger import runfile
from lichen.outputs.web import serving
from lichen.service import accounts, arrivals, landing
from lichen.service.accounts import By
from lichen.store.queries.landing import run_ids


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "lichen.example.org"])
def test_nobody_reaches_a_server_that_has_no_account(tmp_path: Path, host: str) -> None:
    with context(tmp_path, host=host) as found, pytest.raises(UsageError, match="Nobody has an account"):
        serving.serve(found.workspace, demo=False, say=lambda _: None)


def test_whoever_opens_it_to_others_is_told_that_it_can_be_read_on_the_way(tmp_path: Path) -> None:
    said: list[str] = []
    with context(tmp_path, host="192.0.2.1") as found:
        with found.store.session() as session:
            by = By(actor="command:test", at=datetime.now(UTC))
            accounts.add_user(session, email="a@example.org", by=by, password="a long pass phrase", is_admin=True)
        with pytest.raises(UsageError, match=r"192\.0\.2\.1 is not available"):  # no machine has this address
            serving.serve(found.workspace, demo=False, say=said.append)
    assert any("https://" in line for line in said)


@pytest.mark.parametrize(("host", "only_here"), [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True),
                                                 ("0.0.0.0", False), ("10.0.0.1", False), ("example.org", False)])  # fmt: skip
def test_what_is_reached_from_this_machine_alone(host: str, only_here: bool) -> None:
    assert serving.is_loopback(host) is only_here


def test_a_port_that_is_taken_is_followed_by_the_next_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving.listen("127.0.0.1", port) as listener:
            assert port < listener.getsockname()[1] < port + 20


def test_ports_end_somewhere() -> None:
    with serving.listen("127.0.0.1", 65535), pytest.raises(UsageError, match="65535"):
        serving.listen("127.0.0.1", 65535)


def test_the_runs_of_the_folder_are_taken_once_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "lichen-runs"
    for number in range(3):
        runfile.write(folder, run(number))
    broken = folder / "2026-03-01-0123456789ab.run.json.gz"
    broken.write_bytes(b"\x1f\x8bnonsense")
    with context(tmp_path) as found:
        first = arrivals.take_folder(found, folder)
        assert first.taken == 3
        assert len(first.refused) == 1
        assert broken.name in first.refused[0]
        assert arrivals.take_folder(found, folder).taken == 0
        with found.store.reading() as session:
            assert len(run_ids(session)) == 3
        assert landing.land_all(found) == 3
