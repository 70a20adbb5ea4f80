# SPDX-License-Identifier: Apache-2.0
"""Server parts: real servers started, found, reset, watched and stopped."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from pathlib import Path

import pytest

from lichen.collect.machine import Part, Parts, TreeMeter
from lichen.collect.machine.parts.ports import find_listener, free_port
from lichen.errors import ConfigError, PartFailed, StorageError

SERVER = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        if self.command == "POST":
            open(os.path.join(sys.argv[2], "reset"), "a").write("x")
        self.send_response(int(os.environ.get("STATUS", "200")))
        body = os.environ.get("PEER", "").encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = answer
    def log_message(self, *args): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def server(tmp_path):
    path = tmp_path / "server.py"
    path.write_text(SERVER)
    return (sys.executable, "-S", str(path), "{port}", "{data}")


def script(code, *arguments):
    return (sys.executable, "-S", "-c", textwrap.dedent(code), *arguments)


def alive(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def wait_gone(*pids):
    for _ in range(500):
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.01)
    return False


def get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


def test_parts_start_in_order_know_each_other_and_stop(tmp_path, server):
    parts = (
        Part(name="backoffice", command=server, ready="{url}/health"),
        Part(name="portal", command=server, env={"PEER": "{backoffice.url}"}),
    )
    with Parts(parts, folder=tmp_path / "logs") as running:
        roots = dict(running.roots)
        assert list(roots) == ["backoffice", "portal"]
        assert get(running.url("portal")) == running.url("backoffice")
        running.check()
        assert all(alive(pid) for pid in roots.values())
        assert len({os.getsid(pid) for pid in (*roots.values(), os.getpid())}) == 3
    assert wait_gone(*roots.values())
    assert sorted(p.name for p in (tmp_path / "logs").iterdir()) == ["backoffice.log", "portal.log"]


def test_reset_by_post_and_by_command(tmp_path, server):
    toucher = script("import sys; open(sys.argv[1] + '/command', 'a').write('y')", "{data}")
    parts = (
        Part(name="a", command=server, reset="{url}/reset"),
        Part(name="b", command=server, reset=toucher),
    )
    with Parts(parts, folder=tmp_path / "logs") as running:
        running.reset()
        running.reset()
        folders = {p.name.partition("-")[0]: p for p in (tmp_path / "logs").iterdir() if p.is_dir()}
        assert (folders["a"] / "reset").read_text() == "xx"
        assert (folders["b"] / "command").read_text() == "yy"


@pytest.mark.parametrize(
    ("reset", "words"),
    [
        (("false",), "'false', ended with code 1"),
        (script("print('no table'); raise SystemExit(3)"), "ended with code 3: no table"),
        (("no-such-program",), "cannot be started: No such file or directory"),
        ("{url}/reset", "answered with status 500"),
        ("http://127.0.0.1:1/reset", "cannot be reached"),
    ],
)
def test_reset_that_fails_is_told(tmp_path, server, reset, words):
    part = Part(name="a", command=server, ready="tcp://127.0.0.1:{port}", reset=reset, env={"STATUS": "500"})
    with Parts([part], folder=tmp_path / "logs") as running, pytest.raises(PartFailed) as caught:
        running.reset()
    assert words in caught.value.problem


def test_what_a_reset_leaves_in_the_background_ends_with_the_part(tmp_path):
    holder = tmp_path / "pid"
    reset = ("sh", "-c", f"sleep 779 & echo $! > {holder}")
    part = Part(name="a", command=("sleep", "60"), reset=reset, timeout_s=20)
    with Parts([part], folder=tmp_path / "logs") as running:
        running.reset()
        left = [int(holder.read_text())]
        assert alive(left[0])
        running.reset()
        left.append(int(holder.read_text()))
        assert all(alive(pid) for pid in left)
    assert wait_gone(*left)


def test_a_reset_that_never_ends_is_ended_with_its_children(tmp_path):
    holder = tmp_path / "pid"
    reset = ("sh", "-c", f"sleep 779 & echo $! > {holder}; wait")
    part = Part(name="a", command=("sleep", "60"), reset=reset, timeout_s=0.5)
    with Parts([part], folder=tmp_path / "logs") as running:
        with pytest.raises(PartFailed, match=r"did not end within 0\.5 s"):
            running.reset()
        assert wait_gone(int(holder.read_text()))


def test_part_that_dies_at_once_shows_its_last_words_and_code(tmp_path):
    code = "import sys; print('reading config'); print('no such table: loans', file=sys.stderr); sys.exit(4)"
    part = Part(name="portal", command=script(code, "{port}"))
    with pytest.raises(PartFailed) as caught:
        Parts([part], folder=tmp_path).__enter__()
    assert "'portal' has ended (exit code 4)" in caught.value.problem
    assert "no such table: loans" in caught.value.problem
    assert str(tmp_path / "portal.log") in caught.value.repair


def test_part_that_cannot_be_started(tmp_path):
    with pytest.raises(PartFailed, match="'portal' cannot be started: 'no-such-server': No such file"):
        Parts([Part(name="portal", command=("no-such-server",))], folder=tmp_path).start()
    with pytest.raises(PartFailed, match="does not exist"):
        Parts([Part(name="portal", command=("true",), cwd=tmp_path / "none")], folder=tmp_path).start()


def test_folders_that_cannot_be_used(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file/logs for the logs of the parts cannot be made: Not a directory"):
        Parts([Part(name="a", command=("true",))], folder=tmp_path / "file" / "logs").start()
    (tmp_path / "a.log").mkdir()
    with pytest.raises(PartFailed, match=r"'a' cannot be started: .*a.log: Is a directory"):
        Parts([Part(name="a", command=("true",))], folder=tmp_path).start()


def test_part_that_never_gets_ready_is_stopped(tmp_path):
    code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
    part = Part(name="slow", command=script(code, str(tmp_path / "pid"), "{port}"), timeout_s=0.3)
    with pytest.raises(PartFailed, match=r"waited 0.3 s for tcp://127.0.0.1:\d+, nothing listens there") as caught:
        Parts([part], folder=tmp_path).__enter__()
    assert "timeout_s" in caught.value.repair
    assert wait_gone(int((tmp_path / "pid").read_text()))


def test_part_that_answers_wrongly_says_what_is_there(tmp_path, server):
    part = Part(name="portal", command=server, ready="{url}/health", env={"STATUS": "503"}, timeout_s=0.5)
    with pytest.raises(PartFailed, match=r"it answers with status 503 \(port \d+: process \d+ ") as caught:
        Parts([part], folder=tmp_path / "logs").__enter__()
    assert "server.py" in caught.value.problem


def test_port_already_taken_names_the_holder(tmp_path, server):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PartFailed) as caught:
            Parts([Part(name="portal", command=server, port=port)], folder=tmp_path).__enter__()
    assert f"needs port {port}, which process {os.getpid()} (" in caught.value.problem
    assert "{port}" in caught.value.repair


def test_part_that_dies_during_the_run_is_noticed(tmp_path, server):
    with Parts([Part(name="portal", command=server)], folder=tmp_path / "logs") as running:
        os.kill(running.roots["portal"], signal.SIGKILL)
        assert wait_gone(running.roots["portal"])
        time.sleep(0.1)
        with pytest.raises(PartFailed, match="killed by SIGKILL"):
            running.check()
        with pytest.raises(PartFailed, match="killed by SIGKILL"):
            running.check()


def test_attach_by_port_and_by_pid_leaves_the_server_alone(tmp_path):
    port = free_port(set())
    (tmp_path / "server.py").write_text(SERVER)
    command = [sys.executable, "-S", str(tmp_path / "server.py"), str(port), str(tmp_path)]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        for _ in range(200):
            if find_listener(port):
                break
            time.sleep(0.02)
        parts = (
            Part(name="by-port", port=port, ready="{url}/", reset="{url}/reset"),
            Part(name="by-pid", pid=process.pid),
        )
        with Parts(parts, folder=tmp_path / "logs") as running:
            assert running.roots == {"by-port": process.pid, "by-pid": process.pid}
            running.reset()
            assert (tmp_path / "reset").read_text() == "x"
            assert alive(process.pid)
            running.stop()
            assert alive(process.pid)
            assert running.notes == ()
        with Parts(parts, folder=tmp_path / "logs") as running:
            shown = " ".join(command[:3])
            assert running.notes == tuple(
                f"Part {name} is the running process {process.pid} ({shown})." for name in ("by-port", "by-pid")
            )
            process.kill()
            process.wait()
            with pytest.raises(PartFailed, match=r"'by-port' \(process \d+\) has ended"):
                running.check()
    finally:
        process.kill()
        process.wait()


def test_attach_to_nothing(tmp_path):
    port = free_port(set())
    with pytest.raises(PartFailed, match=f"Nothing listens on port {port}"):
        Parts([Part(name="a", port=port)], folder=tmp_path).start()
    process = subprocess.Popen(["true"])
    process.wait()
    with pytest.raises(PartFailed, match="which does not run"):
        Parts([Part(name="a", pid=process.pid)], folder=tmp_path).start()


def test_listener_is_the_topmost_process_that_shares_the_socket(tmp_path):
    code = """
    import os, socket, sys, time
    server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    for _ in range(2):
        if os.fork() == 0: time.sleep(600)
    time.sleep(600)
    """
    with Parts([Part(name="prefork", command=script(code, "{port}"))], folder=tmp_path) as running:
        port = int(running.url("prefork").rpartition(":")[2])
        holder = find_listener(port)
        assert holder is not None
        assert holder.pid == running.roots["prefork"]


RELAY = """
import ctypes, os, socket, subprocess, sys, time
port, name, code = sys.argv[1:]
server = socket.create_server(("127.0.0.1", int(port)))
server.set_inheritable(True)
child = [sys.executable, "-S", "-c", code, str(server.fileno())]
process = subprocess.Popen(child, pass_fds=[server.fileno()])
ctypes.CDLL(None).prctl(15, name.encode(), 0, 0, 0)
print(process.pid, flush=True)
process.wait()
"""
"""Opens a socket and passes it on to a child that works, as inetd and systemd do; ``name`` is what the kernel calls it."""
WORKER = """
import socket, sys, time
server = socket.socket(fileno=int(sys.argv[1]))
end = time.process_time() + 0.3
while time.process_time() < end: pass
time.sleep(600)
"""


@contextlib.contextmanager
def relay(port, name):
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", RELAY, str(port), name, WORKER],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process.pid, int(process.stdout.readline())
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("name", ["docker-proxy", "rootlesskit", "systemd", "xinetd"])
def test_a_relay_is_not_taken_for_the_server_behind_it(tmp_path, name):
    port = free_port(set())
    with relay(port, name) as (parent, child):
        with pytest.raises(PartFailed, match=f"belongs to process {parent} .*, which listens for another") as caught:
            Parts([Part(name="shop", port=port)], folder=tmp_path).start()
        assert "give the main pid of the container" in caught.value.repair
        with Parts([Part(name="shop", pid=child)], folder=tmp_path) as running:
            assert running.roots == {"shop": child}


def test_a_server_that_hands_its_socket_to_a_child_is_measured_with_it(tmp_path):
    port = free_port(set())
    with (
        relay(port, "shop") as (parent, _),
        Parts([Part(name="shop", port=port)], folder=tmp_path) as running,
        TreeMeter() as meter,
    ):
        assert running.roots == {"shop": parent}
        meter.add("shop", running.roots["shop"])
        first = meter.edge().readings["shop"]
        assert first.alive == 2
        deadline = time.monotonic() + 20
        while meter.edge().readings["shop"].cpu_ns - first.cpu_ns < 50_000_000 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert meter.edge().readings["shop"].cpu_ns - first.cpu_ns >= 50_000_000


def test_a_name_holds_one_root_unless_meant(tmp_path, server):
    two = [Part(name="a", command=server), Part(name="b", command=server)]
    with Parts(two, folder=tmp_path) as running, TreeMeter() as meter:
        meter.add("shop", running.roots["a"])
        with pytest.raises(ConfigError, match="Two process trees are called 'shop'"):
            meter.add("shop", running.roots["b"])
        assert meter.edge().readings["shop"].alive == 1
        meter.add("shop", running.roots["b"], another=True)
        assert meter.edge().readings["shop"].alive == 2


DAEMON = """
import os, sys, time
def record(): open(sys.argv[1], "a").write(f"{os.getpid()}\\n")
record()
if os.fork() == 0:
    os.setsid()
    if os.fork(): os._exit(0)
    record()
    while True: sum(range(10000)); time.sleep(0.001)
