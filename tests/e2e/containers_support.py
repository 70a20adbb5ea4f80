# SPDX-License-Identifier: Apache-2.0
"""Real container engines for tests: started as root on sockets, folders, a bridge and control groups of their own, then removed.

No registry is needed: the image is an empty skeleton, and containers see the machine's own programs, read-only.
"""

from __future__ import annotations

import base64
import contextlib
import io
import ipaddress
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lichen.collect.machine.containers.address import parse_address
from lichen.collect.machine.containers.engine import Engine

IMAGE = "localhost/skeleton:1"
_FOLDERS = ("usr", "lib", "lib64", "bin", "root", "etc", "proc", "sys", "dev", "tmp", "app", "run", "data")
_PROGRAMS = [folder for folder in ("/usr", "/lib", "/lib64", "/bin") if Path(folder).exists()]
PYTHON = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
CONTAINERS_CONF = """
[containers]
default_ulimits = ["nofile=16384:16384", "nproc=16384:16384"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
"""
BURN = """
    import sys, time
    share = float(sys.argv[1])
    began, used = time.monotonic(), time.process_time()
    while True:
        while time.process_time() - used < share * (time.monotonic() - began):
            pass
        time.sleep(0.01)
"""
"""Burns a share of one processor, given as an argument."""


def mounts() -> list[str]:
    """Folders that hold the programs, the interpreter's own included."""
    own = str(Path(sys.base_prefix).resolve())
    return [*_PROGRAMS, *([] if own.startswith("/usr") and not own.startswith("/usr/local/") else [own])]


