# SPDX-License-Identifier: Apache-2.0
"""Control groups of this kernel: known loads, what vanishes and comes back, bytes on the network, what is left behind."""

import contextlib
import ctypes
import http.server
import os
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from lichen.collect.base import Window
from lichen.collect.machine import CgroupCollector, MachineMeter, Part, Parts
from lichen.collect.machine.cgroups import bpf
from lichen.collect.machine.cgroups import own as own_cgroup
from lichen.collect.machine.cgroups.counter import CgroupCounter
from lichen.collect.machine.cgroups.group import UNIFIED, Hierarchies
from lichen.collect.machine.cgroups.own import OwnCgroup
from lichen.errors import ConfigError, NothingMeasured
from lichen.plugins import load

MS = 1_000_000

LOAD = """
import sys, time
share = float(sys.argv[1])
sys.stdin.readline()
begin, used = time.monotonic(), time.process_time()
while (elapsed := time.monotonic() - begin) < 2.0:
    if time.process_time() - used >= share * elapsed:
        time.sleep(0.002)
print(time.process_time() - used, flush=True)
sys.stdin.readline()
"""
ONCE = """
import sys
sys.stdin.readline()
sum(range(5_000_000))
print(1, flush=True)
sys.stdin.read()
"""
FORKS = """
import os, sys
for line in sys.stdin:
    for _ in range(40):
        if os.fork() == 0:
            if os.fork() == 0:
                sum(range(200_000))
            os._exit(0)
        os.wait()
    print("done", flush=True)
"""


@pytest.fixture
def group():
    """Makes control groups; those that are left are removed with what runs in them."""
    try:
        OwnCgroup("probe").close()
    except NothingMeasured as refused:
        pytest.skip(refused.problem)
    with contextlib.ExitStack() as stack:
        yield lambda label: stack.enter_context(OwnCgroup(label))


@pytest.fixture
def start():
    """Starts Python code in a group; it is killed at the end."""
    started = []

    def begin(code, *words, group=None, **options):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE} | options
        # It waits for its first line, so that it has done nothing before it is in the group.
        process = subprocess.Popen([sys.executable, "-S", "-c", textwrap.dedent(code), *words], **pipes)
        started.append(process)
        if group is not None:
            group.join(process.pid)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def tell(process, word="go"):
    process.stdin.write(f"{word}\n".encode())
    process.stdin.flush()


def ask(process, word="go"):
    tell(process, word)
    return process.stdout.readline().decode().strip()


def counters_of(*groups):
    counters = [made.counter(f"group {made.folder.name}") for made in groups]
    for counter in counters:
        counter.start()
    return counters


def test_two_groups_with_known_loads_have_their_shares_within_two_percent(group, start):
    groups = [group("light"), group("heavy")]
    processes = [start(LOAD, share, group=made) for share, made in zip(("0.3", "0.7"), groups, strict=True)]
    with MachineMeter() as meter:
        for name, made in zip(("light", "heavy"), groups, strict=True):
            meter.add(name, made.counter(name))
        first = meter.edge()
        for process in processes:
            tell(process)
        used_s = [float(process.stdout.readline()) for process in processes]
        last = meter.edge()
    found_s = [(last.cpu_ns(name) - first.cpu_ns(name)) / 1e9 for name in ("light", "heavy")]
    # The oracle is what each process says of itself: on a crowded machine it gets less than it asks for.
    for found, used in zip(found_s, used_s, strict=True):
        assert found == pytest.approx(used, rel=0.02, abs=0.01)
    assert found_s[0] / sum(found_s) == pytest.approx(used_s[0] / sum(used_s), abs=0.02)


def test_processes_that_live_between_two_looks_are_counted(group, start):
    made = group("forks")
    process = start(FORKS, group=made)
    [counter] = counters_of(made)
    before, oracle = counter.read(), made.cpu_ns()
    assert ask(process) == "done"
    time.sleep(0.2)
    used_ns, oracle_ns = counter.read().cpu_ns - before.cpu_ns, made.cpu_ns() - oracle
    counter.close()
    assert oracle_ns > 40 * MS
    assert used_ns == pytest.approx(oracle_ns, rel=0.01)


def test_the_group_of_a_process_its_children_and_groups_below_are_one(group, start):
    made = group("outer")
    below = made.folder / "inner"
    below.mkdir()
    try:
        process = start(ONCE)
        (below / "cgroup.procs").write_text(str(process.pid))
        other = start("import sys; sys.stdin.read()", group=made)
        counter = CgroupCounter.of_pid(other.pid)
        counter.start()
        ask(process)
        reading = counter.read()
        counter.close()
        assert reading.alive == 2
        assert reading.cpu_ns > 20 * MS
        assert set(Hierarchies.read().of_pid(other.pid).pids()) == {process.pid, other.pid}
        process.kill()
        process.wait()
    finally:
        below.rmdir()


