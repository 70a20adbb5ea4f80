# SPDX-License-Identifier: Apache-2.0
"""``lichen run`` as a shell sees it: the command is as if it had been started alone, and what it consumed is what it used."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lichen.ledger import runfile

LICHEN = [sys.executable, "-c", "from lichen.cli import main; main()"]
ACCOUNT = """
import resource, subprocess, sys
def used():
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)
began = used()
def account(path):
    open(path, "w").write(str(used() - began))
"""
"""What a command can tell of itself, from its first line to just before it ends."""


def call(
    *args: str, cwd: Path, env: Mapping[str, str] | None = None, input_text: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LICHEN, "run", *args],
        cwd=cwd,
        env={**os.environ, "LICHEN_PROJECT_LANG": "en", **(env or {})},
        input=input_text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def written(folder: Path) -> Mapping[str, Any]:
    return runfile.read(next(runfile.find(folder / "lichen-runs"))).content


def rows(folder: Path) -> dict[str, Any]:
    return {row["quantity"]: row for row in written(folder)["activities"]}


def wait_for(path: Path) -> None:
    until = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < until, f"{path} never came"
        time.sleep(0.01)


def python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


def test_what_it_used_is_counted_from_the_first_instruction_to_the_end(tmp_path: Path) -> None:
    code = (
        ACCOUNT
        + "sum(range(4*10**6))\n"
        + ("subprocess.run([sys.executable, '-S', '-c', 'sum(range(4*10**6))'])\naccount('used')")
    )
    done = call("-q", "--", *python(code), cwd=tmp_path)
    assert done.returncode == 0
    used_s = float((tmp_path / "used").read_text())
    found = rows(tmp_path)
    # Its own account lacks the start and the end of an interpreter.
    assert used_s <= found["cpu_time"]["value"] <= 1.02 * used_s + 0.08
    assert found["cpu_time"]["entity"] == f"{tmp_path.name}/command/{Path(sys.executable).name}/run"
    assert found["cpu_time"]["tier"] == "server"
    assert found["cpu_time_share"]["value"] == pytest.approx(
        found["cpu_time"]["value"] / len(os.sched_getaffinity(0)), rel=1e-12
    )
    assert set(found) == {
        "cpu_time", "cpu_time_share", "memory_peak", "memory_byte_seconds", "disk_bytes", "network_bytes", "window_time",
    }  # fmt: skip


def test_input_output_and_errors_are_its_own(tmp_path: Path) -> None:
    code = "import sys; print(sys.stdin.read().upper(), end=''); print('on the side', file=sys.stderr)"
    done = call("--", *python(code), cwd=tmp_path, input_text="one\ntwo\n")
    assert (done.returncode, done.stdout) == (0, "ONE\nTWO\n")
    assert done.stderr.startswith("on the side\n")
    assert "lichen explain" in done.stderr


def test_with_json_stdout_is_the_result_alone(tmp_path: Path) -> None:
    done = call("--json", "--", "sh", "-c", "echo out; exit 4", cwd=tmp_path)
    assert done.returncode == 4
    result = json.loads(done.stdout)
    assert done.stderr == "out\n"
    [command] = result["journeys"]
    assert (command["kind"], command["units"], command["whole"]) == ("command", 1.0, None)
    assert "the command ended with exit code 4: the figures are of what it did until then" in command["notes"]


def test_the_environment_is_untouched(tmp_path: Path) -> None:
    # A name that a shell would drop, a byte that is no UTF-8, and the C locale, in which Python sets LC_CTYPE for itself.
    env = {b"PATH": os.environb[b"PATH"], b"LC_ALL": b"", b"LANG": b"C", b"a.b-c": b"\xff", b"HOME": b"/"}
    done = subprocess.run(
        [*LICHEN, "run", "-q", "--", "env", "-0"], cwd=tmp_path, env=env, capture_output=True, check=True
    )
    assert dict(entry.split(b"=", 1) for entry in done.stdout.split(b"\0") if entry) == env


def test_descriptors_that_were_left_open_stay_open(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    done = subprocess.run(
        [*LICHEN, "run", "-q", "--", *python(f"import os; os.write({writing}, b'through')")],
        cwd=tmp_path, pass_fds=[writing], capture_output=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, os.read(reading, 100)) == (0, b"through")
    os.close(reading)


def test_signals_are_what_a_shell_would_have_left(tmp_path: Path) -> None:
    code = "print(*(line for line in open('/proc/self/status') if line.startswith(('SigBlk', 'SigIgn'))))"
    alone = subprocess.run(python(code), capture_output=True, text=True, check=True)
    assert call("-q", "--", *python(code), cwd=tmp_path).stdout == alone.stdout


def test_a_script_without_an_interpreter_line_is_the_shells(tmp_path: Path) -> None:
    script = tmp_path / "plain"
    script.write_text('echo "shell $1"\n')
    script.chmod(0o755)
    assert call("-q", "--", "./plain", "word", cwd=tmp_path).stdout == "shell word\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "There is no command to run."),
        (("--", "no-such-program"), "There is no program 'no-such-program'."),
        (("--", "./folder"), "'./folder' may not be executed: Permission denied."),
        (("--unit", "0", "--", "true"), "--unit is 0."),
        (("--", ""), "There is no program ''."),
        (("--unit", "nan", "--", "true"), "--unit is nan."),
        (("--unit", "1e-320", "--", "touch", "started"), "--unit is 9.99989e-321."),
        (("--unit", "1e308", "--", "touch", "started"), "--unit is 1e+308."),
        (("--name", " ", "--", "touch", "started"), "--name is empty."),
        (("--unit-name", " ", "--", "true"), "--unit-name is empty."),
        (("--out", "file", "--", "touch", "started"), "file cannot be used: File exists."),
        (("--html", "x" * 300, "--", "touch", "started"), "xxx"),
        (("--method", "nothing", "--", "touch", "started"), "There is no method 'nothing'."),
    ],
)
def test_what_cannot_be_measured_is_not_started(tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    done = call(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(("error: " + sentence, f"error: {tmp_path}/{sentence}")), done.stderr
    assert not (tmp_path / "started").exists()
    assert not list(runfile.find(tmp_path / "lichen-runs"))


def test_a_killed_command_keeps_its_figures(tmp_path: Path) -> None:
    done = call("--", "sh", "-c", "kill -KILL $$", cwd=tmp_path)
    assert done.returncode == 128 + signal.SIGKILL
    [note] = [note for note in written(tmp_path)["journeys"][0]["notes"] if "signal" in note]
    assert note == "the command was ended by signal 9: the figures are of what it did until then"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_sent_to_lichen_alone_is_handed_on_once(tmp_path: Path, number: signal.Signals) -> None:
    code = (
        "import signal, sys, time\nseen = []\n"
        f"signal.signal({int(number)}, lambda *_: seen.append(1))\n"
        "open('ready', 'w').close()\nuntil = time.monotonic() + 20\n"
        "while not seen and time.monotonic() < until: time.sleep(0.01)\n"
        "time.sleep(0.2)\nsys.exit(40 + len(seen))"
    )
    process = subprocess.Popen([*LICHEN, "run", "-q", "--", *python(code)], cwd=tmp_path)
    wait_for(tmp_path / "ready")
    process.send_signal(number)
    assert process.wait(30) == 41
    assert written(tmp_path)["journeys"][0]["exit_codes"] == [41]


def test_ctrl_c_of_the_terminal_reaches_the_command_once(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\nseen = []\nsignal.signal(signal.SIGINT, lambda *_: seen.append(1))\n"
        "print('ready', sys.stdin.isatty(), flush=True)\nuntil = time.monotonic() + 20\n"
        "while not seen and time.monotonic() < until: time.sleep(0.01)\n"
        "time.sleep(0.2)\nsys.exit(40 + len(seen))"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execv(LICHEN[0], [*LICHEN, "run", "--", *python(code)])
    said = b""
    pressed = False
    while True:
        try:
            said += os.read(terminal, 4096)
        except OSError:  # the other side is closed
            break
        if b"ready True" in said and not pressed:
            pressed = True
            os.write(terminal, b"\x03")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 41
    assert written(tmp_path)["journeys"][0]["exit_codes"] == [41]


def test_what_stays_alive_is_told_and_lives_on(tmp_path: Path) -> None:
    code = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        for number in range(3): os.dup2(os.open(os.devnull, os.O_RDWR), number)\n"
        "        open('daemon', 'w').write(str(os.getpid()))\n"
        "        sum(range(6 * 10**6)); open('worked', 'w').close(); time.sleep(60)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "while not os.path.exists('worked'): time.sleep(0.01)\n"
    )
    done = call("-q", "--", *python(code), cwd=tmp_path)
    daemon = int((tmp_path / "daemon").read_text())
    try:
        os.kill(daemon, 0)
        [note] = [note for note in written(tmp_path)["journeys"][0]["notes"] if "still running" in note]
        assert f"({daemon})" in note
        assert done.returncode == 0
        # The work of the daemon, whose parents had long exited, is in the figures.
        assert rows(tmp_path)["cpu_time"]["value"] > 0.05
    finally:
        os.kill(daemon, signal.SIGKILL)


def test_units_of_work_divide_what_adds_up_and_no_peak(tmp_path: Path) -> None:
    done = call("--json", "--unit", "40", "--unit-name", "image", "--", "sleep", "0.3", cwd=tmp_path)
    [command] = json.loads(done.stdout)["journeys"]
    found = rows(tmp_path)
    assert (command["functional_unit"], command["units"]) == ("image", 40)
    assert 0.3 / 40 <= found["window_time"]["value"] < 20 / 40
    assert (found["cpu_time"]["basis"], found["cpu_time"]["functional_unit"]) == ("per_unit", "image")
    assert command["whole"]["counters"]["cpu_time"]["value"] == pytest.approx(40 * found["cpu_time"]["value"])
    assert command["whole"]["counters"]["memory_peak"] == command["counters"]["memory_peak"]
    assert command["whole"]["indicators"]["energy"]["value"] == pytest.approx(
        40 * command["indicators"]["energy"]["value"]
    )
    assert found["memory_peak"]["duration_s"] == pytest.approx(found["window_time"]["value"])


def test_repetitions_stop_at_the_first_failure_which_is_not_counted(tmp_path: Path) -> None:
    done = call("-q", "--samples", "4", "--", "sh", "-c", "echo x >> n; test $(wc -l < n) -lt 3", cwd=tmp_path)
    assert done.returncode == 1
    record = written(tmp_path)["journeys"][0]
    assert record["exit_codes"] == [0, 0, 1]
    assert record["sampling"]["taken"] == 2
    assert "repetition 3 ended with exit code 1 and is not counted" in record["notes"]
    assert len(rows(tmp_path)["cpu_time"]["samples"]) == 2
    # One before each of three, and after the last as many as make the five of which a spread is told.
    assert written(tmp_path)["host"]["calibration"]["repetitions"] == 3 + 2


def test_the_run_file_is_explained_and_evaluated_like_any_other(tmp_path: Path) -> None:
    done = call("--json", "--name", "nightly", "--zone", "FR", "--", *python("sum(range(10**6))"), cwd=tmp_path)
    figure = json.loads(done.stdout)["journeys"][0]["indicators"]["energy"]["value"]
    path = json.loads(done.stdout)["run_path"]
    other = {"cwd": tmp_path, "capture_output": True, "text": True, "check": True}
    explained = json.loads(subprocess.run([*LICHEN, "explain", "nightly#energy", "--json"], **other).stdout)  # type: ignore[call-overload]
    evaluated = json.loads(subprocess.run([*LICHEN, "evaluate", "lichen-1", path], **other).stdout)  # type: ignore[call-overload]
    energy = sum(total["value"] for total in evaluated["totals"] if total["indicator"] == "energy")
    assert explained["figure"]["value"] == pytest.approx(figure, rel=1e-12)
    assert energy == pytest.approx(figure, rel=1e-12)


def test_a_full_disk_costs_the_file_and_not_the_figures(tmp_path: Path) -> None:
    # The command fills what a file may hold: the run file, which is larger, cannot be written afterwards.
    limit = "import os, resource; resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)); os.execvp(os.sys.argv[1], os.sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", limit, *LICHEN, "run", "--json", "--", "true"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert json.loads(done.stderr.splitlines()[-1])["error"]["code"] == "E250"


def test_a_failed_command_is_told_where_the_result_cannot_be_printed(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device, not a file
        done = subprocess.run(
            [*LICHEN, "run", "--json", "--", "sh", "-c", "exit 7"],
            cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 7
    assert json.loads(done.stderr.splitlines()[-1])["error"]["code"] == "E250"


def test_words_and_folders_that_are_no_text_are_escaped(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(folder)  # noqa: PTH102 - pathlib takes no bytes
    words = [
        *map(os.fsencode, LICHEN),
        b"run",
        b"--json",
        b"--html",
        b"x.html",
        b"--unit-name",
        b"\xff",
        b"--",
        b"true",
        b"caf\xe9",
    ]
    done = subprocess.run(words, cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    [command] = json.loads(done.stdout)["journeys"]
    assert (command["name"], command["functional_unit"]) == ("true caf\\udce9", "\\udcff")
    [run] = list(runfile.find(Path(os.fsdecode(folder)) / "lichen-runs"))
    assert runfile.read(run).content["journeys"][0]["source"] == "true 'caf\\udce9'"


def test_secrets_of_names_are_masked(tmp_path: Path) -> None:
    done = call("--name", "token=abc123", "--unit-name", "password=hunter2", "--", "true", cwd=tmp_path)
    text = json.dumps(written(tmp_path)) + done.stderr
    assert "abc123" not in text
    assert "hunter2" not in text


def test_secrets_of_the_command_line_are_masked(tmp_path: Path) -> None:
    done = call("--json", "--", "true", "--password", "hunter2", "token=abc123", cwd=tmp_path)
    text = json.dumps(written(tmp_path)) + done.stdout
    assert "hunter2" not in text
    assert "abc123" not in text
    assert written(tmp_path)["journeys"][0]["source"] == "true --password *** 'token=***'"


def test_two_measurements_at_once_say_so(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    env = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    processes = []
    for folder, other in zip(folders, reversed(folders), strict=True):
        folder.mkdir()
        wait = f"touch here; until test -e {other}/here; do sleep 0.02; done"
        processes.append(subprocess.Popen([*LICHEN, "run", "-q", "--", "sh", "-c", wait], cwd=folder, env=env))
    assert [process.wait(30) for process in processes] == [0, 0]
    for folder, other in zip(folders, reversed(processes), strict=True):
        sentence = f"another measurement ran on this machine at the same time (process {other.pid})"
        assert sentence in written(folder)["journeys"][0]["notes"]
    assert not (tmp_path / "lichen").exists()


def test_what_runs_inside_a_measurement_is_not_its_neighbour(tmp_path: Path) -> None:
    done = call(
        "--json", "--", *LICHEN, "run", "-q", "--", "true", cwd=tmp_path, env={"XDG_RUNTIME_DIR": str(tmp_path)}
    )
    assert done.returncode == 0
    for path in runfile.find(tmp_path / "lichen-runs"):
        assert not [n for n in runfile.read(path).content["journeys"][0]["notes"] if "another" in n]


def test_parts_of_lichen_toml_are_measured_beside_it(tmp_path: Path) -> None:
    server = "from http.server import *; HTTPServer(('127.0.0.1', {port}), SimpleHTTPRequestHandler).serve_forever()"
    declared = json.dumps([sys.executable, "-c", server])
    (tmp_path / "lichen.toml").write_text(f'[[part]]\nname = "web"\ncommand = {declared}\n')
    done = call("--json", "--parts", "--", *python("sum(range(10**6))"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    entities = {row["entity"].split("/")[1] for row in written(tmp_path)["activities"]}
    assert entities == {"command", "web"}


def test_when_lichen_is_killed_the_command_goes_on_and_nothing_is_written(tmp_path: Path) -> None:
    code = "import os, time\nopen('ready', 'w').write(str(os.getpid()))\ntime.sleep(0.5)\nopen('finished', 'w').close()"
    process = subprocess.Popen([*LICHEN, "run", "-q", "--", *python(code)], cwd=tmp_path)
    wait_for(tmp_path / "ready")
    process.kill()
    assert process.wait(30) == -signal.SIGKILL
    wait_for(tmp_path / "finished")
    assert not list(runfile.find(tmp_path / "lichen-runs"))


READ_ONLY = (
    "for m in $(awk '$3 ~ /^cgroup/ {print $2}' /proc/mounts); do mount -o remount,bind,ro $m || exit 99; done; "
)
"""Takes the right to make control groups away, for what runs in the same mount namespace."""


def test_without_a_control_group_network_bytes_are_unknown_and_the_rest_is_measured(tmp_path: Path) -> None:
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f'{READ_ONLY} exec "$@"', "sh", *LICHEN, "run", "-q", "--", "sleep", "0.1"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode in (1, 99) and not (tmp_path / "lichen-runs").exists():
        pytest.skip("mounts of one's own need root")
    assert done.returncode == 0, done.stderr
    found = rows(tmp_path)
    assert found["network_bytes"]["value"] is None
    assert found["cpu_time"]["value"] > 0
    [run] = runfile.find(tmp_path / "lichen-runs")
    [journey] = runfile.read(run).content["journeys"]
    assert journey["unknown"] == [{"part": "command", "quantity": "network_bytes", "cause": "right"}]