def skeleton() -> bytes:
    """An image with empty folders."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for folder in _FOLDERS:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
    return packed.getvalue()


class EngineUnderTest:
    """A running engine: ``address`` for Lichen, ``call`` for its own command-line tool."""

    def __init__(self, tool: list[str], path: Path, env: dict[str, str]) -> None:
        self.address = f"unix://{path}"
        self.tool = tool
        self._env = os.environ | env
        self.call("import", "-", IMAGE, stdin=skeleton())

    def call(self, *words: str, stdin: bytes | None = None) -> str:
        """Output of one command of the tool, which must succeed."""
        done = subprocess.run([*self.tool, *words], input=stdin, capture_output=True, env=self._env, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def run(self, name: str, code: str, *arguments: str, options: tuple[str, ...] = ()) -> str:
        """Starts a container that runs Python code; its id."""
        volumes = [word for folder in mounts() for word in ("-v", f"{folder}:{folder}:ro")]
        command = [PYTHON, "-S", "-u", "-c", textwrap.dedent(code), *arguments]
        return self.call("run", "-d", "--name", name, *options, *volumes, IMAGE, *command).splitlines()[-1]

    def main_pid(self, name: str) -> int:
        """Pid of a container's first process."""
        return int(self.call("inspect", "-f", "{{.State.Pid}}", name))

    def ip(self, name: str) -> str:
        """Address of a container on the engine's bridge."""
        return self.call("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)

    def clean(self) -> None:
        """Removes all containers."""
        if listed := self.call("ps", "-aq").split():
            self.call("rm", "-f", "-v", *listed)


def _lacks(*programs: str) -> str:
    if os.geteuid() != 0:
        return "an engine of one's own needs root"
    missing = [program for program in programs if shutil.which(program, path="/usr/bin:/usr/sbin:/bin:/sbin") is None]
    return f"{', '.join(missing)} not installed: tools/system.sh containers" if missing else ""


def _free_subnet() -> ipaddress.IPv4Network:
    """A private network that no interface or route of this machine is in."""
    routes = subprocess.run(["ip", "-4", "route"], capture_output=True, text=True, check=True).stdout
    taken = []
    for word in routes.split():
        with contextlib.suppress(ValueError):
            taken.append(ipaddress.IPv4Network(word, strict=False))
    for third in range(os.getpid() % 200, 250):
        subnet = ipaddress.IPv4Network(f"172.29.{third}.0/24")
        if not any(subnet.overlaps(other) for other in taken if other.prefixlen > 0):
            return subnet
    pytest.skip("no private network is free here")


def _wait(path: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as listening:
            listening.connect(str(path))
            with Engine(parse_address(str(path), "test")):
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    pytest.skip(f"the engine does not start here: {log.read_text(errors='replace')[-300:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _remove(folder: Path) -> None:
    """Removes an engine's folder, with what it left mounted there: the namespace of the machine's network, storage layers."""
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for point in sorted((p for p in mounted if p.startswith(f"{folder}/")), key=len, reverse=True):
        subprocess.run(["umount", point], capture_output=True, check=False)
    shutil.rmtree(folder, ignore_errors=True)


def _remove_groups(name: str) -> None:
    """Empty control groups that an engine left, in whatever hierarchy; only below ``name``."""
    for pattern in (name, f"*/{name}"):
        for top in Path("/sys/fs/cgroup").glob(pattern):
            for folder in sorted((f for f in top.rglob("*") if f.is_dir()), key=lambda f: -len(f.parts)):
                with contextlib.suppress(OSError):
                    folder.rmdir()
            with contextlib.suppress(OSError):
                top.rmdir()


@contextlib.contextmanager
def docker_engine() -> Iterator[EngineUnderTest]:
    """A Docker engine on a bridge of its own; the firewall, forwarding and any other engine stay as they are."""
    if reason := _lacks("dockerd", "docker", "containerd", "runc", "ip"):
        pytest.skip(reason)
    mark, subnet = f"lichen{os.getpid()}", _free_subnet()
    bridge = mark[:15]
    folder = Path(tempfile.mkdtemp(prefix="lichen-docker-"))
    log = folder / "log"
    with contextlib.ExitStack() as stack:
        stack.callback(_remove, folder)
        stack.callback(_remove_groups, mark)
        for words in (
            ["link", "add", bridge, "type", "bridge"],
            ["addr", "add", f"{subnet[1]}/24", "dev", bridge],
            ["link", "set", bridge, "up"],
        ):
            if subprocess.run(["ip", *words], capture_output=True, check=False).returncode != 0:
                pytest.skip("no bridge can be made here")
            if words[1] == "add" and words[0] == "link":
                stack.callback(subprocess.run, ["ip", "link", "del", bridge], check=False)
        process = subprocess.Popen(
            [
                "dockerd", "--data-root", str(folder / "root"), "--exec-root", str(folder / "exec"),
                "--pidfile", str(folder / "pid"), "-H", f"unix://{folder / 'socket'}", "--bridge", bridge,
                "--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false",
                "--cgroup-parent", f"/{mark}",
            ],
            stdout=stack.enter_context(log.open("wb")), stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        stack.callback(_end, process)
        _wait(folder / "socket", process, log)
        # The machine's own client: another in PATH may be newer than the engine accepts.
        client = "/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker"
        engine = EngineUnderTest([client, "-H", f"unix://{folder / 'socket'}"], folder / "socket", {})
        stack.callback(engine.clean)
        yield engine


@contextlib.contextmanager
def podman_engine() -> Iterator[EngineUnderTest]:
    """A Podman service whose containers have no network, so that it leaves no rule in the firewall."""
    if reason := _lacks("podman", "runc", "conmon"):
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="lichen-podman-"))
    (folder / "containers.conf").write_text(CONTAINERS_CONF)
    env = {"CONTAINERS_CONF": str(folder / "containers.conf")}
    tool = ["podman", "--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver=vfs"]
    log = folder / "log"
    with contextlib.ExitStack() as stack:
        stack.callback(_remove, folder)
        stack.callback(_remove_groups, "libpod_parent")
        process = subprocess.Popen(
            [*tool, "system", "service", "--time=0", f"unix://{folder / 'socket'}"],
            env=os.environ | env, stdout=stack.enter_context(log.open("wb")), stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        stack.callback(_end, process)
        _wait(folder / "socket", process, log)
        engine = EngineUnderTest(tool, folder / "socket", env)
        stack.callback(_ended_pods, engine)
        yield engine


def _ended_pods(engine: EngineUnderTest) -> None:
    engine.call("pod", "rm", "-f", "-a")
    engine.call("rm", "-f", "-a")


def _one_line(code: str) -> str:
    """The same program without a line break: Podman 4.3 writes the Pod anew and breaks texts of several lines."""
    packed = base64.b64encode(textwrap.dedent(code).encode()).decode()
    return f"import base64; exec(base64.b64decode('{packed}'))"


def pod(name: str, containers: dict[str, list[str]]) -> str:
    """A Kubernetes Pod, as YAML (JSON is YAML): containers by name with their Python code and arguments."""
    volumes = [{"name": f"v{i}", "hostPath": {"path": folder}} for i, folder in enumerate(mounts())]
    seen = [{"name": f"v{i}", "mountPath": folder, "readOnly": True} for i, folder in enumerate(mounts())]
    listed: list[dict[str, Any]] = [
        {
            "name": called,
            "image": IMAGE,
            "command": [PYTHON, "-S", "-u", "-c", _one_line(code), *words],
            "volumeMounts": seen,
        }
        for called, (code, *words) in containers.items()
    ]
    return json.dumps(
        {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"volumes": volumes, "containers": listed},
        }
    )  # fmt: skip
