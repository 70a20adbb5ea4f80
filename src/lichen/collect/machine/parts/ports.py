# SPDX-License-Identifier: Apache-2.0
"""Who listens on a TCP port of this machine, from /proc."""

from __future__ import annotations

import os
import pwd
import socket
from dataclasses import dataclass
from pathlib import Path

from lichen.collect.machine.processes.proc import all_pids, read_stat

_LISTEN = "0A"
_INIT_PID = 1
_RELAYS = frozenset(
    {
        "docker-proxy", "inetd", "init", "kubectl", "pasta", "pasta.avx2", "rootlesskit", "rootlessport",
        "slirp4netns", "socat", "ssh", "systemd", "xinetd",
    }
)  # fmt: skip
"""Short names of programs that listen for another process: what that one consumes is not below them, or not alone."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Holder of a listening port.

    Attributes:
        pid: topmost process that holds the socket (a server's workers share it); None when its owner hides it.
        command: its command line.
        user: owner of the socket.
    """

    port: int
    pid: int | None
    command: str
    user: str

    @property
    def relays(self) -> bool:
        """Whether it listens on behalf of another process: a container's proxy, a tunnel, the machine's init."""
        stat = None if self.pid is None else read_stat(self.pid)
        return self.pid == _INIT_PID or (stat is not None and stat.comm in _RELAYS)

    def __str__(self) -> str:
        if self.pid is None:
            return f"a process of user {self.user}"
        return f"process {self.pid} ({self.command})"


def _sockets(port: int) -> dict[str, int]:
    """Inode and owner of every socket that listens on ``port``. Source: proc_net_tcp(5)."""
    found: dict[str, int] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                found[fields[9]] = int(fields[7])
    return found


def _holds(pid: int, links: set[str]) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        return any(os.readlink(f"{folder}/{fd}") in links for fd in os.listdir(folder))  # noqa: PTH115, PTH208
    except OSError:
        return False


def command_line(pid: int) -> str:
    """Program and first arguments of a process: the rest may hold secrets. Its short name when it has no command line."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except OSError:
        return "?"
    text = b" ".join(words[:3]).decode(errors="replace")
    stat = read_stat(pid)
    return text[:160] or (stat.comm if stat else "?")


def find_listener(port: int) -> Listener | None:
    """The process that listens on TCP ``port``; None when nobody does."""
    sockets = _sockets(port)
    if not sockets:
        return None
    uid = next(iter(sockets.values()))
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    links = {f"socket:[{inode}]" for inode in sockets}
    holders = {pid for pid in all_pids() if _holds(pid, links)}
    for pid in sorted(holders):
        stat = read_stat(pid)
        if stat is not None and stat.ppid not in holders:
            return Listener(port, pid, command_line(pid), user)
    return Listener(port, None, "", user)


def free_port(taken: set[int]) -> int:
    """A TCP port of 127.0.0.1 that nobody uses now and that is not in ``taken``."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in taken:
            return port