def test_a_process_that_moves_counts_from_then_on_and_what_it_used_stays(group, start):
    made = [group("from"), group("to")]
    process = start(
        "import sys\nfor line in sys.stdin:\n    sum(range(5_000_000)); print(1, flush=True)", group=made[0]
    )
    counters = counters_of(*made)
    ask(process)
    made[1].join(process.pid)
    middle = [counter.read().cpu_ns for counter in counters]
    ask(process)
    last = [counter.read().cpu_ns for counter in counters]
    for counter in counters:
        counter.close()
    assert middle[0] > 20 * MS > middle[1]
    assert last[0] - middle[0] < 5 * MS
    assert last[1] - middle[1] > 20 * MS


def test_a_group_that_vanishes_keeps_what_it_used_and_one_that_comes_back_adds_to_it(group, start, monkeypatch):
    made = group("restarts")
    process = start(ONCE, group=made)
    [counter] = counters_of(made)
    ask(process)
    first = counter.read()
    process.kill()
    process.wait()
    made.folder.rmdir()
    gone = counter.read()
    assert (gone.cpu_ns, gone.alive, gone.memory_peak_bytes) == (first.cpu_ns, 0, None)
    assert counter.method() == "proxy"
    assert any("vanished; it was last seen at" in note for note in counter.notes())
    assert counter.read() == gone

    made.folder.mkdir()
    again = start(ONCE, group=made)
    ask(again)
    monkeypatch.setattr(counter, "_searched_ns", 0)
    last = counter.read()
    assert (last.cpu_ns - gone.cpu_ns) / 1000 == pytest.approx(
        int((made.folder / "cpu.stat").read_text().split()[1]), abs=20_000
    )
    assert last.cpu_ns > gone.cpu_ns + 20 * MS
    assert last.alive == 1
    assert [note for note in counter.notes() if "restarted" in note]
    counter.close()


def test_a_restart_is_followed_to_the_group_that_the_caller_finds(group, start):
    made = {"now": group("old-id")}
    counter = CgroupCounter("container web", lambda: made["now"].group)
    counter.start()
    old, made["now"] = made["now"], group("new-id")
    process = start(
        ONCE,
        group=made["now"],
    )
    ask(process)
    old.folder.rmdir()
    reading = counter.read()
    counter.close()
    assert reading.cpu_ns > 20 * MS
    assert reading.alive == 1
    assert any("container web restarted" in note for note in counter.notes())


def test_a_counter_of_version_1_that_is_set_to_zero_goes_on(start):
    folder = Path(f"/sys/fs/cgroup/cpuacct/lichen-test-{os.getpid()}")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("no control group of version 1 can be made here")
    try:
        process = start("import sys\nfor line in sys.stdin:\n    sum(range(5_000_000)); print(1, flush=True)")
        (folder / "cgroup.procs").write_text(str(process.pid))
        ask(process)
        counter = CgroupCounter.of_path(folder.name)
        counter.start()
        ask(process)
        before = counter.read().cpu_ns
        (folder / "cpuacct.usage").write_text("0")
        assert counter.read().cpu_ns >= before > 20 * MS
        assert any("set to zero" in note for note in counter.notes())
        counter.close()
        process.kill()
        process.wait()
    finally:
        folder.rmdir()


def test_storage_traffic_is_that_of_the_groups_processes_also_of_those_that_ended(group, start, tmp_path):
    made = group("writer")
    code = f"""
        import os, sys
        def write(name):
            fd = os.open(os.path.join({str(tmp_path)!r}, name), os.O_WRONLY | os.O_CREAT)
            os.write(fd, bytes(1_000_000)); os.fsync(fd)
        for line in sys.stdin:
            write("own")
            if os.fork() == 0:
                write("child"); os._exit(0)
            os.wait()
            print(1, flush=True)
        """
    process = start(code, group=made)
    [counter] = counters_of(made)
    probe = Path(f"/proc/{process.pid}/io")
    before, first = counter.read(), int(probe.read_text().split()[11])
    ask(process)
    own = int(probe.read_text().split()[11]) - first
    moved = counter.read().disk_bytes - before.disk_bytes
    process.kill()
    process.wait()
    assert counter.read().disk_bytes - before.disk_bytes >= moved
    counter.close()
    if own < 2_000_000:
        pytest.skip("the file system of the temporary folder does not account for writes")
    assert 2_000_000 <= moved <= 2_400_000


