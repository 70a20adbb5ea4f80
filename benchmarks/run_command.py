# SPDX-License-Identifier: Apache-2.0
"""What `lichen run` costs and how exactly it counts, for commands of different kinds.

Per command: its CPU time by Lichen and by a control group that it enters itself (the oracle), what Lichen used from the command's
first instruction to its end, and what it used before and after (start-up of Python, gate, figures, run file).

Run as root, for the control group is the oracle: ``python benchmarks/run_command.py [seconds]``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from edges import CGroup

COMMANDS = {
    "rest": "time.sleep(S)",
    "busy": "until = time.monotonic() + S\nwhile time.monotonic() < until: pass",
    "bursts": "until = time.monotonic() + S\nwhile time.monotonic() < until: sum(range(100000)); time.sleep(0.02)",
    "children": """
until = time.monotonic() + S
while time.monotonic() < until:
    pid = os.fork()
    if pid == 0:
        sum(range(400000)); os._exit(0)
    os.waitpid(pid, 0)
    time.sleep(0.01)
""",
    "side by side": """
pids = []
for _ in range(8):
    pid = os.fork()
    if pid == 0:
        until = time.monotonic() + S
        while time.monotonic() < until: sum(range(20000)); time.sleep(0.01)
        os._exit(0)
    pids.append(pid)
for pid in pids: os.waitpid(pid, 0)
""",
    "orphans": """
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            until = time.monotonic() + S - 0.5
            while time.monotonic() < until: sum(range(20000)); time.sleep(0.005)
        os._exit(0)
    os.wait()
time.sleep(S)
""",
}
PER_10_S_MS = 20.0
SHARE = 0.01


@dataclass(frozen=True)
class Trial:
    """One command under `lichen run`; times in seconds.

    Attributes:
        oracle_s: CPU time by the control group; counted_s: by Lichen.
        agent_s: CPU time of Lichen in the window; around_s: before and after it.
    """

    window_s: float
    oracle_s: float
    counted_s: float
    agent_s: float
    around_s: float

    @property
    def allowed_s(self) -> float:
        """CPU time that Lichen may use in the window: 1 % of it, and 20 ms for each 10 s."""
        return (SHARE + PER_10_S_MS / 1e4) * max(self.window_s, 10.0)


def trial(group: CGroup, code: str, seconds: float, folder: str) -> Trial:
    """Measures one command."""
    enter = f'echo $$ > {group.path}/cgroup.procs; exec "$@"'
    script = f"import os, time\nS = {seconds}\n{code}"
    words = ["/bin/sh", "-c", enter, "sh", sys.executable, "-S", "-c", script]
    lichen = [sys.executable, "-m", "lichen", "run", "--json", "--no-attach", "--", *words]
    process = subprocess.Popen(lichen, cwd=folder, stdout=subprocess.PIPE)
    assert process.stdout is not None
    result = json.loads(process.stdout.read())
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    [command] = result["journeys"]
    counted_s = command["counters"]["cpu_time"]["value"]
    return Trial(
        window_s=command["counters"]["window_time"]["value"],
        oracle_s=group.cpu_ns() / 1e9,
        counted_s=counted_s,
        agent_s=command["agent_cpu_s"],
        around_s=used.ru_utime + used.ru_stime - counted_s - command["agent_cpu_s"],
    )


def main(seconds: float) -> int:
    """Prints one line a command; fails when Lichen uses more than it may."""
    print(
        f"{'command':13} {'window s':>8} {'oracle s':>9} {'error ms':>8} {'error':>7} {'Lichen ms':>9} {'allowed':>7} "
        f"{'around ms':>9}"
    )
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for name, code in COMMANDS.items():
            with CGroup.create() as group:
                if group is None:
                    print("No control group can be made here: run as root, or in a delegated group.")
                    return 1
                one = trial(group, code, seconds, folder)
            error_s = one.counted_s - one.oracle_s
            print(
                f"{name:13} {one.window_s:8.2f} {one.oracle_s:9.3f} {error_s * 1e3:8.1f} {error_s / one.oracle_s:7.2%} "
                f"{one.agent_s * 1e3:9.1f} {one.allowed_s * 1e3:7.0f} {one.around_s * 1e3:9.0f}"
            )
            failed = failed or one.agent_s > one.allowed_s
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))
