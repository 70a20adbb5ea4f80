# SPDX-License-Identifier: Apache-2.0
"""Delivery on PostgreSQL: two processes send a message once, and a digest is written down once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests import notify_support
from tests.notify_support import AT
from tests.postgres_support import Server, postgres_server

from lichen.outputs.notify import SlackNotifier
from lichen.service import notifying
from lichen.store.queries import deliveries

pytestmark = [pytest.mark.slow, pytest.mark.beside]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres_server() as found:
        yield found


def test_two_at_once(server: Server, tmp_path: Path) -> None:
    toml = f"""
[server]
store = "{server.url()}"
[notify]
allow_private_hosts = ["127.0.0.1"]
[[channel]]
name = "pay"
kind = "slack"
url_env = "HOOK"
"""
    available: dict[str, Any] = {"slack": SlackNotifier()}
    with notify_support.endpoint() as endpoint, notify_support.told(tmp_path, toml) as context:
        means = notify_support.means(context, {"HOOK": endpoint.url})
        channel, message = context.settings.channels[0], notify_support.messages()["digest 1"]
        made: list[str | None] = []
        start = threading.Barrier(2)

        def work() -> None:
            start.wait()
            made.extend(
                notifying.enqueue(context, channel=channel, dedup_key=f"{number}", message=message, now=AT)
                for number in range(10)
            )
            start.wait()
            notifying.deliver_due(context, available, means=means, now=AT)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(one is not None for one in made) == 10
        assert len(endpoint.bodies) == 10
        with context.store.reading() as session:
            assert {row.status for row in deliveries.log(session)} == {"sent"}
            first = deliveries.log(session)[0]
            assert deliveries.starting_with(session, first.id[:8]) == [first]
