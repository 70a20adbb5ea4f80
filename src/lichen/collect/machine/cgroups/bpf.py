# SPDX-License-Identifier: Apache-2.0
"""Counts the IP packets of a control group in the kernel, without a compiler: a dozen instructions, loaded by bpf(2).

The programs hang on links that only this process holds, so that nothing stays behind when it ends, however it ends.
Bytes are those of IP packets, headers included; packets that the network card cuts or joins are counted whole, with one header.
Sockets belong to the group that opened them. Packets of the loopback are counted apart.
Sources: bpf(2), kernel ``include/uapi/linux/bpf.h``, ``Documentation/bpf/standardization/instruction-set.rst``.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import platform
import struct
from pathlib import Path
from typing import Final

from lichen.collect.base import Availability

_CALL_NUMBER: Final = {
    "x86_64": 321, "i686": 357, "aarch64": 280, "riscv64": 280, "loongarch64": 280, "armv7l": 386, "ppc64le": 361,
    "s390x": 351,
}  # fmt: skip
"""Number of the system call; each architecture has its own."""
_MAP_CREATE, _PROG_LOAD, _LINK_CREATE = 0, 5, 28
_MAP_ARRAY, _MMAPABLE = 2, 1 << 10
_PROG_CGROUP_SKB = 8
_INGRESS, _EGRESS = 0, 1
_SKB_LEN, _SKB_IFINDEX = 0, 40
_LOOPBACK_IFINDEX = 1
_LOOKUP = 1
_SLOTS: Final = 4
"""Received, received by loopback, sent, sent by loopback."""
_LICENCE: Final = b"Apache-2.0\0"
_ATTRIBUTES: Final = 128


def _bpf(command: int, attributes: bytes) -> int:
    """One call; the new descriptor.

    Raises:
        OSError: the kernel refuses. ENOSYS where the system call is not known.
    """
    number = _CALL_NUMBER.get(platform.machine())
    if number is None:
        raise OSError(38, f"bpf(2) is not known on {platform.machine()}")
    buffer = ctypes.create_string_buffer(attributes, _ATTRIBUTES)
    libc = ctypes.CDLL(None, use_errno=True)
    result = int(libc.syscall(ctypes.c_long(number), ctypes.c_int(command), buffer, ctypes.c_uint(_ATTRIBUTES)))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _program(map_fd: int, first_slot: int) -> bytes:
    """Adds the length of each packet to ``first_slot``, or to the next one when it passes the loopback; lets all pass."""

    def step(code: int, to: int = 0, by: int = 0, offset: int = 0, value: int = 0) -> bytes:
        return struct.pack("=BBhi", code, to | by << 4, offset, value)

    load_word, move, set_to, add, store_word = 0x61, 0xBF, 0xB7, 0x07, 0x63
    return b"".join(
        (
            step(load_word, to=7, by=1, offset=_SKB_LEN),
            step(load_word, to=3, by=1, offset=_SKB_IFINDEX),
            step(set_to, to=1, value=first_slot),
            step(0x55, to=3, offset=1, value=_LOOPBACK_IFINDEX),  # skip the next one unless equal
            step(set_to, to=1, value=first_slot + 1),
            step(store_word, to=10, by=1, offset=-4),
            step(move, to=2, by=10),
            step(add, to=2, value=-4),
            step(0x18, to=1, by=1, value=map_fd),  # two slots long
            step(0),
            step(0x85, value=_LOOKUP),
            step(0x15, to=0, offset=1, value=0),  # skip the next one if there is no such slot
            step(0xDB, to=0, by=7),  # atomic add
            step(set_to, to=0, value=1),
            step(0x95),
        )
    )


class PacketCount:
    """Packets of a control group of version 2 and of those below it, from now on.

    Args:
        folder: of the group.

    Raises:
        OSError: this user may not (needs CAP_BPF and CAP_NET_ADMIN), or the kernel is older than 5.7.
    """

    def __init__(self, folder: Path) -> None:
        with contextlib.ExitStack() as stack:

            def kept(fd: int) -> int:
                stack.callback(os.close, fd)
                return fd

            with contextlib.ExitStack() as loading:
                group = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                loading.callback(os.close, group)
                array = _bpf(_MAP_CREATE, struct.pack("=5I", _MAP_ARRAY, 4, 8, _SLOTS, _MMAPABLE))
                loading.callback(os.close, array)
                self._map = mmap.mmap(array, mmap.PAGESIZE, prot=mmap.PROT_READ)
                stack.callback(self._map.close)
                self._counts = memoryview(self._map).cast("Q")
                stack.callback(self._counts.release)
                for direction in (_INGRESS, _EGRESS):
                    program = _load(_program(array, 2 * direction), direction)
                    loading.callback(os.close, program)
                    kept(_bpf(_LINK_CREATE, struct.pack("=4I", program, group, direction, 0)))
            self._close = stack.pop_all()

    def read(self) -> tuple[int, int, int]:
        """(bytes received, bytes sent, those of both that passed the loopback) so far."""
        received, received_by_loopback, sent, sent_by_loopback = self._counts[:_SLOTS]
        loopback = received_by_loopback + sent_by_loopback
        return received + received_by_loopback, sent + sent_by_loopback, loopback

    def close(self) -> None:
        """Takes the programs away; the counts are gone with them."""
        self._close.close()


def _load(program: bytes, direction: int) -> int:
    code, licence = ctypes.create_string_buffer(program), ctypes.create_string_buffer(_LICENCE)
    return _bpf(
        _PROG_LOAD,
        struct.pack(
            "=IIQQIIQII16sII",
            _PROG_CGROUP_SKB,
            len(program) // 8,
            ctypes.addressof(code),
            ctypes.addressof(licence),
            0,
            0,
            0,
            0,
            0,
            b"lichen_bytes",
            0,
            direction,
        ),
    )


def probe(folder: Path | None) -> Availability:
    """Whether packets of groups can be counted here, tried on a group for a moment.

    Args:
        folder: of any group of version 2; None without one.
    """
    if folder is None:
        return Availability(
            False, "There are no control groups of version 2.", "Mount them: mount -t cgroup2 none /sys/fs/cgroup."
        )
    try:
        PacketCount(folder).close()
    except OSError as error:
        return Availability(
            False,
            f"Packets of control groups may not be counted: {error.strerror}.",
            "Run as root, or give Lichen CAP_BPF and CAP_NET_ADMIN, on Linux 5.7 or newer.",
        )
    return Availability(True)