class Server:
    """Answers each request with a body of known length."""

    def __init__(self, length):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(bytes(length))

            def log_message(self, *_):
                pass

        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


CLIENT = """
import sys, urllib.request
for line in sys.stdin:
    with urllib.request.urlopen(line.strip()) as answer: print(len(answer.read()), flush=True)
"""


@pytest.fixture
def packets():
    """Skips where packets may not be counted."""
    answer = own_cgroup.probe()
    if not answer.ok:
        pytest.skip(answer.lacks)


def test_packets_of_a_group_are_counted_with_their_headers_and_the_loopback_is_told_apart(packets, group, start):
    made = group("client")
    process = start(CLIENT, group=made)
    [counter] = counters_of(made)
    with Server(135_000) as server:
        assert ask(process, server.url) == "135000"
        time.sleep(0.1)
        reading = counter.read()
        # Others' packets on the same interface do not count.
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2][:-1]))) as stranger:
            stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
            stranger.recv(100)
        again = counter.read()
    counter.close()
    assert 135_000 < reading.network_received_bytes < 135_000 * 1.05
    assert 100 < reading.network_sent_bytes < 10_000
    assert reading.network_loopback_bytes == reading.network_received_bytes + reading.network_sent_bytes
    assert again.network_received_bytes == reading.network_received_bytes


def attached(folder):
    """Number of programs that hang on a group, in both directions."""
    libc, total = ctypes.CDLL(None, use_errno=True), 0
    group = os.open(folder, os.O_RDONLY)
    try:
        for direction in (0, 1):
            query = ctypes.create_string_buffer(struct.pack("=4IQI", group, direction, 0, 0, 0, 0), 128)
            assert libc.syscall(bpf._CALL_NUMBER[os.uname().machine], 16, query, 128) == 0
            total += struct.unpack_from("=4IQI", query)[-1]
    finally:
        os.close(group)
    return total