os.wait()
if os.fork() == 0:
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    record()
    time.sleep(600)
time.sleep(600)
"""


def pids_in(path, count):
    for _ in range(500):
        with contextlib.suppress(OSError):
            found = [int(line) for line in path.read_text().split()]
            if len(found) == count:
                return found
        time.sleep(0.01)
    raise AssertionError(path)


def test_stop_ends_daemons_and_stubborn_children(tmp_path):
    part = Part(name="d", command=script(DAEMON, str(tmp_path / "pids")))
    with Parts([part], folder=tmp_path / "logs", grace_s=0.2):
        pids = pids_in(tmp_path / "pids", 3)
    assert wait_gone(*pids)


def test_daemon_that_left_its_session_is_still_counted(tmp_path):
    gate = script("import sys, time; time.sleep(0.3); exec(sys.argv[2])", str(tmp_path / "pids"), DAEMON)
    with Parts([Part(name="d", command=gate)], folder=tmp_path / "logs", grace_s=0.2) as running, TreeMeter() as meter:
        meter.add("d", running.roots["d"])
        daemon = pids_in(tmp_path / "pids", 3)[1]
        time.sleep(0.3)
        first = meter.edge().readings["d"]
        time.sleep(0.3)
        last = meter.edge().readings["d"]
        assert os.getsid(daemon) != os.getsid(running.roots["d"])
    assert last.alive == 3
    assert last.cpu_ns - first.cpu_ns > 1_000_000


AGENT = """
import sys, time
from pathlib import Path
from lichen.collect.machine import Part, Parts
part = Part(name="d", command=(sys.executable, "-S", "-c", sys.argv[2], sys.argv[1] + "/pids"))
with Parts([part], folder=Path(sys.argv[1]) / "logs", grace_s=0.2):
    print("up", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_outlives_the_agent(tmp_path, number):
    agent = subprocess.Popen(
        [sys.executable, "-c", AGENT, str(tmp_path), DAEMON], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert agent.stdout.readline() == b"up\n"
        pids = pids_in(tmp_path / "pids", 3)
        guard = int(Path(f"/proc/{pids[0]}/stat").read_text().rpartition(")")[2].split()[1])
        agent.send_signal(number)
        agent.wait(20)
        assert wait_gone(guard, *pids)
    finally:
        agent.kill()
        agent.wait()
        agent.stdout.close()


def test_killed_guard_takes_the_command_along(tmp_path, server):
    with Parts([Part(name="a", command=server)], folder=tmp_path / "logs") as running:
        root = running.roots["a"]
        guard = int(Path(f"/proc/{root}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(guard, signal.SIGKILL)
        assert wait_gone(root)
        time.sleep(0.1)
        with pytest.raises(PartFailed, match="has ended"):
            running.check()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Part(name="a/b", command=("true",)), "cannot be called 'a/b'"),
        (lambda: Part(name="#driver", pid=1), "cannot be called '#driver'"),
        (lambda: Part(name="browser", pid=1), "cannot be called 'browser'"),
        (lambda: Part(name="\u212aey", pid=1), "cannot be called"),
        (lambda: Part(name="a"), "neither what to start nor what to watch"),
        (lambda: Part(name="a", pid=1, port=2), "a pid beside"),
        (lambda: Parts([Part(name="a", pid=1)] * 2, folder=Path()), "Two parts are called 'a'"),
        (lambda: Parts([Part(name="a", pid=1)], folder=Path()).url("a"), "{a.url} stands for nothing"),
    ],
)
def test_wrong_declarations(make, words):
    with pytest.raises(ConfigError) as caught:
        make()
    assert words in caught.value.problem
    assert caught.value.repair


@pytest.mark.parametrize(
    ("word", "repair"),
    [("{prot}", "{port}"), ("{backofice.url}", "{backoffice.url}"), ("{portal.prt}", "{portal.port}")],
)
def test_wrong_placeholder_suggests_the_right_one(tmp_path, word, repair):
    parts = (Part(name="backoffice", command=("sleep", "9")), Part(name="portal", command=("echo", word)))
    with pytest.raises(ConfigError) as caught, Parts(parts, folder=tmp_path):
        pass
    assert repair in caught.value.repair


def test_braces_of_the_command_itself_are_kept(tmp_path):
    command = script(
        "import sys, time; print(sys.argv[1:], flush=True); time.sleep(600)", "{print $1}", '{"a":1}', "{}"
    )
    with Parts([Part(name="awk", command=command)], folder=tmp_path) as running:
        for _ in range(200):
            if text := running.log("awk").read_text():
                break
            time.sleep(0.01)
    assert text == "['{print $1}', '{\"a\":1}', '{}']\n"


def test_ready_address_must_be_understood(tmp_path, server):
    with pytest.raises(ConfigError, match="cannot be asked at 'localhost'"):
        Parts([Part(name="a", command=server, ready="localhost")], folder=tmp_path / "logs").__enter__()
