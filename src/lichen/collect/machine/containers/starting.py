# SPDX-License-Identifier: Apache-2.0
"""How the container engines that are installed here are started: Podman answers only while its service runs.

Source: podman-system-service(1), sd_booted(3), docs.docker.com/engine/daemon/start.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SYSTEMD: Final = Path("/run/systemd/system")
"""A folder that is there where systemd started the machine."""
_SERVERS: Final = {"Docker": "dockerd", "Podman": "podman"}
"""Programs that answer: Docker's client alone is no engine."""
ELSEWHERE: Final = "set DOCKER_HOST to the address of an engine"


@dataclass(frozen=True, slots=True)
class Installed:
    """An engine that is installed here, and the command that makes it answer."""

    name: str
    command: str


def installed() -> Iterator[Installed]:
    """The engines whose programs this user finds."""
    root, booted = os.geteuid() == 0, _SYSTEMD.is_dir()
    for name, program in _SERVERS.items():
        if shutil.which(program) is None:
            continue
        if name == "Podman":
            yield Installed(name, _podman(root=root, booted=booted))
        else:
            started = "systemctl start docker" if booted else "dockerd &"
            yield Installed(name, started if root else f"sudo {started}")


def _podman(*, root: bool, booted: bool) -> str:
    if not booted:
        return "podman system service --time 0 &"
    return "systemctl start podman.socket" if root else "systemctl --user start podman.socket"


def how_to_start() -> str:
    """What to do where no engine answers, as the beginning of a sentence."""
    found = [f"{one.name} ({one.command})" for one in installed()]
    return f"Start {' or '.join(found)}" if found else "Install and start Docker or Podman"
