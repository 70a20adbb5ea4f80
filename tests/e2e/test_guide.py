# SPDX-License-Identifier: Apache-2.0
"""The guide's journey is followed to the letter, in both languages: its files are written, its commands are run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
_FILE = re.compile(r"^```\w+ title=(\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMANDS = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.beside
@pytest.mark.parametrize(
    ("page", "shown"), [("write-a-journey.md", "per visit"), ("write-a-journey.fr.md", "par visite")]
)
def test_the_guide_leads_to_a_report(page: str, shown: str, tmp_path: Path) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    for name, content in _FILE.findall(text):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    outputs = []
    for line in _COMMANDS.findall(text)[0].splitlines():
        done = subprocess.run(
            line.split(),
            cwd=tmp_path, env=os.environ | {"PATH": path, "LICHEN_MEASURE_SAMPLES": "1"},
            capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        outputs.append(done.stdout)
    assert shown in outputs[0]
    assert len(list(tmp_path.glob("*.html"))) == 1
    assert "duration_s" in outputs[1]
