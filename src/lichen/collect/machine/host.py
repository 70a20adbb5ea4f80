# SPDX-License-Identifier: Apache-2.0
"""The machine that measures: what it is, in what state, and what it lacks."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from lichen.collect.machine.processes.clock import cpu_ns
from lichen.collect.machine.processes.proc import MachineStat

_STEAL_MAX: Final = 0.02
_HYPERVISORS: Final = (
    ("kvm", "KVM"),
    ("qemu", "QEMU"),
    ("vmware", "VMware"),
    ("virtualbox", "VirtualBox"),
    ("innotek", "VirtualBox"),
    ("microsoft corporation", "Hyper-V"),
    ("xen", "Xen"),
    ("amazon ec2", "Amazon Nitro"),
    ("google compute engine", "Google Compute Engine"),
    ("openstack", "OpenStack"),
    ("firecracker", "Firecracker"),
    ("parallels", "Parallels"),
    ("bhyve", "bhyve"),
)


def _read(path: str) -> str | None:
    """Content of a small file without its white space; None when it cannot be read."""
    try:
        return Path(path).read_text(errors="replace").strip("\0\n ")
    except OSError:
        return None


def _cpu_info() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in (_read("/proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        found.setdefault(key.strip(), value.strip())
    return found


def _hypervisor(flags: str) -> str | None:
    """Name of the hypervisor below, ``unknown`` when only the processor's flag betrays it, None on bare metal."""
    told = " ".join(
        filter(None, (_read(f"/sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name", "bios_vendor")))
    ).lower()
    told += f" {_read('/sys/hypervisor/type') or ''} {platform.release()}".lower()
    for mark, name in _HYPERVISORS:
        if mark in told:
            return name
    if re.search(r"-fc\b", told):
        return "Firecracker"
    return "unknown" if "hypervisor" in flags.split() else None


def _container() -> str | None:
    """Kind of container around this process, None when it runs on the machine itself."""
    kind = _read("/run/systemd/container") or os.environ.get("container")  # noqa: SIM112 - the name systemd and podman set
    if kind:
        return kind
    if Path("/.dockerenv").exists():
        return "docker"
    if Path("/run/.containerenv").exists():
        return "podman"
    groups = _read("/proc/1/cgroup") or ""
    for mark in ("kubepods", "docker", "containerd", "lxc"):
        if mark in groups:
            return mark
    return None


def cgroup_version() -> int | None:
    """2 for the unified hierarchy, 1 for the old or the hybrid one, None without control groups."""
    if Path("/sys/fs/cgroup/cgroup.controllers").exists():
        return 2
    return 1 if Path("/sys/fs/cgroup").is_dir() and any(Path("/sys/fs/cgroup").iterdir()) else None


def _turbo() -> bool | None:
    """Whether the processor may exceed its base frequency; None when it does not say."""
    no_turbo = _read("/sys/devices/system/cpu/intel_pstate/no_turbo")
    if no_turbo is not None:
        return no_turbo == "0"
    boost = _read("/sys/devices/system/cpu/cpufreq/boost")
    return None if boost is None else boost == "1"


