# SPDX-License-Identifier: Apache-2.0
"""Server parts of lichen.toml as they are started and measured, and the folder of what a run leaves beside its run file."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from lichen.collect.machine import Part, is_counter, open_part
from lichen.config import Settings
from lichen.records import timestamp


def declared_parts(settings: Settings) -> list[Part]:
    """The server parts declared in lichen.toml."""
    return [
        Part(
            name=part.name,
            command=part.command or (),
            port=part.port,
            pid=part.pid,
            cwd=part.cwd or settings.folder,
            env=part.env,
            ready="" if part.ready in (None, "tcp") else str(part.ready),
            timeout_s=part.ready_timeout_s,
            reset=part.reset or (),
            counter=partial(open_part, part, settings) if is_counter(part) else None,
        )
        for part in settings.parts
    ]


def run_folder(settings: Settings, kind: str) -> Path:
    """Folder of one run's logs or screenshots: two measurements at once in one folder never share a file."""
    return settings.output.runs / kind / f"{timestamp()[:19].replace(':', '')}-{os.getpid()}"
