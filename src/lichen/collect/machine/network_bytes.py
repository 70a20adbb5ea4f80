# SPDX-License-Identifier: Apache-2.0
"""Network bytes of a part: of its own network namespace, all interfaces but the loopback.

The loopback of a namespace of its own is traffic of the part with itself. Source: proc_net(5).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from lichen.collect.machine.cumulative import Cumulative

_BUFFER: Final = 65536
_LOOPBACK: Final = b"lo"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes received and sent since the part is watched.

    Attributes:
        loopback: those of them that passed the machine's own loopback; None where the loopback is not counted.
    """

    received: int
    sent: int
    loopback: int | None = None


class Network(Protocol):
    """Cumulative network bytes of a part."""

    def read(self) -> Traffic | None:
        """The bytes so far; None when they cannot be read any more."""
        ...

    def close(self) -> None:
        """Gives back what it took."""
        ...


def namespace_of(pid: int) -> int | None:
    """Identity of a process's network namespace; None when it is gone or this user may not know."""
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino  # noqa: PTH116 - called for every process of a group
    except OSError:
        return None


class NamespaceNetwork:
    """Interfaces of the network namespace of a process that has one of its own.

    The file stays open, and with it the namespace, so that bytes are known to the end; `close` lets it go.

    Args:
        pid: any process inside.

    Raises:
        OSError: the process is gone.
    """

    def __init__(self, pid: int) -> None:
        self._fd = os.open(f"/proc/{pid}/net/dev", os.O_RDONLY | os.O_CLOEXEC)
        self._received: dict[bytes, Cumulative[int]] = {}
        self._sent: dict[bytes, Cumulative[int]] = {}
        self._first = True

    def read(self) -> Traffic | None:
        """Bytes of all interfaces so far; one that appears counts from its birth, one that vanishes keeps its bytes."""
        try:
            content = os.pread(self._fd, _BUFFER, 0)
        except OSError:
            return None
        present = set()
        for name, received, sent in parse_interfaces(content):
            present.add(name)
            for counters, value in ((self._received, received), (self._sent, sent)):
                if name not in counters:
                    counters[name] = Cumulative()
                    if not self._first:
                        counters[name].feed(0)
                counters[name].feed(value)
        for name in self._received.keys() - present:
            self._received[name].restart()
            self._sent[name].restart()
        self._first = False
        return Traffic(
            sum(counter.total or 0 for counter in self._received.values()),
            sum(counter.total or 0 for counter in self._sent.values()),
        )

    def close(self) -> None:
        """Lets the namespace go."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def parse_interfaces(content: bytes) -> Iterable[tuple[bytes, int, int]]:
    """(interface, bytes received, bytes sent) of each line of /proc/net/dev but the loopback's."""
    for line in content.splitlines()[2:]:
        name, _, numbers = line.partition(b":")
        fields = numbers.split(None, 9)
        if name.strip() != _LOOPBACK and len(fields) > 8:
            yield name.strip(), int(fields[0]), int(fields[8])


def open_network(pids: Iterable[int]) -> tuple[Network | None, str]:
    """The network of a part, and why it has none.

    Args:
        pids: its processes.
    """
    spaces = {space: pid for pid in pids if (space := namespace_of(pid)) is not None}
    own = namespace_of(os.getpid())
    if not spaces:
        return None, "its processes cannot be looked into"
    if own in spaces:
        return None, "it shares the network of the machine"
    if len(spaces) > 1:
        return None, f"its processes use {len(spaces)} network namespaces"
    try:
        return NamespaceNetwork(next(iter(spaces.values()))), ""
    except OSError:
        return None, "its process has just ended"