def test_nothing_is_left_behind_when_the_counter_ends_or_is_killed(packets, group):
    made = group("clean")
    count = bpf.PacketCount(made.folder)
    assert attached(made.folder) == 2
    count.close()
    assert attached(made.folder) == 0
    code = (
        "import sys; from pathlib import Path; from lichen.collect.machine.cgroups.bpf import PacketCount\n"
        "count = PacketCount(Path(sys.argv[1])); print(1, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(made.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"1\n"
        assert attached(made.folder) == 2
        process.kill()
    assert attached(made.folder) == 0


def test_a_process_tree_in_a_group_of_its_own_has_network_bytes_one_that_shares_has_not(packets, group, start):
    made = group("tree")
    alone, mixed = start(CLIENT, group=made), start(CLIENT)
    with Server(50_000) as server, MachineMeter() as meter:
        meter.add("alone", alone.pid)
        meter.add("mixed", mixed.pid)
        first = meter.edge().readings
        ask(alone, server.url)
        ask(mixed, server.url)
        time.sleep(0.1)
        last = meter.settled([meter.edge()])[0].readings
        span = last["alone"].since(first["alone"], peak_bytes=None)
        assert 50_000 < span.network_received_bytes < 52_500
        assert span.network_bytes > span.network_received_bytes
        assert last["mixed"].network_bytes is None
        # A second tree in the same group: its bytes cannot be told from those of the first.
        second = start(CLIENT, group=made)
        meter.add("second", second.pid)
        readings = meter.edge().readings
        assert readings["second"].network_bytes is None
        assert readings["alone"].network_bytes is None


def test_a_network_namespace_of_its_own_is_read_without_its_loopback(start):
    code = """
        import ctypes, os, socket, sys, threading
        if ctypes.CDLL(None, use_errno=True).unshare(0x40000000):
            print("refused", flush=True); sys.exit()
        print("ready", flush=True)
        for line in sys.stdin:
            os.system("ip link set lo up && ip link add veth7 type veth peer name peer7 && ip link set veth7 up"
                      " && ip link set peer7 up && ip addr add 10.77.0.1/24 dev veth7")
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.sendto(bytes(1000), ("127.0.0.1", 9))
            for _ in range(10): sock.sendto(bytes(1000), ("10.77.0.255", 9))
            print("sent", flush=True)
        """
    process = start(code)
    if process.stdout.readline() != b"ready\n":
        pytest.skip("this user may not make a network namespace")
    with MachineMeter() as meter:
        meter.add("namespace", process.pid)
        first = meter.edge().readings["namespace"]
        assert (first.network_received_bytes, first.network_sent_bytes) == (0, 0)
        ask(process)
        last = meter.edge().readings["namespace"]
    if last.network_sent_bytes == 0:
        pytest.skip("no interface can be made here (needs iproute2 and the veth driver)")
    # Ten datagrams of 1,000 bytes with 8 + 20 + 14 bytes of headers, besides what the kernel says to its neighbours.
    assert 10 * 1042 <= last.network_sent_bytes <= 10 * 1042 + 2000
    assert last.network_loopback_bytes == 0


def test_a_started_part_has_network_bytes_and_its_group_goes_with_it(packets, tmp_path):
    (tmp_path / "file").write_bytes(bytes(200_000))
    command = (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "{port}")
    part = Part(name="web", command=command, cwd=tmp_path)
    with Parts([part], folder=tmp_path / "logs") as parts, MachineMeter() as meter:
        meter.add("web", parts.roots["web"])
        folder = Hierarchies.read().folder_of(parts.roots["web"], UNIFIED)
        assert folder.name.startswith(f"lichen-{os.getpid()}-")
        before = meter.edge().readings["web"]
        port = int(parts.url("web").rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET /file HTTP/1.0\r\n\r\n")
            while client.recv(65536):
                pass
        time.sleep(0.1)
        span = meter.edge().readings["web"].since(before, peak_bytes=None)
    assert 200_000 < span.network_sent_bytes < 210_000
    assert not folder.exists()


def test_the_group_of_a_part_goes_also_when_the_measuring_process_is_killed(packets, tmp_path):
    code = f"""
        import os, signal, time
        from pathlib import Path
        from lichen.collect.machine import Part, Parts
        from lichen.collect.machine.cgroups.group import UNIFIED, Hierarchies
        part = Part(name="web", command=("sleep", "3600"))
        with Parts([part], folder=Path({str(tmp_path)!r})) as parts:
            print(Hierarchies.read().folder_of(parts.roots["web"], UNIFIED), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        """
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True, check=False
    )
    assert process.returncode == -signal.SIGKILL
    folder = Path(process.stdout.strip())
    assert folder.name.startswith("lichen-")
    for _ in range(1000):
        if not folder.exists():
            break
        time.sleep(0.01)
    assert not folder.exists()


def test_an_own_group_kills_nothing_and_takes_nobody_with_it(group, start):
    made = group("left")
    process = start("import sys\nfor line in sys.stdin: print(1, flush=True)", group=made)
    assert Hierarchies.read().folder_of(process.pid, UNIFIED) == made.folder
    made.close()
    assert not made.folder.exists()
    assert ask(process) == "1"
    assert Hierarchies.read().folder_of(process.pid, UNIFIED) == Hierarchies.read().folder_of(os.getpid(), UNIFIED)


def test_the_empty_group_of_a_killed_process_is_removed_by_the_next(group):
    ended = subprocess.Popen(["true"])
    ended.wait()
    stale = group("first").folder.parent / f"lichen-{ended.pid}-1-stale"
    stale.mkdir()
    group("second")
    assert not stale.exists()


def test_the_collector_is_registered_and_measures_a_group(group, start):
    assert load("lichen.collectors", "cgroup") is CgroupCollector
    made = group("busy")
    process = start("import sys\nsys.stdin.readline()\nwhile True: pass", group=made)
    tell(process)
    window = Window(entity="shop/web", duration_s=0.5, target={"pid": process.pid})
    rows = {row.quantity: row for row in CgroupCollector().collect(window)}
    assert set(rows) == set(CgroupCollector.emits)
    assert 0.01 < rows["cpu_time"].value <= rows["window_time"].value * 1.05
    assert rows["memory_peak"].value is None or rows["memory_peak"].value > 0
    assert rows["cpu_time"].method == "measured"


@pytest.mark.parametrize("target", [{}, {"cgroup": 3}, {"cgroup": "a", "pid": 1}, {"pid": "1"}])
def test_the_collector_refuses_what_is_none_of_its_targets(target):
    with pytest.raises(ConfigError, match="cannot measure"):
        list(CgroupCollector().collect(Window(entity="a/b", duration_s=1.0, target=target)))


def test_a_window_without_an_end_is_refused():
    with pytest.raises(ConfigError, match="has no end"):
        list(CgroupCollector().collect(Window(entity="a/b", target={"cgroup": "x"})))


def test_a_group_that_is_not_there_is_one_sentence():
    with pytest.raises(NothingMeasured, match="There is no control group 'lichen-no-such-group'"):
        list(CgroupCollector().collect(Window(entity="a/b", duration_s=0.1, target={"cgroup": "lichen-no-such-group"})))


def test_every_descriptor_is_given_back(group):
    made = group("descriptors")

    def descriptors():
        return len(list(Path("/proc/self/fd").iterdir()))

    before = descriptors()
    [counter] = counters_of(made)
    assert descriptors() > before
    counter.close()
    assert descriptors() == before
