# SPDX-License-Identifier: Apache-2.0
"""The real process: exit codes, signals, closed pipes, full disks, and what is imported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.fixtures import run as stored

from lichen.cli.failure import run
from lichen.cli.invocation import Invocation, common_options
from lichen.errors import BrowserMissing, JourneyFailed

LICHEN = [sys.executable, "-c", "from lichen.cli import main; main()"]
HEAVY = {
    "numpy",
    "scipy",
    "rich",
    "pydantic",
    "babel",
    "jinja2",
    "httpx2",
    "playwright",
    "lichen.config",
    "lichen.service",
}


def call(*args: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*LICHEN, *args], capture_output=True, text=True, timeout=60, check=False, **options)  # type: ignore[call-overload,no-any-return]


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom lichen.cli.app import root\n"
        "try: root.main(['--help'])\nexcept SystemExit as end: print(end.code, *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    code, *modules = done.stderr.split()
    assert code == "0"
    assert HEAVY & set(modules) == set()


def test_what_measures_loads_no_http_library_before_somebody_is_asked() -> None:
    script = "import sys, lichen.service.measure, lichen.service.run; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert {"httpx2", "playwright", "cryptography"} & set(done.stdout.split()) == set()


def test_ctrl_c_while_lichen_is_imported_is_no_traceback() -> None:
    code = (
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'lichen.cli.app': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from lichen.cli import main\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "stopped: nothing was written\n")


def test_without_a_command_the_help_is_usage(tmp_path: Path) -> None:
    done = call(cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Commands:" in done.stderr


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as nobody:
        done = subprocess.run(
            [*LICHEN, "config", "show"], stdout=nobody, stderr=subprocess.PIPE, cwd=tmp_path, timeout=60, check=False
        )
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("words", ["methods", "methods show lichen-1", "explain apply", "doctor", "plugins", "power"])
def test_a_reader_that_leaves_is_no_error_of_any_command(words: str, tmp_path: Path) -> None:
    """Whichever way the command prints: 1 would say that a budget is exceeded."""
    stored.write(tmp_path / "lichen-runs")
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as nobody:
        done = subprocess.run(
            [*LICHEN, *words.split()], stdout=nobody, stderr=subprocess.PIPE, cwd=tmp_path, timeout=60, check=False
        )
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*LICHEN, "config", "show"], stdout=full, stderr=subprocess.PIPE, cwd=tmp_path, timeout=60, check=False
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: The output cannot be written: No space left on device.\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
@pytest.mark.parametrize(
    ("words", "said", "repair"),
    [
        ("init", "lichen.toml cannot be written to: Read-only file system; nothing was written.", "Choose a folder"),
        ("doctor", "lichen-runs cannot be written to: {folder}: Read-only file system", "Choose another folder: --out"),
        (
            "demo --html /tmp/r.html",
            "lichen-runs cannot be written to: Read-only file system.",
            "runs go to the current folder",
        ),
    ],
)
def test_a_read_only_folder_is_told_in_the_systems_words(tmp_path: Path, words: str, said: str, repair: str) -> None:
    mounted = 'mount -t tmpfs -o ro none "$1" && cd "$1" && shift && exec "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mounted, "sh", str(tmp_path), *LICHEN, *words.split()],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    told = done.stdout + done.stderr
    assert said.format(folder=tmp_path) in told, told
    assert repair in told
    assert told.count("Read-only file system") == 1


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_with_one_line(tmp_path: Path, sent: signal.Signals, code: int) -> None:
    keyboard, terminal = os.openpty()
    process = subprocess.Popen(
        [*LICHEN, "evaluate", "lichen-1"],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "reading activities from the keyboard; Ctrl-D ends them\n"
    process.send_signal(sent)
    out, err = process.communicate(timeout=30)
    os.close(keyboard)
    os.close(terminal)
    assert (process.returncode, out, err) == (code, "", "stopped: nothing was written\n")


def test_a_terminal_without_unicode_still_gets_json(tmp_path: Path) -> None:
    document = json.dumps({"activities": [{"entity": "café 🌿", "quantity": "cpu_time", "value": 1, "tier": "device"}]})
    done = call("evaluate", "lichen-1", cwd=tmp_path, input=document, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert json.loads(done.stdout)["impacts"][0]["entity"] == "café 🌿"


@click.group()
@common_options
def failing() -> None:
    """A group whose commands fail in every way."""


@failing.command()
@common_options
def bug() -> None:
    """An error that nobody foresaw."""
    raise KeyError("culprit\nsecond line")


@failing.command()
def extra() -> None:
    """A package that is not installed."""
    raise ModuleNotFoundError(name="playwright")


@failing.command()
def journey() -> None:
    """A journey that failed."""
    raise JourneyFailed("Nothing answers.", repair="Start the site.")


@failing.command()
def browser() -> None:
    """No browser."""
    raise BrowserMissing("No Chromium.")


@failing.command()
@click.argument("number", type=int)
@click.argument("files", nargs=-1)
@click.pass_obj
def halted(invocation: Invocation, number: int, files: tuple[str, ...]) -> None:
    """Wrote files, then was sent a signal."""
    invocation.written.extend(map(Path, files))
    signal.raise_signal(number)


@pytest.fixture(autouse=True)
def _no_debug(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("LICHEN_DEBUG", raising=False)
    return


@pytest.mark.parametrize(
    ("name", "code", "lines"),
    [
        (
            "bug",
            3,
            [
                "error: Lichen itself failed: KeyError: 'culprit\\nsecond line'.",
                "hint: Run it again with LICHEN_DEBUG=1 and report what it prints.",
                "docs: docs/errors.md#e300",
            ],
        ),
        (
            "extra",
            5,
            [
                "error: The package 'playwright' is not installed.",
                "hint: Install it with: pip install 'lichen[journeys]'.",
                "docs: docs/errors.md#e500",
            ],
        ),
        ("journey", 4, ["error: Nothing answers.", "hint: Start the site.", "docs: docs/errors.md#e400"]),
        ("browser", 5, ["error: No Chromium.", "docs: docs/errors.md#e510"]),
    ],
)
def test_every_error_leaves_by_one_door(
    capsys: pytest.CaptureFixture[str], name: str, code: int, lines: list[str]
) -> None:
    assert run(failing, [name], "lichen") == code
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == ("", lines)


def test_a_traceback_is_printed_only_on_demand(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LICHEN_DEBUG", "1")
    assert run(failing, ["bug"], "lichen") == 3
    assert "Traceback (most recent call last):" in capsys.readouterr().err


def test_an_error_is_json_when_json_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for args in (["--json", "bug"], ["bug", "--json"]):
        assert run(failing, args, "lichen") == 3
        assert json.loads(capsys.readouterr().err)["error"]["code"] == "E300"
    assert run(failing, ["bug", "--json", "--frob"], "lichen") == 2
    assert json.loads(capsys.readouterr().err)["error"]["exit_code"] == 2
    assert run(failing, ["bug", "--", "--json"], "lichen") == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_sigterm_is_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    run(failing, ["browser"], "lichen")
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("files", "line"),
    [
        ([], "stopped: nothing was written"),
        (["runs/a.run.json.gz"], "stopped: runs/a.run.json.gz written, nothing else"),
        (["a.run.json.gz", "r.html"], "stopped: a.run.json.gz, r.html written, nothing else"),
    ],
)
def test_what_was_written_before_a_signal_is_said(
    capsys: pytest.CaptureFixture[str], sent: signal.Signals, files: list[str], line: str
) -> None:
    try:
        code: int | str | None = run(failing, ["halted", str(int(sent)), *files], "lichen")
    except SystemExit as ending:
        code = ending.code
    assert code == 128 + sent
    assert capsys.readouterr().err == f"{line}\n"


@pytest.mark.parametrize("how", ["read-only", "reader left", "closed"])
@pytest.mark.parametrize(("words", "code"), [(["config", "show"], 0), (["measure", "nope"], 2), (["nope"], 2)])
def test_an_unwritable_stderr_changes_no_exit_code(tmp_path: Path, how: str, words: list[str], code: int) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    (tmp_path / "file").touch()
    readable = os.open(tmp_path / "file", os.O_RDONLY)
    command = [*LICHEN, *words]
    if how == "closed":
        command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *command]
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=readable if how == "read-only" else writing, cwd=tmp_path, timeout=60,
            check=False,
        )  # fmt: skip
    finally:
        os.close(readable)
        os.close(writing)
    assert done.returncode == code
    assert bool(done.stdout) == (code == 0)


@pytest.mark.parametrize("words", [["config", "show"], ["init"], ["measure", "http://127.0.0.1:1/"]])
def test_a_working_folder_that_is_gone_is_one_sentence(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "gone").mkdir()
    leaving = ["sh", "-c", 'rmdir ../gone && exec "$@"', "sh", *LICHEN]
    done = subprocess.run(
        [*leaving, *words], capture_output=True, text=True, cwd=tmp_path / "gone", timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: The current folder does not exist any more.\n")


TIDYING = """
import sys, threading, time, click
from lichen.cli.failure import leave, run

