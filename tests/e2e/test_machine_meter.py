# SPDX-License-Identifier: Apache-2.0
"""The meter against the kernel's own account of a control group, and as an ordinary user."""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import textwrap
import time
from pathlib import Path

import pytest

from lichen.collect.balance import balance
from lichen.collect.machine import TreeMeter
from lichen.errors import LichenError, NothingMeasured

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("benchmarks_edges", ROOT / "benchmarks" / "edges.py")
assert SPEC is not None
assert SPEC.loader is not None
edges = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = edges
SPEC.loader.exec_module(edges)

MS = 1_000_000


@pytest.fixture
def group():
    """A control group of the test's own: the oracle."""
    with edges.CGroup.create() as made:
        if made is None:
            pytest.skip("no control group can be made here (needs root, or a delegated group)")
        yield made


@pytest.fixture
def python():
    """Starts Python code as a process; it is killed with its session at the end."""
    started = []

    def start(code, **options):
        command = [sys.executable, "-S", "-c", textwrap.dedent(code)]
        process = subprocess.Popen(command, start_new_session=True, **options)
        started.append(process)
        return process

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


@pytest.mark.parametrize("load", ["busy", "processes", "threads", "double-fork"])
def test_cpu_equals_the_control_group_within_one_percent(group, load):
    result = edges.trial(group, load, 1.5)
    assert result.oracle_ns > 20 * MS
    assert abs(result.error_ns) <= 0.01 * result.oracle_ns


def test_short_lived_children_are_counted_though_never_seen(group):
    result = edges.trial(group, "short-lived", 3.0, looks=3)
    assert result.oracle_ns > 50 * MS
    # User and system time of the children are cut to ticks of 10 ms at both edges.
    assert abs(result.error_ns) <= max(0.01 * result.oracle_ns, 20 * MS)


def test_killed_process_loses_at_most_ten_milliseconds(group):
    # Each child rests, then burns 60 ms and is killed: the worst case, for a resting tree is looked at seldom.
    result = edges.trial(group, "burst-killed", 2.5)
    kills = result.oracle_ns / (60 * MS)
    assert kills > 4
    assert -10 * MS * kills <= result.error_ns <= 20 * MS


def test_child_killed_while_its_tree_lives_on_stays_counted(group):
    result = edges.trial(group, "killed-child", 1.2, settle_s=0.3)
    assert result.oracle_ns > 50 * MS
    assert result.alive == 1
    assert abs(result.error_ns) <= 20 * MS


def test_idle_tree_uses_next_to_nothing(group):
    result = edges.trial(group, "idle", 0.5)
    assert abs(result.error_ns) <= MS
    assert result.measured_ns < 50 * MS


def test_forty_processes_are_counted_to_the_last(group):
    result = edges.trial(group, "forty", 0.5, looks=5)
    assert result.alive == 40
    assert abs(result.error_ns) <= max(0.01 * result.oracle_ns, 5 * MS)


