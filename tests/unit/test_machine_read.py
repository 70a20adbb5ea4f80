# SPDX-License-Identifier: Apache-2.0
"""Clocks and files of /proc, against what the processes themselves say."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from lichen.collect.machine.processes import proc
from lichen.collect.machine.processes.clock import cpu_clock_id, cpu_ns


def burn(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_clock_of_a_process_is_its_own_clock_exited_threads_included():
    thread = threading.Thread(target=burn, args=(0.03,))
    thread.start()
    thread.join()
    before = time.process_time_ns()
    read = cpu_ns(os.getpid())
    after = time.process_time_ns()
    assert read is not None
    assert before <= read <= after
    assert read >= 30_000_000


def test_clock_id_is_the_one_of_the_c_library():
    ctypes = pytest.importorskip("ctypes")
    found = ctypes.c_int()
    assert ctypes.CDLL(None).clock_getcpuclockid(os.getpid(), ctypes.byref(found)) == 0
    assert cpu_clock_id(os.getpid()) == found.value


def test_clock_of_a_zombie_stays_and_goes_with_the_zombie():
    process = subprocess.Popen([sys.executable, "-S", "-c", "sum(range(10**6))"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    last = cpu_ns(process.pid)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    assert last is not None
    assert last / 1e9 == pytest.approx(usage.ru_utime + usage.ru_stime, abs=2e-6)
    assert cpu_ns(process.pid) is None


def test_stat_line_with_brackets_and_spaces_in_the_name():
    tail = "S 41 42 43 0 -1 4194560 1 2 3 4 5 6 70 80 20 0 1 0 99 7 8"
    stat = proc.parse_stat(f"40 (a) b (c) {tail}\n".encode())
    assert stat == proc.Stat("a) b (c", "S", 41, 42, 43, 150 * proc.TICK_NS, False, 99)
    assert not stat.dead
    assert proc.parse_stat(f"40 (x) Z{tail[1:]}".encode()).dead


def test_io_adds_reads_and_writes_of_storage_only():
    content = (
        b"rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 512\n"
    )
    assert proc.parse_io(content) == 12288


def test_statm_splits_private_and_shared_pages():
    assert proc.parse_statm(b"1000 300 120 10 0 90 0\n") == (180 * proc.PAGE_BYTES, 120 * proc.PAGE_BYTES)


def test_kept_file_never_shows_a_stranger():
    process = subprocess.Popen(["sleep", "60"])
    file = proc.ProcFile(process.pid, "stat")
    content = file.read()
    assert content is not None
    assert proc.parse_stat(content).ppid == os.getpid()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert file.read() is None
    assert not file.denied
    file.close()


def test_missing_process_reads_as_none():
    process = subprocess.Popen(["true"])
    process.wait()
    assert proc.read_stat(process.pid) is None
    assert proc.pss_bytes(process.pid) is None


def test_a_process_that_nobody_has_waited_for_has_no_memory_and_is_not_unreadable():
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert proc.read_stat(process.pid) is not None
    assert proc.pss_bytes(process.pid) == 0
    process.wait()


def test_pss_is_between_nothing_and_resident():
    pss = proc.pss_bytes(os.getpid())
    content = proc.ProcFile(os.getpid(), "statm").read()
    assert pss is not None
    assert content is not None
    anonymous, shared = proc.parse_statm(content)
    assert 0 < pss <= (anonymous + shared) * 1.1


def test_machine_times_grow_by_what_is_burnt():
    stat = proc.MachineStat()
    before = stat.times()
    burn(0.3)
    after = stat.times()
    last = stat.last_pid()
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(pid, 0)
    assert pid > last or stat.last_pid() < last
    stat.close()
    assert after.busy_ns - before.busy_ns >= 200_000_000
