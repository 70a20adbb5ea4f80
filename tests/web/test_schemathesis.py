# SPDX-License-Identifier: Apache-2.0
"""The API against its own description: generated requests, valid and not, whose answers must be those that it declares."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.web.access_support import World, declare, listening, measure, world

from lichen.service.landing import Landing

pytestmark = [pytest.mark.slow, pytest.mark.beside, pytest.mark.timeout(240)]
EXAMPLES = 12
"""Of each operation in the phase that generates; the phase that covers each constraint of the description comes before."""


CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "401", "403", "404", "406", "409", "413", "422", "429"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "429"]
"""
"""A month that no calendar has is refused with 422, a batch that is too long with 413: declared, but no schema says so."""


@contextmanager
def landing_process(here: World) -> Iterator[None]:
    """Lands what comes in, as beside every server: without it a server is not ready."""
    done = threading.Event()

    def land() -> None:
        made = Landing(here.context)
        while not done.wait(0.5):
            made.step()
        made.release()

    thread = threading.Thread(target=land)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_every_answer_is_one_that_is_declared(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        measure(here, "ours", "theirs")
        declare(here, "ours", 1000)
        token = here.token("read", "write", "ingest", "admin").text
        (tmp_path / "schemathesis.toml").write_text(CONFIG)
        with listening(here) as url, landing_process(here):
            command = [
                str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/api/v1/openapi.json", "--no-color",
                "--header", f"Authorization: Bearer {token}", "--max-examples", str(EXAMPLES), "--seed", "4",
                "--phases", "examples,coverage,fuzzing", "--generation-database", "none", "--warnings", "off",
                "--suppress-health-check", "all", "--continue-on-failure",
            ]  # fmt: skip
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
