# SPDX-License-Identifier: Apache-2.0
"""Who runs the browser: a user whose home stays as it is, a plain user, and one whose machine allows no sandbox."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import lichen

pytestmark = [pytest.mark.browser, pytest.mark.beside]

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
ROOT_ONLY = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv") or not shutil.which("nsenter"),
    reason="becoming another user needs root and util-linux",
)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "index.html").write_text('<!doctype html><html lang="en"><title>Page</title><h1>Page</h1>')
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may enter and write in; pytest's own are private."""
    with tempfile.TemporaryDirectory(prefix="lichen-users-") as name:
        path = Path(name)
        for part in (path, path / "home", path / "tmp"):
            part.mkdir(exist_ok=True)
            part.chmod(0o777)
        yield path


def interpreter_for_all() -> str:
    """A Python of this version that another user may start, and start again."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    again = "import subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True)"
    for candidate in (sys.executable, shutil.which(version, path="/usr/local/bin:/usr/bin")):
        tried = [*AS_NOBODY, candidate or "false", "-c", again]
        if candidate and subprocess.run(tried, check=False, capture_output=True).returncode == 0:
            return candidate
    pytest.skip(f"no {version} that another user may start")


def measure(
    url: str, folder: Path, *options: str, python: str = sys.executable, before: list[str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The command, with a home and a temporary folder of its own."""
    paths = [str(Path(lichen.__file__).parents[1]), *(path for path in sys.path if path.endswith("site-packages"))]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")} | {
        "HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    command = [*(before or []), python, "-m", "lichen", "measure", url, "--samples", "1", "--json", "--quiet", *options]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@contextlib.contextmanager
def no_user_namespaces() -> Iterator[list[str]]:
    """What to put before a command so that it runs as nobody where no user namespace can be made.

    The limit is set in a namespace of our own; that of the machine stays as it is.
    """
    holder = subprocess.Popen(["unshare", "--user", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write(b"x")
        holder.stdin.flush()
        if holder.stdout.read(1) != b"x":
            pytest.skip("no user namespace can be made here")
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{holder.pid}/{name}").write_text("0 0 65535\n")
        script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
        enter = ["nsenter", f"--user=/proc/{holder.pid}/ns/user", "-S", "0", "-G", "0", "sh", "-c", script, "sh"]
        yield [*enter, *AS_NOBODY]
    finally:
        holder.communicate(timeout=10)


@pytest.mark.parametrize("profile", ["fidelity", "fast"])
def test_home_and_temporary_folder_stay_empty(url: str, folder: Path, profile: str) -> None:
    done = measure(url, folder, "--profile", profile)
    assert done.returncode == 0, done.stderr
    assert list((folder / "home").rglob("*")) == []
    assert list((folder / "tmp").rglob("*")) == []


@ROOT_ONLY
@pytest.mark.parametrize("profile", ["fidelity", "fast"])
def test_a_plain_user_measures_in_the_sandbox(url: str, folder: Path, profile: str) -> None:
    """What this user may not read of sandboxed processes is unknown or a lower bound, and is said; the rest is there."""
    done = measure(url, folder, "--profile", profile, python=interpreter_for_all(), before=AS_NOBODY)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    (journey,) = result["journeys"]
    assert not any("sandbox" in note for note in journey["notes"])
    counters = journey["counters"]
    assert counters["cpu_time"]["value"] > 0
    assert counters["network_bytes"]["value"] > 0
    assert counters["memory_peak"]["value"] is None or counters["memory_peak"]["value"] > 10e6
    assert journey["indicators"]["gwp100"]["value"] > 0
    assert list((folder / "home").rglob("*")) == []


@ROOT_ONLY
def test_without_user_namespaces_nothing_is_measured_and_the_sandbox_stays_on(url: str, folder: Path) -> None:
    with no_user_namespaces() as before:
        done = measure(url, folder, python=interpreter_for_all(), before=before)
    assert done.returncode == 5, done.stderr
    error = json.loads(done.stderr)["error"]
    assert "sandbox" in error["problem"]
    assert "namespaces" in error["repair"]
    assert "Traceback" not in done.stderr
    assert list((folder / "tmp").rglob("*")) == []
