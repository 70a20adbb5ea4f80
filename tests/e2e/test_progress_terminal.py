# SPDX-License-Identifier: Apache-2.0
"""The progress bar on a real terminal: Ctrl-C in the middle of a measurement leaves the terminal as it was."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.beside]

JOURNEY = """
def journey(page, step):
    with step("wait"):
        page.wait_for_timeout(60_000)
"""


def _read_until(terminal: int, wanted: bytes, deadline_s: float) -> bytes:
    """What the terminal shows, up to ``wanted`` or the end."""
    shown = b""
    end = time.monotonic() + deadline_s
    while wanted not in shown and time.monotonic() < end:
        if not select.select([terminal], [], [], 0.5)[0]:
            continue
        try:
            piece = os.read(terminal, 65_536)
        except OSError:  # the other side is closed
            break
        shown += piece
    return shown


def test_ctrl_c_gives_the_cursor_back(tmp_path: Path) -> None:
    (tmp_path / "wait.py").write_text(JOURNEY, encoding="utf-8")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "lichen", "measure", "wait.py", "--samples", "1"],
        cwd=tmp_path,
        env=os.environ | {"TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        began = _read_until(ours, b"wait", 60)
        assert b"\x1b[?25l" in began, began.decode(errors="replace")
        process.send_signal(signal.SIGINT)
        after = _read_until(ours, b"stopped", 60)
        assert b"\x1b[?25h" in after
        assert b"Traceback" not in after
        assert process.wait(timeout=60) == 130
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)