@pytest.mark.browser
def test_real_browser_is_counted_within_one_percent(group, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    page = "data:text/html,<script>setInterval(()=>{let s=0;for(let i=0;i<3e6;i++)s+=i;document.title=s},20)</script>"
    enter = f'echo $$ > {group.path}/cgroup.procs; exec "$@"'
    flags = ["--headless=new", "--no-sandbox", f"--user-data-dir={tmp_path}", "--remote-debugging-port=0", page]
    process = subprocess.Popen(
        ["/bin/sh", "-c", enter, "sh", browser, *flags], start_new_session=True, stderr=subprocess.DEVNULL
    )
    try:
        with TreeMeter() as meter:
            meter.add("browser", process.pid)
            time.sleep(2)
            before = (group.cpu_ns(), meter.edge(), group.cpu_ns())
            time.sleep(1.5)
            after = (group.cpu_ns(), meter.edge(), group.cpu_ns())
            meter.calibrate_memory()
            first, last = meter.settled((before[1], after[1]))
    finally:
        group.remove()
        process.wait()
    oracle = (after[0] + after[2] - before[0] - before[2]) / 2
    measured = last.readings["browser"].cpu_ns - first.readings["browser"].cpu_ns
    assert oracle > 20 * MS
    assert abs(measured - oracle) <= max(0.01 * oracle, 10 * MS)
    assert last.readings["browser"].alive > 4
    assert 50e6 < last.readings["browser"].memory_peak_bytes < 2e9


def test_everything_at_once_is_exact_and_never_goes_backwards(group):
    code = "\n".join(
        f"import os\nif os.fork() == 0:\n    exec({edges.LOADS[load]!r})\n    os._exit(0)"
        for load in ("short-lived", "processes", "killed-child")
    )
    process = group.start(code + "\nimport time; time.sleep(3600)")
    readings = []
    with TreeMeter() as meter:
        meter.add("load", process.pid)
        time.sleep(0.5)
        before = (group.cpu_ns(), meter.edge(), group.cpu_ns())
        for _ in range(20):
            time.sleep(0.1)
            readings.append(meter.edge().readings["load"].cpu_ns)
        after = (group.cpu_ns(), meter.edge(), group.cpu_ns())
    group.remove()
    process.wait()
    oracle = (after[0] + after[2] - before[0] - before[2]) / 2
    measured = after[1].readings["load"].cpu_ns - before[1].readings["load"].cpu_ns
    assert readings == sorted(readings)
    assert abs(measured - oracle) <= max(0.01 * oracle, 30 * MS)


def test_tree_named_inside_another_belongs_to_the_deeper_name_only(python):
    outer = python(
        """
        import os, time
        inner = os.fork()
        if inner == 0:
            if os.fork() == 0:
                while True: pass
            time.sleep(3600)
        print(inner, flush=True)
        time.sleep(3600)
        """,
        stdout=subprocess.PIPE,
    )
    inner = int(outer.stdout.readline())
    with TreeMeter() as meter:
        meter.add("outer", outer.pid)
        time.sleep(0.2)
        first = meter.edge()
        meter.add("inner", inner)
        second = meter.edge()
        time.sleep(0.2)
        third = meter.edge()
    assert first.readings["outer"].alive == 3
    assert first.readings["outer"].cpu_ns > 10 * MS
    assert (second.readings["outer"].alive, second.readings["inner"].alive) == (1, 2)
    assert third.readings["outer"].cpu_ns == second.readings["outer"].cpu_ns
    assert third.readings["inner"].cpu_ns > 10 * MS


def test_child_reaped_by_a_named_parent_is_not_counted_twice(python):
    parent = python(
        """
        import os, sys
        pid = os.fork()
        if pid == 0:
            sys.stdin.readline()
            sum(range(10**7))
            os._exit(0)
        print(pid, flush=True)
        os.waitpid(pid, 0)
        print("reaped", flush=True)
        sys.stdin.readline()
        """,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    child = int(parent.stdout.readline())
    with TreeMeter() as meter:
        meter.add("parent", parent.pid)
        meter.add("child", child)
        parent.stdin.write(b"go\n")
        parent.stdin.flush()
        assert parent.stdout.readline() == b"reaped\n"
        time.sleep(0.05)
        edge = meter.edge()
    assert edge.readings["child"].alive == 0
    assert edge.readings["child"].cpu_ns > 20 * MS
    assert edge.readings["parent"].cpu_ns < 15 * MS


def test_storage_traffic_is_counted_once_also_after_exit(python, tmp_path):
    probe = tmp_path / "probe"
    with probe.open("wb") as file:
        before = Path("/proc/self/io").read_bytes()
        file.write(bytes(4096))
        file.flush()
        os.fsync(file.fileno())
    if Path("/proc/self/io").read_bytes().split(b"write_bytes: ")[1] == before.split(b"write_bytes: ")[1]:
        pytest.skip("the file system of the temporary folder does not account for writes")
    parent = python(
        f"""
        import os, sys
        sys.stdin.readline()
        if os.fork() == 0:
            fd = os.open({str(tmp_path / "written")!r}, os.O_WRONLY | os.O_CREAT)
            os.write(fd, bytes(2_000_000)); os.fsync(fd); os._exit(0)
        os.wait()
        print("done", flush=True)
        sys.stdin.readline()
        """,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with TreeMeter() as meter:
        meter.add("writer", parent.pid)
        first = meter.edge().readings["writer"].disk_bytes
        parent.stdin.write(b"go\n")
        parent.stdin.flush()
        parent.stdout.readline()
        last = meter.edge().readings["writer"].disk_bytes
    # Whole pages and the file system's own blocks are written too.
    assert 2_000_000 <= last - first <= 2_400_000


def test_memory_follows_an_allocation(python):
    process = python(
        """
        import sys, time
        sys.stdin.readline()
        block = b"x" * 80_000_000
        print("held", flush=True)
        sys.stdin.readline()
        del block
        print("freed", flush=True)
        time.sleep(3600)
        """,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )

    def tell():
        process.stdin.write(b"go\n")
        process.stdin.flush()
        process.stdout.readline()

    with TreeMeter() as meter:
        meter.add("p", process.pid)
        time.sleep(0.2)
        meter.calibrate_memory()
        meter.edge()
        first = meter.edge()
        tell()
        time.sleep(0.3)
        tell()
        second = meter.edge()
        time.sleep(0.2)
        third = meter.edge()
        meter.calibrate_memory()
        again = meter.settled((first, second, third))
        assert meter.memory_method("p") == "measured"
    base = first.readings["p"].memory_peak_bytes
    assert second.readings["p"].memory_peak_bytes - base == pytest.approx(80e6, rel=0.02)
    assert third.readings["p"].memory_peak_bytes - base < 4e6
    held = second.readings["p"].memory_byte_seconds - first.readings["p"].memory_byte_seconds
    window_s = (second.at_ns - first.at_ns) / 1e9
    assert base * window_s + 80e6 * 0.05 <= held <= (base + 82e6) * window_s
    assert [edge.at_ns for edge in again] == [first.at_ns, second.at_ns, third.at_ns]
    assert again[0].readings["p"].memory_peak_bytes == pytest.approx(base, rel=0.05)


def test_own_process_and_the_machine_add_up():
    with TreeMeter() as meter:
        meter.add("agent", os.getpid())
        first = meter.edge()
        until = time.process_time() + 0.3
        while time.process_time() < until:
            pass
        last = meter.edge()
    found = balance(first, last, os.cpu_count() or 1)
    assert found is not None
    assert found.parts["agent"] >= 300 * MS
    assert found.within_noise
    assert found.attributed_ns + found.unattributed_ns + found.idle_ns + found.stolen_ns == found.total_ns


def test_missing_process_is_named():
    process = subprocess.Popen(["true"])
    process.wait()
    with TreeMeter() as meter, pytest.raises(NothingMeasured, match=rf"no process {process.pid} .*'part'"):
        meter.add("part", process.pid)


def test_root_that_ended_keeps_what_it_used(python):
    process = python("sum(range(10**6)); import sys; sys.stdin.readline(); sum(range(4*10**6))", stdin=subprocess.PIPE)
    with TreeMeter() as meter:
        meter.add("p", process.pid)
        process.stdin.close()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        time.sleep(0.05)
        first = meter.edge().readings["p"]
        process.wait()
        last = meter.edge().readings["p"]
    assert first.cpu_ns > 10 * MS
    assert (last.cpu_ns, last.alive, last.memory_peak_bytes) == (first.cpu_ns, 0, 0)


def test_pid_given_again_is_not_taken_for_the_exited_process(python):
    try:
        last = Path("/proc/sys/kernel/ns_last_pid")
        last.write_text(last.read_text())
    except OSError:
        pytest.skip("only root may choose the next pid")
    parent = python(
        """
        import os, sys
        for line in sys.stdin:
            pid = os.fork()
            if pid == 0:
                sum(range(3 * 10**6)); os._exit(0)
            print(pid, flush=True)
            os.waitpid(pid, 0)
            print("reaped", flush=True)
        """,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )

    def child():
        parent.stdin.write(b"go\n")
        parent.stdin.flush()
        pid = int(parent.stdout.readline())
        parent.stdout.readline()
        return pid

    with TreeMeter() as meter:
        meter.add("p", parent.pid)
        first = child()
        between = meter.edge().readings["p"]
        for _ in range(20):
            last.write_text(str(first - 1))
            if (second := child()) == first:
                break
        else:
            pytest.skip("the pid went to somebody else each time")
        after = meter.edge().readings["p"]
    assert second == first
    assert (between.alive, after.alive) == (1, 1)
    assert between.cpu_ns > 10 * MS
    assert after.cpu_ns - between.cpu_ns > 10 * MS


def test_orphans_of_a_session_are_counted_strangers_are_not(python):
    daemon = """
        import os, sys, time
        sys.stdin.readline()
        if os.fork() == 0:
            if os.fork(): os._exit(0)
            print(os.getpid(), flush=True)
            while True: sum(range(10**4))
        time.sleep(3600)
        """
    ours, theirs = (python(daemon, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2))
    with TreeMeter() as meter:
        meter.add("p", ours.pid)
        for process in (ours, theirs):
            process.stdin.write(b"go\n")
            process.stdin.flush()
            process.stdout.readline()
        time.sleep(0.1)
        first = meter.edge().readings["p"]
        ours.kill()
        ours.wait()
        time.sleep(0.2)
        last = meter.edge().readings["p"]
    # The root, the orphan, and the child in between that nobody waits for, which has exited.
    assert (first.alive, last.alive) == (2, 1)
    assert last.cpu_ns > first.cpu_ns > MS


def test_failed_watch_is_told_at_the_next_edge(python):
    process = python("import time; time.sleep(3600)")
    with TreeMeter() as meter:
        meter.add("p", process.pid)
        # The watch now reads nothing where the kernel's counter of births was.
        with Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), meter._forest.machine._load, inheritable=False)
        for _ in range(500):
            if meter._failure is not None:
                break
            time.sleep(0.01)
        with pytest.raises(LichenError, match="stopped watching"):
            meter.edge()


def test_descriptors_are_given_back(python):
    process = python("import time; time.sleep(3600)")
    before = sorted(Path("/proc/self/fd").iterdir())
    for _ in range(3):
        with TreeMeter() as meter:
            meter.add("p", process.pid)
            meter.edge()
    assert sorted(Path("/proc/self/fd").iterdir()) == before


AS_NOBODY = """
import json, subprocess, sys, time
from lichen.collect.machine import TreeMeter
own = subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"])
with TreeMeter() as meter:
    meter.add("foreign", int(sys.argv[1]))
    meter.add("own", own.pid)
    meter.calibrate_memory()
    first = meter.edge()
    time.sleep(0.5)
    last = meter.edge()
    own.kill(); own.wait()
    print(json.dumps({
        "cpu": {n: last.readings[n].cpu_ns - first.readings[n].cpu_ns for n in last.readings},
        "disk": {n: last.readings[n].disk_bytes for n in last.readings},
        "memory": {n: last.readings[n].memory_peak_bytes for n in last.readings},
        "method": {n: meter.memory_method(n) for n in last.readings},
        "notes": meter.notes(),
    }))
"""


def test_user_without_rights_reads_cpu_and_says_what_is_unknown(python):
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root to become nobody")
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    path = os.pathsep.join([str(ROOT / "src"), sysconfig.get_path("purelib")])
    nested = "import lichen, subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True)"
    for interpreter in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        with contextlib.suppress(OSError):
            tried = [*drop, "env", f"PYTHONPATH={path}", interpreter, "-c", nested]
            if subprocess.run(tried, check=False, capture_output=True, cwd="/").returncode == 0:
                break
    else:
        pytest.skip("nobody may run no Python with this checkout")
    foreign = python("while True: pass")
    command = [*drop, "env", f"PYTHONPATH={path}", interpreter, "-c", AS_NOBODY, str(foreign.pid)]
    done = subprocess.run(command, capture_output=True, check=True, cwd="/")
    said = json.loads(done.stdout)
    assert said["cpu"]["foreign"] > 10 * MS
    assert said["cpu"]["own"] > 10 * MS
    assert said["disk"]["foreign"] is None
    assert said["disk"]["own"] is not None
    assert said["method"] == {"foreign": "proxy", "own": "measured"}
    assert said["memory"]["foreign"] > 1_000_000
    assert any("Storage traffic of foreign is unknown" in note for note in said["notes"])
    assert any("Memory of foreign is a lower bound" in note for note in said["notes"])
