# SPDX-License-Identifier: Apache-2.0
"""What ``lichen backup`` and ``lichen restore`` say."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lichen.cli.invocation import Invocation
from lichen.cli.words import Words

if TYPE_CHECKING:
    from lichen.service.backup import Kept

_MB = 1e6


def tell(invocation: Invocation, kept: Kept, file: Path, lang: str) -> None:
    """What a backup holds."""
    if invocation.json:
        invocation.print_json({"file": str(file), **asdict(kept)})
        return
    said = Words(lang)["backup"].format(
        runs=kept.rows.get("ingest_journal", 0),
        rows=sum(kept.rows.values()),
        files=kept.ledger_files,
        size=kept.size / _MB,
    )
    click.echo(f"{file}: {said}")