def describe_host() -> dict[str, Any]:
    """What the machine is, for a run's fingerprint; two hosts are never compared silently.

    Returns:
        ``host_id`` (hash of the machine id, or of the boot id where there is none), ``cpu_model``, ``cpu_count`` (those
        this process may use), ``cpu_count_machine``, ``memory_bytes``, ``kernel``, ``architecture``, ``virtualised``,
        ``hypervisor``, ``container``, ``cgroup_version``, ``governor``, ``turbo``, ``smt``. None where unknown.
    """
    info = _cpu_info()
    hypervisor = _hypervisor(info.get("flags", info.get("Features", "")))
    smt = _read("/sys/devices/system/cpu/smt/active")
    identity = _read("/etc/machine-id") or _read("/proc/sys/kernel/random/boot_id") or platform.node()
    return {
        "host_id": hashlib.sha256(f"lichen host {identity}".encode()).hexdigest()[:16],
        "cpu_model": info.get("model name") or info.get("Model") or platform.processor() or None,
        "cpu_count": len(os.sched_getaffinity(0)),
        "cpu_count_machine": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "virtualised": hypervisor is not None,
        "hypervisor": hypervisor,
        "container": _container(),
        "cgroup_version": cgroup_version(),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "turbo": _turbo(),
        "smt": None if smt is None else smt == "1",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """State of the machine now.

    Attributes:
        load_1min: mean number of running tasks in the last minute.
        busy_share, steal_share: shares of all CPUs' time during the look.
        on_battery: None when the machine has no battery.
        swap_used_bytes: swap in use.
    """

    load_1min: float
    busy_share: float
    steal_share: float
    on_battery: bool | None
    swap_used_bytes: int

    def problems(self, cpus: int) -> tuple[str, ...]:
        """Reasons to distrust a measurement taken now, a sentence each; empty when it is quiet."""
        found = []
        if self.load_1min > cpus:
            found.append(f"{self.load_1min:.1f} tasks compete for {cpus} CPUs.")
        if self.steal_share > _STEAL_MAX:
            found.append(f"The hypervisor takes {self.steal_share:.0%} of the CPU time away.")
        if self.on_battery:
            found.append("The machine runs on its battery, which slows it down.")
        return tuple(found)


def conditions(seconds: float = 0.2) -> Conditions:
    """Looks at the machine during ``seconds``."""
    stat = MachineStat()
    try:
        first, at = stat.times(), time.monotonic_ns()
        time.sleep(seconds)
        last = stat.times()
    finally:
        stat.close()
    total = (time.monotonic_ns() - at) * (os.cpu_count() or 1)
    battery = psutil.sensors_battery()
    return Conditions(
        load_1min=os.getloadavg()[0],
        busy_share=(last.busy_ns - first.busy_ns) / total,
        steal_share=(last.steal_ns - first.steal_ns) / total,
        on_battery=None if battery is None else not battery.power_plugged,
        swap_used_bytes=psutil.swap_memory().used,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the doctor: whether something can be measured here, what was found, and the repair."""

    topic: str
    ok: bool
    what: str
    repair: str = ""


def diagnose() -> tuple[Finding, ...]:
    """What this machine can measure of processes; no finding changes anything."""
    host = describe_host()
    findings = [_clock_finding(), _io_finding(), _pss_finding(), _hidepid_finding(), _rapl_finding()]
    name = f" ({host['hypervisor']})" if host["hypervisor"] else ""
    findings.append(
        Finding(
            topic="machine",
            ok=not host["virtualised"],
            what=f"virtual machine{name}: CPU seconds also depend on its neighbours" if name else "physical machine",
            repair="Take more samples, compare interleaved, or measure on a machine of your own." if name else "",
        )
    )
    problems = conditions().problems(host["cpu_count"])
    repair = "Stop the other programs, plug the machine in, and measure again."
    findings += [Finding(topic="conditions", ok=False, what=problem, repair=repair) for problem in problems]
    if not problems:
        findings.append(Finding(topic="conditions", ok=True, what="quiet"))
    governor = host["governor"]
    if governor is not None:
        findings.append(
            Finding(
                topic="frequency",
                ok=governor == "performance",
                what=f"governor {governor}",
                repair="" if governor == "performance" else "cpupower frequency-set -g performance",
            )
        )
    return tuple(findings)


def _clock_finding() -> Finding:
    foreign = cpu_ns(1) is not None and hasattr(os, "pidfd_open")
    what = "nanosecond clocks of all processes" if foreign else "the CPU clocks of other processes cannot be read"
    return Finding(
        topic="cpu",
        ok=foreign,
        what=what,
        repair="" if foreign else "Use Linux 5.3 or newer, outside a sandbox (gVisor).",
    )


def _io_finding() -> Finding:
    content = _read("/proc/self/io")
    if content is None:
        return Finding(
            topic="disk", ok=False, what="no storage counters", repair="Use a kernel with CONFIG_TASK_IO_ACCOUNTING."
        )
    own = (
        "all processes"
        if _read("/proc/1/io") is not None
        else "own processes; sandboxed and other users' ones are unknown"
    )
    return Finding(topic="disk", ok=True, what=f"storage traffic of {own}")


def _pss_finding() -> Finding:
    if _read("/proc/self/smaps_rollup") is None:
        return Finding(
            topic="memory", ok=False, what="a lower bound only: no smaps_rollup", repair="Use Linux 4.14 or newer."
        )
    foreign = _read("/proc/1/smaps_rollup") is not None
    own = "all processes" if foreign else "own processes; a lower bound for sandboxed and other users' ones"
    return Finding(topic="memory", ok=True, what=f"proportional set size of {own}")


def _hidepid_finding() -> Finding:
    hidden = os.geteuid() != 0 and _read("/proc/1/stat") is None
    return Finding(
        topic="processes",
        ok=not hidden,
        what="other users' processes are hidden (hidepid)" if hidden else "all processes are visible",
        repair="Measure own processes only, or run as a member of the group named by /proc's gid= option."
        if hidden
        else "",
    )


def _rapl_finding() -> Finding:
    counter = Path("/sys/class/powercap/intel-rapl:0/energy_uj")
    if not counter.exists():
        return Finding(topic="energy", ok=False, what="no energy counter (RAPL): energy is modelled from CPU time")
    readable = _read(str(counter)) is not None
    return Finding(
        topic="energy",
        ok=readable,
        what="RAPL is readable"
        if readable
        else "RAPL exists, this user may not read it: energy is modelled from CPU time",
        repair="" if readable else "sudo chmod -R a+r /sys/class/powercap/*",
    )