@click.group()
def group(): pass

@group.command()
def slow():
    try:
        print("ready", flush=True)
        time.sleep(100)
    finally:
        print("tidying", flush=True)
        time.sleep(100)

@group.command()
def failing():
    try:
        print("ready", flush=True)
        time.sleep(100)
    finally:
        raise OSError("the connection is gone")

@group.command()
def threaded():
    threading.Thread(target=time.sleep, args=[1000]).start()
    print("done")

leave(run(group, sys.argv[1:], "lichen", last=True))
"""


@pytest.mark.parametrize(("first", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_at_once_without_a_traceback(
    first: signal.Signals, code: int, second: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", TIDYING, "slow"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(first)
        assert process.stdout.readline() == "tidying\n"
        process.send_signal(second)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (code, "")


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_fails_while_a_signal_unwinds_does_not_hide_it(sent: signal.Signals, code: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", TIDYING, "failing"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(sent)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (code, "stopped: nothing was written\n")


def test_a_thread_that_never_ends_does_not_hold_the_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TIDYING, "threaded"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_a_closed_standard_output_is_a_sentence() -> None:
    command = f"exec {sys.executable} -m lichen methods >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Standard output is closed" in done.stderr


def test_ctrl_c_is_how_an_application_left_open_ends(tmp_path: Path) -> None:
    (tmp_path / "lichen.toml").write_text(
        '[[part]]\nname = "site"\ncommand = ["{python}", "-m", "http.server", "{port}", "--bind", "127.0.0.1"]\n'
    )
    script = (
        "import sys, click\nfrom lichen.cli.commands.demo import _leave_open\nfrom lichen.cli.failure import run\n"
        "from lichen.cli.invocation import Invocation\n"
        "leave = click.Command('leave', callback=click.pass_obj(lambda call: _leave_open(call, call.settings())))\n"
        "sys.exit(run(click.Group(commands={'leave': leave}), ['leave'], 'lichen'))"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("site: http://127.0.0.1:")
    assert process.stderr.readline() == "Ctrl-C ends it\n"
    process.send_signal(signal.SIGINT)
    assert (process.communicate(timeout=30)[1], process.returncode) == ("", 0)
